"""Which variant of each dialect of Jogos' notification is heard on the wire, by name of the dialect."""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from coinslot_testkit.dialect_ears import Ears, digest, read

SLASHED = "gems/é"
"""A product whose id is spelt in more than one way."""
DOCUMENTED = (
    "paytype",
    "gameId",
    "orderId",
    "arrivedStatus",
    "productId",
    "createTime",
    "payTime",
    "userId",
    "refundStatus",
    "refundTime",
)


def time_heard(value: Any, at_s: int) -> str:
    """How a time is told that is this second."""
    date = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    known = {at_s: "seconds", at_s * 1000: "milliseconds", str(at_s): "text", date: "date-and-time"}
    return known[value]


def emptiness_heard(members: Mapping[str, Any]) -> str:
    """What stands in the two refund members of something that was not refunded."""
    values = {members.get(name, "left out") for name in ("refundStatus", "refundTime")}
    (value,) = values
    known = {None: "null", "left out": "absent", "": "empty-text", 0: "zero", "null": "null-text"}
    return known[value]


def notice_paytype(ears: Ears) -> str:
    """The member in a payment's and in a refund's notification."""
    _, pay, refund = ears.both_notices()
    told = [
        {name: value for name, value in read(one).items() if name.lower() == "paytype"}
        for one in (pay, refund)
    ]
    known: dict[str, list[dict[str, str]]] = {
        "present": [{"paytype": "pay"}, {"paytype": "refund"}],
        "absent": [{}, {}],
        "camel-case": [{"payType": "pay"}, {"payType": "refund"}],
        "upper-case": [{"paytype": "PAY"}, {"paytype": "REFUND"}],
        "always-pay": [{"paytype": "pay"}, {"paytype": "pay"}],
    }
    (name,) = [name for name, shape in known.items() if shape == told]
    return name


def notice_ids(ears: Ears) -> str:
    """Their types."""
    order, *notices = ears.both_notices()
    for members in map(read, notices):
        assert (str(members["gameId"]), str(members["userId"])) == (order["game_id"], "257")
    (types,) = {(type(read(one)["gameId"]), type(read(one)["userId"])) for one in notices}
    return {(int, int): "number", (str, str): "text"}[types]


def notice_arrived(ears: Ears) -> str:
    """arrivedStatus of an order that nobody reported."""
    return {0: "as-reported", 1: "delivered"}[read(ears.pay(ears.order()))["arrivedStatus"]]


def notice_times(ears: Ears) -> str:
    """createTime, payTime and refundTime."""
    order, pay, refund = ears.both_notices()
    told = read(refund)
    heard = {
        time_heard(read(pay)["createTime"], order["created_at_s"]),
        time_heard(read(pay)["payTime"], order["paid_at_s"]),
        time_heard(told["refundTime"], order["refunded_at_s"]),
    }
    (name,) = heard
    return name


def notice_refund(ears: Ears) -> str:
    """The two members of a refund's notification."""
    order, _, refund = ears.both_notices()
    told = read(refund)["refundStatus"], read(refund)["refundTime"]
    at_s = order["refunded_at_s"]
    known = {
        (1, at_s): "status-and-time",
        (1, None): "status-only",
        (None, at_s): "time-only",
        (None, None): "neither",
    }
    return known[told]


def notice_empty(ears: Ears) -> str:
    """The two members of a payment's notification."""
    _, pay, refund = ears.both_notices()
    assert read(refund)["refundStatus"] == 1
    return emptiness_heard(read(pay))


def notice_extra(ears: Ears) -> str:
    """What is there beside the documented members, which are all there."""
    names = list(read(ears.pay(ears.order())))
    assert names[: len(DOCUMENTED)] == list(DOCUMENTED)
    extra = names[len(DOCUMENTED) :]
    return {(): "absent", ("gameName", "currency", "paid", "channel"): "present"}[tuple(extra)]


