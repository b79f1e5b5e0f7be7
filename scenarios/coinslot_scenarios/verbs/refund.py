"""`refund`: the portal changes an order's refund state and notifies the backend in the normal way.

refund: {order: o1, refundStatus?: 1}
"""

from pydantic import Field

from coinslot_scenarios.attempts import first_answers, notice_needs
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.verbs.order import RefundStatus


class Args(Shape):
    """Refund status 1 means refunded; only that one is notified unless the scenario sends another by hand."""

    order: str
    refund_status: RefundStatus = Field(default=1, alias="refundStatus")


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Refund each order of the group; the first attempt's answer counts."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    run.refunded = True
    for order_id in run.orders[args.order].ids:
        refunded = run.world.client.refund(order_id, refundStatus=args.refund_status)
        run.record(f"the portal sets refundStatus {args.refund_status}", order_id=order_id)
        result.answers += first_answers(run, step, refunded["delivery"], order_id)
    return result


VERB = Verb(
    name="refund",
    args=Args,
    run=run,
    shorthand="order",
    uses={"order": "order"},
    needs=lambda _args, portal: notice_needs(portal),
)
