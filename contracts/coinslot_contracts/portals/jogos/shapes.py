"""Bodies of the notification that the document allows, contradicts or forgets to forbid, by name.

Each takes the members of a good body and returns the bytes of the odd one; the names are explained in
`vocabulary.FIELD_SHAPES`. What a backend owes to each is the harness's matter, not this file's.
clauses   jogos:iap.1.fields, jogos:iap.4
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.json_bytes import dump_compact

Members = Mapping[str, Any]
Shape = Callable[[Members], bytes]

BEYOND_DOUBLES: Final = 2**53 + 1
NOBODY: Final = 2_147_483_646
UNKNOWN_ORDER: Final = "NobodyHasEverOrderedThis000000"
UNKNOWN_PRODUCT: Final = "nobody-sells-this"
ORDER_ID_LONG: Final = 1000
DEPTH: Final = 10_000
_IDS: Final = ("gameId", "orderId", "productId", "userId")
_TIMES: Final = ("createTime", "payTime", "refundTime")
_REFUND: Final = ("refundStatus", "refundTime")


def _with(**changes: Any) -> Shape:
    return lambda members: dump_compact({**members, **changes})


def _without(*names: str) -> Shape:
    return lambda members: dump_compact({name: members[name] for name in members if name not in names})


def _each(names: tuple[str, ...], turn: Callable[[Any], Any]) -> Shape:
    """The members of these names turned; null stays null, as there is nothing to turn."""

    def shape(members: Members) -> bytes:
        turned = {name: turn(members[name]) for name in names if members.get(name) is not None}
        return dump_compact({**members, **turned})

    return shape


def _refund_status(status: int) -> Shape:
    """The status, and a time of the refund where there has been one."""

    def shape(members: Members) -> bytes:
        at_s = members["refundTime"] or members["payTime"]
        return dump_compact({**members, "refundStatus": status, "refundTime": at_s if status == 1 else None})

    return shape


def _paytype_camel(members: Members) -> bytes:
    return dump_compact({"payType" if name == "paytype" else name: members[name] for name in members})


def _digits_to_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _order_id_number(value: str) -> int:
    """The id's own digits; an id with letters becomes a number of its own, always the same."""
    number = _digits_to_number(value)
    return number if isinstance(number, int) else 10**9 + zlib.crc32(value.encode())


def _case_twin(value: str) -> str:
    return value.swapcase() if value.swapcase() != value else f"{value}X"


def _paid_before_created(members: Members) -> bytes:
    return dump_compact({**members, "payTime": members["createTime"] - 60})


def _extra_fields(members: Members) -> bytes:
    extra = {"amount": 0, "currency": "USD", "quantity": 100, "extra": {"list": [1, "two", None]}}
    return dump_compact({**members, **extra})


def _duplicate_order_id(members: Members) -> bytes:
    other = dump_compact({"orderId": UNKNOWN_ORDER})
    return other[:-1] + b"," + dump_compact(members)[1:]


def _nan(members: Members) -> bytes:
    return dump_compact({**members, "refundTime": float("nan")})


def _deep_nesting(members: Members) -> bytes:
    """Written by hand, because the standard library's writer does not go so deep either."""
    return dump_compact(members)[:-1] + b',"extra":' + b"[" * DEPTH + b"]" * DEPTH + b"}"


SHAPES: Final[Mapping[str, Shape]] = {
    "paytype_missing": _without("paytype"),
    "paytype_unknown": _with(paytype="chargeback"),
    "paytype_camel": _paytype_camel,
    "paytype_upper": _each(("paytype",), str.upper),
    "refund_fields_absent": _without(*_REFUND),
    "refund_fields_empty": _with(refundStatus="", refundTime=""),
    "refund_fields_text_null": _with(refundStatus="null", refundTime="null"),
    "refund_fields_zero": _with(refundStatus=0, refundTime=0),
    "refund_status_null": _with(refundStatus=None, refundTime=None),
    "refund_status_0": _refund_status(0),
    "refund_status_1": _refund_status(1),
    "refund_status_2": _refund_status(2),
    "refund_status_3": _refund_status(3),
    "refund_time_missing": _with(refundStatus=1, refundTime=None),
    "order_id_number": _each(("orderId",), _order_id_number),
    "order_id_case_twin": _each(("orderId",), _case_twin),
    "order_id_long": _each(("orderId",), lambda value: (value * ORDER_ID_LONG)[:ORDER_ID_LONG]),
    "order_id_unicode": _each(("orderId",), lambda value: f"{value}é中😀"),
    "ids_as_strings": _each(_IDS, str),
    "ids_as_numbers": _each(_IDS, _digits_to_number),
    "ids_beyond_doubles": _with(userId=BEYOND_DOUBLES),
    "user_id_zero": _with(userId=0),
    "user_id_null": _with(userId=None),
    "unknown_user": _with(userId=NOBODY),
    "unknown_product": _with(productId=UNKNOWN_PRODUCT),
    "unknown_order": _with(orderId=UNKNOWN_ORDER),
    "unknown_game": _each(("gameId",), lambda value: value + 1),
    "product_id_case": _each(("productId",), _case_twin),
    "arrived_status_1": _with(arrivedStatus=1),
    "arrived_status_2": _with(arrivedStatus=2),
    "times_milliseconds": _each(_TIMES, lambda value: value * 1000),
    "times_as_strings": _each(_TIMES, str),
    "times_zero": _each(_TIMES, lambda _value: 0),
    "paid_before_created": _paid_before_created,
    "extra_fields": _extra_fields,
    "duplicate_order_id": _duplicate_order_id,
    "nan": _nan,
    "deep_nesting": _deep_nesting,
}
"""Name in `vocabulary.FIELD_SHAPES` -> what it makes of good members."""
