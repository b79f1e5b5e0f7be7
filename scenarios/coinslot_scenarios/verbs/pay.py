"""`pay`: the portal takes the payment of an order and notifies the backend in the normal way.

pay: {order: o1}
"""

from coinslot_scenarios.attempts import first_answers, notice_needs
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Shape


class Args(Shape):
    """Every order of the group is paid."""

    order: str


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Pay each order of the group; the first attempt's answer counts."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    for order_id in run.orders[args.order].ids:
        paid = run.world.client.pay(order_id)
        run.record("the portal takes the payment", order_id=order_id)
        result.answers += first_answers(run, step, paid["delivery"], order_id)
    return result


VERB = Verb(
    name="pay",
    args=Args,
    run=run,
    shorthand="order",
    uses={"order": "order"},
    needs=lambda _args, portal: notice_needs(portal),
)
