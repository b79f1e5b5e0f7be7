"""The shapes of the control API's resources: records in, JSON-ready dictionaries out."""

import base64
from collections.abc import Iterable
from typing import Any

from coinslot_contracts.domain import Player
from coinslot_contracts.portal import Portal

from coinslot_sandbox import orders
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.faults import FaultReport
from coinslot_sandbox.jose import Minted
from coinslot_sandbox.keys import KeyRing
from coinslot_sandbox.purchases import MintedPurchase
from coinslot_sandbox.store.records import AttemptRecord, Delivery, GameRecord, OrderRecord, Product

HIDDEN = "•••"
"""Stands for a secret."""


def dump_game(record: GameRecord, portal: Portal) -> dict[str, Any]:
    """A game and the paths at which its portal is called."""
    game = record.game
    return {
        "portal": record.portal,
        "game_id": game.game_id,
        "shared_key": None if game.shared_key is None else game.shared_key.decode(),
        "callback_url": game.callback_url,
        "iap_enabled": game.iap_enabled,
        "retry": record.retry if isinstance(record.retry, str) else list(record.retry),
        "timeout_s": record.timeout_s,
        "ack_rule": record.ack_rule,
        "terminal_codes": list(record.terminal_codes),
        "environments": list(record.environments),
        "paths": {endpoint.name: endpoint.path for endpoint in portal.endpoints},
    }


def dump_player(player: Player) -> dict[str, Any]:
    """A player."""
    return {"user_id": player.user_id, "username": player.username, "picture_url": player.picture_url}


def dump_product(product: Product) -> dict[str, Any]:
    """A product."""
    return {"product_id": product.product_id, "title": product.title, "price": product.price}


def dump_order(record: OrderRecord, context: Context) -> dict[str, Any]:
    """An order and the moves that are legal now; the two statuses keep the document's spelling."""
    order, life = record.order, context.portals[record.portal].life
    return {
        "order_id": order.order_id,
        "portal": record.portal,
        "environment": record.environment,
        "game_id": order.game_id,
        "user_id": order.user_id,
        "product_id": order.product_id,
        "state": order.state,
        "status": life.status(order),
        "paid": order.state == "paid",
        "arrivedStatus": order.arrived_status,
        "refundStatus": order.refund_status,
        "external_id": order.external_id,
        "verify": order.verify,
        "created_at_s": order.created_at_s,
        "paid_at_s": order.paid_at_s,
        "refunded_at_s": order.refunded_at_s,
        "consumed": order.consumed,
        "charged_back": order.charged_back,
        "forced": record.forced,
        "archived": record.archived,
        "moves": orders.offered(life, order),
    }


def dump_delivery(delivery: Delivery) -> dict[str, Any]:
    """A delivery without its attempts."""
    return {
        "delivery_id": delivery.delivery_id,
        "portal": delivery.portal,
        "game_id": delivery.game_id,
        "order_id": delivery.order_id,
        "kind": delivery.kind,
        "url": delivery.url,
        "mode": delivery.mode,
        "state": delivery.state,
        "held": delivery.held and delivery.state == "pending",
        "waits_for": delivery.waits_for if delivery.state == "pending" else None,
        "fault_id": delivery.fault_id,
        "body_b64": base64.b64encode(delivery.body).decode(),
        "signature_header": delivery.signature,
        "retry": list(delivery.retry_s),
        "timeout_s": delivery.timeout_s,
        "ack_rule": delivery.ack_rule,
        "terminal_codes": list(delivery.terminal_codes),
        "attempts_made": delivery.attempts_made,
        "next_at_s": delivery.next_at_s,
        "due_at_s": delivery.due_s,
        "created_at_s": delivery.created_at_s,
    }


def dump_delivery_detail(delivery: Delivery, attempts: list[AttemptRecord], portal: Portal) -> dict[str, Any]:
    """A delivery with what was signed and its attempts; the secret behind the bytes is never shown."""
    assert portal.notices is not None
    signed = {
        "body_b64": base64.b64encode(delivery.body).decode(),
        "secret": HIDDEN,
        "formula": portal.notices.formula,
    }
    return {**dump_delivery(delivery), "string_to_sign": signed, "attempts": attempts}


def dump_fault(report: FaultReport) -> dict[str, Any]:
    """A fault and what it has done."""
    fault = report.fault
    return {
        "fault_id": fault.fault_id,
        "at": fault.at,
        "order_id": fault.order_id,
        "with": dict(fault.spec),
        "preset": fault.preset,
        "fired": report.fired,
        "seen": report.seen,
        "left": report.left,
        "active": report.active,
        "ends_at_s": report.ends_at_s,
    }


def dump_keys(rings: Iterable[KeyRing]) -> list[dict[str, Any]]:
    """Every key of every ring, oldest first."""
    import hashlib

    dumped = []
    for ring in rings:
        for record in ring.records:
            der = ring.public(record).spki_der
            dumped.append(
                {
                    "portal": ring.portal.name,
                    "environment": ring.environment,
                    "kid": record.kid,
                    "kind": record.kind,
                    "algorithm": record.algorithm,
                    "signs": record.signs,
                    "published": record.published,
                    "publish_at_s": record.publish_at_s,
                    "spki_sha256": hashlib.sha256(der).hexdigest() if der else None,
                    "public_key_pem": _pem(der) if der else None,
                }
            )
    return dumped


def dump_token(minted: Minted) -> dict[str, Any]:
    """A token, decoded, and what a correct backend makes of it."""
    return {
        "token": minted.token,
        "header": minted.header,
        "claims": minted.claims,
        "expected": "accepted" if minted.error is None else "refused",
        "error": minted.error,
        "says": minted.says,
    }


def dump_purchase(made: MintedPurchase) -> dict[str, Any]:
    """A purchase as the client holds it, its token decoded, and what a correct backend makes of that."""
    return {"purchase": made.purchase, **dump_token(made.minted)}


def _pem(der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))
