"""`change`: the portal's record of an order changes, and nobody is told; who asks learns of it.

change: {order: p1, paid?, verify?, refundStatus?}
`verify: null` goes back to what the order's state implies.
"""

from typing import Any

from pydantic import Field, model_validator

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Flag, Shape
from coinslot_scenarios.verbs.order import RefundStatus
from coinslot_scenarios.words import VerifyState


class Args(Shape):
    """Every order of the group changes."""

    order: str
    paid: Flag | None = None
    verify: VerifyState | None = None
    refund_status: RefundStatus | None = Field(default=None, alias="refundStatus")

    @model_validator(mode="after")
    def _something(self) -> "Args":
        if not self.model_fields_set & {"paid", "verify", "refund_status"}:
            raise ValueError("needs 'paid', 'verify' or 'refundStatus'")
        return self


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Change each order of the group."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    changes: dict[str, Any] = args.model_dump(by_alias=True, exclude_unset=True, exclude={"order"})
    run.refunded = run.refunded or args.refund_status is not None
    for order_id in run.orders[args.order].ids:
        run.world.client.change_order(order_id, changes)
        listed = ", ".join(f"{name} {value}" for name, value in changes.items())
        run.record(f"the portal's record changes: {listed}", order_id=order_id)
    return result


VERB = Verb(name="change", args=Args, run=run, uses={"order": "order"})
