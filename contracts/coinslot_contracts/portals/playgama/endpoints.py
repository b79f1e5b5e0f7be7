"""What Playgama serves to a game's server: the key set, verification by GET, and its sibling by POST.

clauses   playgama:2, playgama:3.B; sandbox:bridge-verify
"""

from typing import Any, Final

from coinslot_contracts.dialects import Speak, plainly
from coinslot_contracts.domain import Order
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from coinslot_contracts.portal import Answer, Endpoint, PortalView, Subject
from coinslot_contracts.portals.playgama.jwks import jwks_reply
from coinslot_contracts.portals.playgama.verify import (
    VERIFY_PATH,
    answer_of,
    answer_of_unknown,
    answer_without_ids,
)
from coinslot_contracts.wire import WireReply, WireRequest

REFUNDED: Final = 1
STATE_SAID: Final = {
    "created": "pending",
    "pending": "pending",
    "paid": "paid",
    "failed": "failed",
    "canceled": "canceled",
    "expired": "failed",
}


def jwks(request: WireRequest, view: PortalView) -> Answer:  # noqa: ARG001 - the form of Endpoint.answer
    """The public keys that purchase tokens are signed with.

    clause   playgama:2
    """
    return Answer(
        reply=jwks_reply(view.published_keys(), view.dialect),
        verdict_code="200",
        verdict_reason="served the key set",
    )


def verify(request: WireRequest, view: PortalView) -> Answer:
    """Whether the order is paid, and belongs to this externalId.

    clause   playgama:3.B; sandbox:verify-reply, sandbox:verify-missing-parameter
    """
    query = request.query
    return _judged(query.get("orderId"), query.get("externalId"), view, view.dialect)


def bridge_verify(request: WireRequest, view: PortalView) -> Answer:
    """The sibling that takes the whole purchase in a POST body; its answer is published, so it has one shape.

    clause   sandbox:bridge-verify
    """
    data = _purchase(request)
    return _judged(data.get("orderId"), data.get("externalId"), view, plainly)


def _judged(order_id: object, external_id: object, view: PortalView, speak: Speak) -> Answer:
    if not isinstance(order_id, str) or not isinstance(external_id, str) or not order_id or not external_id:
        return _answer(answer_without_ids(speak), "orderId or externalId is missing")
    order = view.find_order(order_id)
    if order is None:
        return _answer(answer_of_unknown(speak), "there is no order of this id")
    if order.external_id != external_id:
        return _answer(answer_of_unknown(speak), "the order has another externalId")
    return _answer(answer_of(order, _state(order), speak), f"the order is {_state(order)}")


def _state(order: Order) -> str:
    if order.verify is not None:
        return order.verify
    if order.charged_back:
        return "charged_back"
    if order.refund_status == REFUNDED:
        return "refunded"
    return STATE_SAID[order.state]


def _answer(reply: WireReply, reason: str) -> Answer:
    return Answer(reply=reply, verdict_code=str(reply.status), verdict_reason=reason)


def _purchase(request: WireRequest) -> dict[str, Any]:
    try:
        data = parse_json_object(request.body).get("data")
    except JsonInvalid:
        return {}
    return data if isinstance(data, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def query_subject(request: WireRequest) -> Subject:
    """The order that a verification names in its query."""
    query = request.query
    return Subject(order_id=_text(query.get("orderId")), external_id=_text(query.get("externalId")))


def body_subject(request: WireRequest) -> Subject:
    """The order that a verification names in its body."""
    data = _purchase(request)
    return Subject(order_id=_text(data.get("orderId")), external_id=_text(data.get("externalId")))


ENDPOINTS: Final = (
    Endpoint(
        name="playgama.jwks",
        method="GET",
        path="/.well-known/jwks.json",
        site="web",
        clause="playgama:2",
        answer=jwks,
    ),
    Endpoint(
        name="playgama.verify",
        method="GET",
        path=VERIFY_PATH,
        site="web",
        clause="playgama:3.B",
        answer=verify,
        subject=query_subject,
    ),
    Endpoint(
        name="playgama.bridge_verify",
        method="POST",
        path="/api/v1/bridge/verify",
        site="web",
        clause="sandbox:bridge-verify",
        answer=bridge_verify,
        subject=body_subject,
    ),
)
