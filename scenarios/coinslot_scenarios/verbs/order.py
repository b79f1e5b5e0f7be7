"""`order`: one order, or `count` equal ones, of a player; unpaid unless told otherwise.

order: {as: o1, player: alice, product: 1, count?, paid?, callback?: normal|lost|manual, arrivedStatus?,
        refundStatus?}
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.attempts import first_answers
from coinslot_scenarios.item import ItemRun, OrderRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Flag, Shape, Templated
from coinslot_scenarios.words import CallbackMode, PortalName


def _product(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a place in the profile's list of products, or a product id as text")
    if isinstance(value, int) and not 1 <= value <= 99:
        raise ValueError("counts from 1")
    return value


Product = Annotated[Any, BeforeValidator(_product)]
RefundStatus = Annotated[Literal[0, 1, 2, 3], Templated]


class Args(Shape):
    """`callback: lost` records the notification and never attempts it; `manual` makes none."""

    as_: str = Field(alias="as")
    player: str
    product: Product
    portal: PortalName | None = None
    count: Count = 1
    paid: Flag = False
    callback: CallbackMode = "normal"
    arrived_status: Annotated[Literal[0, 1], Templated] = Field(default=0, alias="arrivedStatus")
    refund_status: RefundStatus | None = Field(default=None, alias="refundStatus")


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Create the orders; with `paid`, pay each at once."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    player = run.players[args.player]
    group = OrderRun(
        name=args.as_,
        portal=args.portal or run.item.scenario.portal,
        player=player,
        product_id=run.product_id(args.product),
        ids=[],
    )
    run.orders[args.as_] = group
    run.world.client.ensure_product(group.product_id)
    answers: list[Answer] = []
    for _ in range(args.count):
        answers += create_order(run, group, step, args)
    result.answers = answers
    return result


def create_order(run: ItemRun, group: OrderRun, step: Step, args: Args) -> list[Answer]:
    """One more order of the group, and the first attempt's answer where somebody expects one."""
    order_id = run.new_order_id()
    run.order_ids.append(order_id)
    made = run.world.client.create_order(
        order_id=order_id,
        player=group.player.user_id,
        product=group.product_id,
        portal=group.portal,
        game=run.world.games[group.portal].game_id,
        paid=args.paid,
        callback=args.callback,
        arrivedStatus=args.arrived_status,
        refundStatus=args.refund_status,
    )
    group.ids.append(order_id)
    return first_answers(run, step, made["delivery"], order_id)


def needs(args: Args, portal: str) -> set[str]:
    """As many products as the place in the list; a callback where one is sent."""
    found = {f"{portal}.products:{args.product}"} if isinstance(args.product, int) else set()
    return found | ({f"{portal}.callback"} if args.paid is True and args.callback == "normal" else set())


VERB = Verb(name="order", args=Args, run=run, binds="order", uses={"player": "player"}, needs=needs)
