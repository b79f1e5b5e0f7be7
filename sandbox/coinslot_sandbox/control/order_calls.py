"""Control calls that make orders and move them through their life, and the one that tells an order's story.

Which moves are legal is the portal's table; an illegal one is refused with those that are, or made by `force`
and marked on the order, in its timeline and in the journal.
"""

from typing import Any, Final

from coinslot_sandbox.control import schema_orders as schema
from coinslot_sandbox.control.call import Call, Handler, Reply, unknown
from coinslot_sandbox.control.resources import dump_delivery, dump_order
from coinslot_sandbox.order_wishes import MoveWish, Step
from coinslot_sandbox.timeline import Timeline

FORCED: Final = "forced"
SILENT_MOVES: Final = ("pend", "fail", "cancel", "expire", "deliver", "consume", "chargeback")


def post_order(call: Call) -> Reply:
    """Make an order; pay it where it is to be paid."""
    wish = schema.parse_order(call.body, call.context)
    return 201, _step(call, call.services.dispatch.book.create(wish))


def pay_order(call: Call) -> Reply:
    """Pay an order and notify."""
    return _move(call, schema.parse_pay(call.body))


def refund_order(call: Call) -> Reply:
    """Move an order's refund status."""
    return _move(call, schema.parse_refund(call.body))


def silent(move: str) -> Handler:
    """The handler of a move of which nobody is notified."""

    def handle(call: Call) -> Reply:
        status, answer = _move(call, schema.parse_move(call.body, move))
        return status, {"order": answer["order"]}

    return handle


def change_order(call: Call) -> Reply:
    """Change what the portal's record of an order says; nobody is notified."""
    step = call.services.dispatch.book.change(call.args["orderId"], schema.parse_change(call.body))
    return 200, {"order": _step(call, step)["order"]}


def archive_orders(call: Call) -> Reply:
    """Take orders out of the portal's list and cancel what is pending of them."""
    archived, cancelled = call.services.dispatch.book.archive(schema.parse_archive(call.body))
    return 200, {"archived": archived, "cancelled": cancelled}


def get_timeline(call: Call) -> Reply:
    """Everything that happened to one order, and what will happen next."""
    order_id = call.args["orderId"]
    told = Timeline(call.services).tell(order_id)
    if told is None:
        raise unknown("order", order_id)
    record, events = told
    return 200, {"order": dump_order(record, call.context), "events": events}


def _move(call: Call, wish: MoveWish) -> Reply:
    return 200, _step(call, call.services.dispatch.book.move(call.args["orderId"], wish))


def _step(call: Call, step: Step) -> dict[str, Any]:
    order = step.order.order
    call.noted.order_id, call.noted.user_id = order.order_id, order.user_id
    call.noted.external_id = order.external_id
    if step.forced:
        moves = ", ".join(f"{moved.move} of an order that was {moved.status_from}" for moved in step.forced)
        call.noted.verdict = (FORCED, f"made although it is illegal: {moves}")
    delivery = None if step.delivery is None else dump_delivery(step.delivery)
    return {"order": dump_order(step.order, call.context), "delivery": delivery}
