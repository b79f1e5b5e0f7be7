"""The calls about orders in the OpenAPI document, with the schemas of their bodies and answers."""

from typing import Any, Final

from coinslot_contracts.domain import ORDER_STATES
from coinslot_contracts.orders import MOVES
from coinslot_contracts.vocabulary import CALLBACK_MODES, ORDER_CAUSES, VERIFY_STATES

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    FLAG,
    ID,
    INTEGER,
    NUMBER,
    REFUND_STATUS,
    TEXT,
    Schema,
    explained,
    listed,
    named,
    nullable,
    ref,
    shape,
    text,
)
from coinslot_sandbox.control.order_calls import SILENT_MOVES
from coinslot_sandbox.control.schema_orders import TIME_S_MAX, TIMES
from coinslot_sandbox.timeline import LANES

_STEP: Final = shape({"order": ref("Order"), "delivery": nullable(ref("Delivery"))})
_ORDER: Final = shape({"order": ref("Order")})
_TIME: Final[Schema] = {"type": "integer", "minimum": -TIME_S_MAX, "maximum": TIME_S_MAX}
_ARRIVED: Final[Schema] = {"type": "integer", "enum": [0, 1]}

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/orders",
        summary="Make an order; `paid` pays it and notifies in the same transaction",
        body="OrderWish",
        answers={201: _STEP},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/orders/archive",
        summary="Take orders out of the portal's list and cancel what is pending of them",
        body="Archive",
        answers={200: shape({"archived": INTEGER, "cancelled": INTEGER})},
    ),
    Operation(
        method="post",
        path="/orders/{orderId}/pay",
        summary="Pay an order and notify the backend; illegal ones with `force`",
        body="Payment",
        body_optional=True,
        answers={200: _STEP},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/orders/{orderId}/refund",
        summary="Move an order's refund status; 1 is notified, others where `callback` asks for it",
        body="Refund",
        answers={200: _STEP},
        can_conflict=True,
    ),
    *(
        Operation(
            method="post",
            path=f"/orders/{{orderId}}/{move}",
            summary=f"Say of an order: {MOVES[move]}; nobody is notified",
            body="Move",
            body_optional=True,
            answers={200: _ORDER},
            can_conflict=True,
        )
        for move in SILENT_MOVES
    ),
    Operation(
        method="post",
        path="/orders/{orderId}/change",
        summary="What the portal's record of an order becomes; nobody is notified",
        body="Change",
        body_optional=True,
        answers={200: _ORDER},
        can_conflict=True,
    ),
    Operation(
        method="get",
        path="/orders/{orderId}/timeline",
        summary="Everything that happened to one order, oldest first, and what will happen next",
        answers={200: shape({"order": ref("Order"), "events": listed(ref("TimelineEvent"))})},
    ),
)


def requests(context: Context) -> Schema:
    """Schemas of bodies that are sent to us, by name."""
    callback = explained(CALLBACK_MODES)
    optional: tuple[str, ...] = ()
    return {
        "OrderWish": _order_wish(context),
        "Payment": shape({"callback": callback, "force": FLAG, "paid_at_s": _TIME}, required=optional),
        "Refund": shape(
            {"refundStatus": REFUND_STATUS, "callback": callback, "force": FLAG, "refunded_at_s": _TIME},
            required=("refundStatus",),
        ),
        "Move": shape({"force": FLAG}, required=optional),
        "Change": _change(),
        "Archive": shape({"orders": listed(text(255))}),
    }


def _order_wish(context: Context) -> Schema:
    """An order of a portal with games, or of one that verifies purchases; a portal may be both."""
    common = {
        "player": ID,
        "product": text(255),
        "environment": named(context.environments),
        "order_id": text(255, pattern="^[A-Za-z0-9_-]+$"),
        "external_id": text(1024),
        "paid": FLAG,
        "callback": explained(CALLBACK_MODES),
        "arrivedStatus": _ARRIVED,
        "refundStatus": nullable(REFUND_STATUS),
        "force": FLAG,
        **dict.fromkeys(TIMES, _TIME),
    }
    with_game = {"portal": named(context.with_callbacks), "game": ID}
    verified = {"portal": named(context.with_purchases), "verify": nullable(explained(VERIFY_STATES))}
    return {
        "anyOf": [
            shape({**common, **with_game}, required=("player", "product")),
            shape({**common, **verified}, required=("player", "product", "portal")),
        ]
    }


def _change() -> Schema:
    """Facts that no move leads to need `force`."""
    moves = {"paid": FLAG, "verify": nullable(explained(VERIFY_STATES)), "refundStatus": REFUND_STATUS}
    by_force = {"arrivedStatus": _ARRIVED, **dict.fromkeys(TIMES, _TIME)}
    return {
        "anyOf": [
            shape({**moves, "force": FLAG}, required=()),
            shape({**moves, **by_force, "force": {"const": True}}, required=("force",)),
        ]
    }


def resources() -> Schema:
    """Schemas of what we answer, by name."""
    return {"Order": _order(), "TimelineEvent": _event()}


def _order() -> Schema:
    says = "\n".join(f"- `{move}`: {sentence}" for move, sentence in MOVES.items() if move != "unpay")
    return shape(
        {
            "order_id": TEXT,
            "portal": TEXT,
            "environment": TEXT,
            "game_id": TEXT,
            "user_id": TEXT,
            "product_id": TEXT,
            "state": named(ORDER_STATES),
            "status": {**TEXT, "description": "the portal's own word for where the order is"},
            "paid": FLAG,
            "arrivedStatus": _ARRIVED,
            "refundStatus": nullable(REFUND_STATUS),
            "external_id": nullable(TEXT),
            "verify": nullable(named(VERIFY_STATES)),
            "consumed": FLAG,
            "charged_back": FLAG,
            "created_at_s": INTEGER,
            "paid_at_s": nullable(INTEGER),
            "refunded_at_s": nullable(INTEGER),
            "forced": {**FLAG, "description": "some move was illegal and was made by force"},
            "archived": FLAG,
            "moves": {
                **listed(named(move for move in MOVES if move != "unpay")),
                "description": f"the moves that are legal now and would change something:\n{says}",
            },
        }
    )


def _event() -> Schema:
    verdict: dict[str, Any] = shape({"code": nullable(TEXT), "reason": TEXT})
    optional = {
        "schedule_at_s": NUMBER,
        "move": TEXT,
        "from": nullable(TEXT),
        "to": TEXT,
        "forced": FLAG,
        "cause": named(ORDER_CAUSES),
        "delivery_id": TEXT,
        "attempt": INTEGER,
        "status": INTEGER,
        "verdict": verdict,
        "journal_seq": INTEGER,
    }
    always = {
        "at_s": NUMBER,
        "lane": explained(LANES),
        "kind": TEXT,
        "title": TEXT,
        "refused": {**FLAG, "description": "somebody said no here: a red mark"},
        "future": {**FLAG, "description": "it has not happened yet"},
    }
    return shape({**always, **optional}, required=tuple(always))
