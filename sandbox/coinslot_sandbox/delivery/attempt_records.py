"""One attempt as the store, the control API and the journal have it.

Pure: what was sent and what came of it goes in, shapes come out (interface, "Journal entry").
"""

import base64

from coinslot_contracts.portal import Ack
from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.delivery.sender import SendResult
from coinslot_sandbox.journal_entries import Crossing
from coinslot_sandbox.store.records import AttemptRecord, Delivery

ENDPOINT = "delivery"


def attempt_record(number: int, result: SendResult, ack: Ack, *, seq: int) -> AttemptRecord:
    """An attempt in the shape of the control API; `seq` is its number in the journal."""
    sent, reply = result.sent, result.reply
    return {
        "attempt": number,
        "at_s": round(result.at_s, 6),
        "elapsed_ms": round(result.elapsed_ms, 3),
        "timing": {
            "connect_ms": _rounded(result.connect_ms),
            "ttfb_ms": _rounded(result.ttfb_ms),
            "total_ms": round(result.elapsed_ms, 3),
        },
        "request": {
            "method": sent.method,
            "target": sent.target,
            "headers": [list(pair) for pair in sent.headers],
            "body_b64": base64.b64encode(sent.body).decode(),
        },
        "reply": None if reply is None else _reply(reply),
        "error": result.error,
        "ack": {"accepted": ack.accepted, "code": ack.code, "reason": ack.reason, "note": ack.note},
        "journal_seq": seq,
    }


def delivery_crossing(delivery: Delivery, *, at_s: float, error: str) -> Crossing:
    """What is to be said of a delivery where there is no attempt to say it of."""
    return Crossing(
        dir="out",
        endpoint=ENDPOINT,
        request=WireRequest(method="POST", target=delivery.url or "", body=delivery.body),
        reply=None,
        at_s=at_s,
        elapsed_ms=0.0,
        portal=delivery.portal,
        game_id=delivery.game_id,
        order_id=delivery.order_id,
        user_id=delivery.user_id,
        delivery_id=delivery.delivery_id,
        error=error,
    )


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 3)


def _reply(reply: WireReply) -> dict[str, object]:
    return {
        "status": reply.status,
        "headers": [list(pair) for pair in reply.headers],
        "body_b64": base64.b64encode(reply.body).decode(),
    }


def attempt_crossing(
    delivery: Delivery, number: int | None, result: SendResult, ack: Ack, fault_id: str | None
) -> Crossing:
    """The same for the journal; `number` is None where the store knows of no such attempt."""
    return Crossing(
        dir="out",
        endpoint=ENDPOINT,
        request=result.sent,
        reply=result.reply,
        at_s=result.at_s,
        elapsed_ms=result.elapsed_ms,
        portal=delivery.portal,
        game_id=delivery.game_id,
        order_id=delivery.order_id,
        user_id=delivery.user_id,
        delivery_id=delivery.delivery_id,
        attempt=number,
        error=result.error,
        verdict=(ack.code, ack.reason),
        fault_id=fault_id,
    )
