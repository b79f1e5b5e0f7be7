"""`order`: the portal's own record of an order: delivered, refunded, paid.

order: o1     arrivedStatus?, refundStatus?, paid?     of: every|any|first|last
"""

from typing import Any

from pydantic import Field

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.matchers import describe, matches
from coinslot_scenarios.readings import Reading, quantify
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import Matcher, Of, OwnLevel


class Args(Shape):
    """What is given must match the sandbox's state."""

    order: str
    arrived_status: Matcher = Field(default=None, alias="arrivedStatus")
    refund_status: Matcher = Field(default=None, alias="refundStatus")
    paid: Matcher = None
    of: Of = "every"
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Ask the sandbox for each order of the group; the first that differs ends an `every`."""
    readings = []
    for order_id in run.orders[args.order].ids:
        readings.append(_one(run, args, order_id))
        if args.of == "every" and not readings[-1].holds:
            return readings[-1]
    return quantify(readings, args.of, plural="orders")


def _one(run: ItemRun, args: Args, order_id: str) -> Reading:
    state = run.world.client.get_order(order_id)
    given = {field.alias or name: getattr(args, name) for name, field in Args.model_fields.items()}
    written = {Args.model_fields[name].alias or name for name in args.model_fields_set}
    wanted: dict[str, Any] = {
        name: value for name, value in given.items() if name in written - {"order", "of", "level"}
    }
    wrong = {name: state.get(name) for name, value in wanted.items() if not matches(value, state.get(name))}
    listed = ", ".join(f"{name}: {describe(value)}" for name, value in wanted.items())
    return Reading(
        holds=not wrong,
        expected=f"order: {args.order}, {listed}",
        got="the portal's record has "
        + ", ".join(f"{name} {describe(value)}" for name, value in wrong.items()),
        signature="order:" + ",".join(wrong),
        order_id=order_id,
    )


ASSERTION = AssertionKind(name="order", args=Args, judge=judge, uses={"order": "order"})