def notice_spelling(ears: Ears) -> str:
    """The bytes, against those that the standard library writes of the same values."""
    order, pay, _ = ears.both_notices(product=SLASHED)
    good = {
        "paytype": "pay",
        "gameId": int(order["game_id"]),
        "orderId": order["order_id"],
        "arrivedStatus": 0,
        "productId": SLASHED,
        "createTime": order["created_at_s"],
        "payTime": order["paid_at_s"],
        "userId": 257,
        "refundStatus": None,
        "refundTime": None,
    }
    (name,) = [name for name, body in _spellings(good).items() if body == pay.body]
    assert read(pay) == good
    assert (pay.header("Content-Encoding") == "gzip") == (name == "gzip")
    return name


def _spellings(good: dict[str, Any]) -> dict[str, bytes]:
    compact = json.dumps(good, ensure_ascii=False, separators=(",", ":"))
    turned = json.dumps(dict(reversed(good.items())), ensure_ascii=False, separators=(",", ":"))
    return {
        "compact": compact.encode(),
        "spaced": json.dumps(good, ensure_ascii=False).encode(),
        "indented": json.dumps(good, ensure_ascii=False, indent=2).encode(),
        "sorted": json.dumps(good, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(),
        "reversed": turned.encode(),
        "escaped": re.sub(r'(:")(.)', lambda hit: f"{hit[1]}\\u{ord(hit[2]):04x}", _ascii(good)).encode(),
        "slash_escaped": compact.replace("/", "\\/").encode(),
        "trailing_newline": compact.encode() + b"\n",
        "gzip": gzip.compress(compact.encode(), mtime=0),
        "byte_order_mark": b"\xef\xbb\xbf" + compact.encode(),
        "decimal_point": re.sub(r'(":\d+)(?=[,}])', r"\1.0", compact).encode(),
    }


def _ascii(good: dict[str, Any]) -> str:
    return json.dumps(good, separators=(",", ":"))


def notice_content_type(ears: Ears) -> str:
    """The header."""
    known = {
        "application/json": "json",
        "application/json; charset=utf-8": "json-charset",
        "text/plain": "text",
        None: "absent",
    }
    return known[ears.pay(ears.order()).header("Content-Type")]


def notice_signature(ears: Ears) -> str:
    """The header, against the digest of the bytes that came."""
    arrival = ears.pay(ears.order())
    right = digest(arrival.body)
    known = {right: "lower-case", right.upper(): "upper-case", f"Signature {right}": "scheme-word"}
    return known[str(arrival.header("Authorization"))]


def notice_header_names(ears: Ears) -> str:
    """Of the signature and the Content-Type."""
    names = {name for name, _ in ears.pay(ears.order()).headers}
    if {"Authorization", "Content-Type"} <= names:
        return "capitals"
    assert {"authorization", "content-type"} <= names
    return "lower-case"


def refund_notices(ears: Ears) -> str:
    """Which notifications come when a refund goes through all its states."""
    order = ears.order()
    ears.pay(order)
    before = len(ears.backend.arrivals)
    for status in (0, 2, 0, 3, 0):
        ears.client.done("POST", f"/orders/{order['order_id']}/refund", {"refundStatus": status})
    ears.client.done("POST", f"/orders/{order['order_id']}/refund", {"refundStatus": 1})
    heard: list[int] = []
    while 1 not in heard:
        heard.append(
            read(ears.backend.wait_for(before + len(heard) + 1)[before + len(heard)])["refundStatus"]
        )
    return {(1,): "completed", (0, 2, 0, 3, 0, 1): "all"}[tuple(heard)]


def order_id_form(ears: Ears) -> str:
    """orderId of a notification."""
    order_id = read(ears.pay(ears.order()))["orderId"]
    forms = {
        r"[1-9]\d{17}": "digits",
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}": "uuid",
        r"[A-Za-z0-9]{30}": "letters-and-digits",
        r"[A-Za-z0-9]{200}": "long",
    }
    (name,) = [name for form, name in forms.items() if re.fullmatch(form, order_id)]
    return name


HEARD_OF_NOTICES: dict[str, Callable[[Ears], str]] = {
    look.__name__: look
    for look in (
        notice_paytype,
        notice_ids,
        notice_arrived,
        notice_times,
        notice_refund,
        notice_empty,
        notice_extra,
        notice_spelling,
        notice_content_type,
        notice_signature,
        notice_header_names,
        refund_notices,
        order_id_form,
    )
}
