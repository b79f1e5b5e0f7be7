"""Section 3.B: the question whether a purchase is real and completed, and every answer that we can read.

The document names the address and its two parameters, and no answer at all. The default answer is that of the
published sibling endpoint; two other plausible dialects can be chosen on both sides.
clauses   playgama:3.B, playgama:4; sandbox:verify-reply
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Order
from coinslot_contracts.errors import PurchaseNotPaid, VerifyUnavailable
from coinslot_contracts.json_bytes import JsonInvalid, dump_compact, parse_json_object
from coinslot_contracts.wire import WireReply

VERIFY_PATH: Final = "/api/v1/payments/verify"
DEFAULT_REPLY: Final = "success"
JSON_HEADERS: Final = (("Content-Type", "application/json"),)

STATES: Final[dict[str, str]] = {
    "paid": "",
    "pending": "the payment is pending",
    "not_found": "no such purchase",
    "refunded": "the purchase was refunded",
    "charged_back": "the purchase was charged back",
    "canceled": "the purchase was canceled",
    "failed": "the payment failed",
}
"""What verification can say of an order: name -> the text of a negative answer."""


def dump_target(order_id: str, external_id: str) -> str:
    """Path and query of a verification, both values encoded so that neither can add a parameter.

    clause   playgama:3.B (lines 49-57)
    """
    return f"{VERIFY_PATH}?{urlencode({'orderId': order_id, 'externalId': external_id})}"


def _success(state: str) -> dict[str, Any]:
    return {"success": True} if state == "paid" else {"success": False, "errorMessage": STATES[state]}


def _status(state: str) -> dict[str, Any]:
    return {"status": state.upper()}


def _verified(state: str) -> dict[str, Any]:
    return {"verified": state == "paid"}


REPLIES: Final[
    dict[str, tuple[Callable[[str], dict[str, Any]], Callable[[Mapping[str, Any]], bool | None]]]
] = {
    "success": (_success, lambda body: _boolean(body, "success")),
    "status": (_status, lambda body: _paid(body)),
    "verified": (_verified, lambda body: _boolean(body, "verified")),
}
"""Dialects by name: how to write the answer for a state; how to read paid, not paid, or neither (None)."""


def _boolean(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    return value if isinstance(value, bool) else None


def _paid(body: Mapping[str, Any]) -> bool | None:
    value = body.get("status")
    return value == "PAID" if isinstance(value, str) else None


def reply_for(state: str, dialect: str | None, status: int = 200) -> WireReply:
    """The answer that says this state in this shape."""
    write = REPLIES[dialect or DEFAULT_REPLY][0]
    return WireReply(status=status, headers=JSON_HEADERS, body=dump_compact(write(state)))


VALUES: Final[Mapping[str, Callable[[bool], Any]]] = {
    "text": lambda value: "true" if value else "false",
    "number": int,
}


def answer_of(order: Order, state: str, speak: Speak) -> WireReply:
    """The answer about an order that there is, in the chosen manner.

    clause   playgama:3.B; sandbox:verify-reply, sandbox:verify-value
    """
    if state == "not_found":
        return answer_of_unknown(speak)
    body = _told(state, speak)
    if speak("verify_details") == "present":
        about = {"orderId": order.order_id, "externalId": order.external_id, "productId": order.product_id}
        body |= about
    return WireReply(headers=JSON_HEADERS, body=dump_compact(body))


def answer_of_unknown(speak: Speak) -> WireReply:
    """The answer about a purchase that there is not (sandbox:verify-unknown)."""
    status = 404 if speak("verify_unknown") == "http-404" else 200
    return WireReply(status=status, headers=JSON_HEADERS, body=dump_compact(_told("not_found", speak)))


def answer_without_ids(speak: Speak) -> WireReply:
    """The answer to a question that lacks one of its ids (sandbox:verify-missing-parameter)."""
    status = 200 if speak("verify_missing") == "http-200" else 400
    return WireReply(status=status, headers=JSON_HEADERS, body=dump_compact(_told("not_found", speak)))


def _told(state: str, speak: Speak) -> dict[str, Any]:
    body = REPLIES[speak("verify_reply") or DEFAULT_REPLY][0](state)
    tell = VALUES.get(speak("verify_value") or "")
    if tell is None:
        return body
    return {name: tell(value) if isinstance(value, bool) else value for name, value in body.items()}


def parse_reply(status: int, body: bytes, dialect: str | None = None) -> None:
    """Return where the portal confirms the purchase; only a JSON true (or PAID) in the dialect's place does.

    errors   PurchaseNotPaid where the portal says no; VerifyUnavailable for everything that is neither yes
             nor no: an HTTP status that is not 200, 400 or 404, a body that is no JSON object, "true", 1
    clause   playgama:3.B (line 59), playgama:4 (line 66)
    """
    if status not in (200, 400, 404):
        raise VerifyUnavailable(f"the verification answered HTTP {status}")
    try:
        answer = REPLIES[dialect or DEFAULT_REPLY][1](parse_json_object(body))
    except JsonInvalid as error:
        raise VerifyUnavailable(f"the verification's answer is {error}") from None
    if answer is None or (answer and status != 200):
        raise VerifyUnavailable("the verification's answer says neither yes nor no")
    if not answer:
        raise PurchaseNotPaid("the portal does not confirm this purchase as paid")
