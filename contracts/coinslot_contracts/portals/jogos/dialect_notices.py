"""The manners in which Jogos may write its notification; table and example of section 1 allow several.

Each function changes the members, bytes or headers of the default; none changes what is true of the order.
clauses   jogos:iap.1.fields, jogos:iap.1.auth, jogos:iap.4; sandbox:paytype-present, sandbox:callback-ids,
          sandbox:times-in-seconds, sandbox:empty-refund-fields, sandbox:callback-post-json, …
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.dialects import NoticeManner, Speak
from coinslot_contracts.json_bytes import dump_compact, dump_json, spelling_headers
from coinslot_contracts.portals.jogos.dialect_values import with_empties, with_ids, with_times
from coinslot_contracts.wire import Headers

REFUNDED: Final = 1
REFUND_FIELDS: Final = ("refundStatus", "refundTime")
EXTRA: Final[Mapping[str, Any]] = {"gameName": "A game", "currency": "USD", "paid": "0.99", "channel": "card"}
"""Members that the client's order has beside the documented ones."""
CONTENT_TYPES: Final[Mapping[str, str | None]] = {
    "json": "application/json",
    "json-charset": "application/json; charset=utf-8",
    "text": "text/plain",
    "absent": None,
}
_PAYTYPES: Final[Mapping[str, Callable[[str], dict[str, str]]]] = {
    "present": lambda kind: {"paytype": kind},
    "absent": lambda kind: {},  # noqa: ARG005 - one form for all
    "camel-case": lambda kind: {"payType": kind},
    "upper-case": lambda kind: {"paytype": kind.upper()},
    "always-pay": lambda kind: {"paytype": "pay"},  # noqa: ARG005
}


def members(good: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    """The members of a notification in the chosen manner.

    good   as `notices.fields` makes them
    """
    kind = good["paytype"]
    told = dict(good)
    if kind == "refund":
        told = _refund(told, speak)
    if speak("notice_arrived") == "delivered":
        told["arrivedStatus"] = 1
    told = with_ids(told, ("gameId", "userId"), speak("notice_ids"))
    told = with_times(told, ("createTime", "payTime", "refundTime"), speak("notice_times"))
    told = with_empties(told, REFUND_FIELDS, speak("notice_empty"))
    del told["paytype"]
    extra = EXTRA if speak("notice_extra") == "present" else {}
    return {**_PAYTYPES[speak("notice_paytype") or "present"](kind), **told, **extra}


def _refund(told: dict[str, Any], speak: Speak) -> dict[str, Any]:
    kept = {"status-only": ("refundStatus",), "time-only": ("refundTime",), "neither": ()}
    shown = kept.get(speak("notice_refund") or "", REFUND_FIELDS)
    return {**told, **{name: None for name in REFUND_FIELDS if name not in shown}}


def dump(told: Mapping[str, Any], speak: Speak) -> tuple[bytes, Headers]:
    """The body in the chosen spelling; the signature covers it as it is."""
    spelling = speak("notice_spelling") or "compact"
    if spelling in _OWN_SPELLINGS:
        return _OWN_SPELLINGS[spelling](told), ()
    return dump_json(told, spelling), spelling_headers(spelling)


def _with_decimal_point(told: Mapping[str, Any]) -> bytes:
    pairs = (dump_compact(name) + b":" + _pointed(value) for name, value in told.items())
    return b"{" + b",".join(pairs) + b"}"


def _pointed(value: Any) -> bytes:
    """A whole number digit by digit, never through a float, which would round a long one."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return dump_compact(value) + (b".0" if is_whole else b"")


_OWN_SPELLINGS: Final[Mapping[str, Callable[[Mapping[str, Any]], bytes]]] = {
    "byte_order_mark": lambda told: b"\xef\xbb\xbf" + dump_compact(told),
    "decimal_point": _with_decimal_point,
}


def signature(value: str, speak: Speak) -> str:
    """The signature as it stands in the header."""
    variant = speak("notice_signature")
    if variant == "upper-case":
        return value.upper()
    return f"Signature {value}" if variant == "scheme-word" else value


def headers(good: Headers, speak: Speak) -> Headers:
    """The headers with another Content-Type or none, and their names in another case."""
    content_type = CONTENT_TYPES[speak("notice_content_type") or "json"]
    told = tuple((name, content_type if name == "Content-Type" else value) for name, value in good)
    lower = speak("notice_header_names") == "lower-case"
    return tuple((name.lower() if lower else name, value) for name, value in told if value is not None)


def tells(refund_status: int, speak: Speak) -> bool:
    """Whether a refund in this state is notified."""
    return refund_status == REFUNDED or speak("refund_notices") == "all"


MANNER: Final = NoticeManner(members=members, dump=dump, signature=signature, headers=headers, tells=tells)
