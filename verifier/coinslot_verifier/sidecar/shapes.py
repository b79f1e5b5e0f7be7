"""The JSON forms of what the verifier says; the OpenAPI document describes exactly these."""

import base64
from typing import TYPE_CHECKING, Any

from coinslot_contracts.domain import Identity, ListedOrder, Notification
from coinslot_contracts.wire import WireReply

if TYPE_CHECKING:
    from coinslot_verifier.intents import Intent
    from coinslot_verifier.ledger import Settlement


def identity_shape(identity: Identity) -> dict[str, Any]:
    """Every member of an Identity; `claims` holds each claim as sent."""
    return {
        "user_id": identity.user_id,
        "game_id": identity.game_id,
        "username": identity.username,
        "picture_url": identity.picture_url,
        "issued_at_s": identity.issued_at_s,
        "expires_at_s": identity.expires_at_s,
        "issuer": identity.issuer,
        "token_id": identity.token_id,
        "claims": dict(identity.claims),
    }


def notification_shape(fact: Notification) -> dict[str, Any]:
    """Every member of a Notification."""
    return {
        "kind": fact.kind,
        "game_id": fact.game_id,
        "order_id": fact.order_id,
        "user_id": fact.user_id,
        "product_id": fact.product_id,
        "arrived_status": fact.arrived_status,
        "created_at_s": fact.created_at_s,
        "paid_at_s": fact.paid_at_s,
        "refund_status": fact.refund_status,
        "refunded_at_s": fact.refunded_at_s,
    }


def order_shape(order: ListedOrder) -> dict[str, Any]:
    """Every member of a ListedOrder."""
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "product_id": order.product_id,
        "arrived_status": order.arrived_status,
        "paid_at_s": order.paid_at_s,
        "refund_status": order.refund_status,
        "refunded_at_s": order.refunded_at_s,
    }


def settlement_shape(settlement: "Settlement") -> dict[str, Any]:
    """Every member of a Settlement."""
    return {
        "order_id": settlement.order_id,
        "user_id": settlement.user_id,
        "product_id": settlement.product_id,
        "outcome": str(settlement.outcome),
        "flagged": settlement.flagged,
    }


def intent_shape(intent: "Intent") -> dict[str, Any]:
    """Every member of an Intent."""
    return {
        "external_id": intent.external_id,
        "user_id": intent.user_id,
        "product_id": intent.product_id,
        "opened_at_s": intent.opened_at_s,
    }


def reply_shape(reply: WireReply) -> dict[str, Any]:
    """The answer to send to the portal, byte for byte."""
    return {
        "status": reply.status,
        "headers": [[name, value] for name, value in reply.headers],
        "body_b64": base64.b64encode(reply.body).decode("ascii"),
    }
