"""`order`: one order, or `count` equal ones, of a player; unpaid unless told otherwise.

order: {as: o1, player: alice, product: 1, count?, paid?, callback?: normal|lost|manual, arrivedStatus?,
        refundStatus?, portal?, externalId?, verify?}
"""

from typing import Annotated, Any, Literal

from coinslot_contracts.portal import discover
from pydantic import BeforeValidator, Field

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.attempts import first_answers, notice_needs
from coinslot_scenarios.item import ItemRun, OrderRun, PlayerRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Flag, Shape, Templated
from coinslot_scenarios.storefront import BackendUnready, open_purchase
from coinslot_scenarios.words import CallbackMode, PortalName, VerifyState


def _product(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a place in the profile's list of products, or a product id as text")
    if isinstance(value, int) and not 1 <= value <= 99:
        raise ValueError("counts from 1")
    return value


Product = Annotated[Any, BeforeValidator(_product)]
RefundStatus = Annotated[Literal[0, 1, 2, 3], Templated]


class Args(Shape):
    """`callback: lost` records the notification and never attempts it; `manual` makes none.

    externalId   for foreign ids alone: otherwise the backend opens the purchase and gives it its id
    verify       what the portal says when asked, where that differs from the order's state
    """

    as_: str = Field(alias="as")
    player: str
    product: Product
    portal: PortalName | None = None
    count: Count = 1
    paid: Flag = False
    callback: CallbackMode = "normal"
    arrived_status: Annotated[Literal[0, 1], Templated] = Field(default=0, alias="arrivedStatus")
    refund_status: RefundStatus | None = Field(default=None, alias="refundStatus")
    external_id: str | None = Field(default=None, alias="externalId")
    verify: VerifyState | None = None


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Create the orders; with `paid`, pay each at once."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    player = run.players[args.player]
    portal = args.portal or run.item.scenario.portal
    product_id = run.product_id(args.product, portal)
    group = OrderRun(name=args.as_, portal=portal, player=player, product_id=product_id)
    run.orders[args.as_] = group
    run.world.client.ensure_product(group.product_id)
    answers: list[Answer] = []
    for _ in range(args.count):
        answers += create_order(run, group, step, args)
    result.answers = answers
    return result


def create_order(run: ItemRun, group: OrderRun, step: Step, args: Args) -> list[Answer]:
    """One more order of the group, and the first attempt's answer where somebody expects one."""
    external_id = args.external_id
    if external_id is None and discover()[group.portal].purchases is not None:
        external_id = new_external_id(run, group.player, portal=group.portal, product_id=group.product_id)
    order_id = run.new_order_id()
    run.order_ids.append(order_id)
    made = run.world.client.create_order(
        order_id=order_id,
        player=group.player.user_id,
        product=group.product_id,
        portal=group.portal,
        game=run.game_id(group.portal),
        external_id=external_id,
        verify=args.verify,
        paid=args.paid,
        callback=args.callback,
        arrivedStatus=args.arrived_status,
        refundStatus=args.refund_status,
    )
    group.ids.append(order_id)
    if external_id is not None:
        group.external_ids.append(external_id)
    return first_answers(run, step, made["delivery"], order_id)


def new_external_id(run: ItemRun, player: PlayerRun, *, portal: str, product_id: str) -> str:
    """The external id of a new purchase: the backend's where it makes one, else invented.

    errors   BackendUnready where the backend gives none, so that nothing can be bought
    """
    section = run.world.profile.portals.get(portal)
    if section is None or section.initiate is None:
        return run.new_order_id()
    exchange, external_id = open_purchase(
        run.world.backend, section.initiate, buyer=player.buyer, product_id=product_id
    )
    run.record(f"runner -> backend   {player.name} opens a purchase: {external_id}", at_s=exchange.at_s)
    if external_id is None:
        got = f"HTTP {exchange.status}" if exchange.status else f"no answer ({exchange.error})"
        raise BackendUnready(
            f"the backend opened no purchase for {player.name}: {got}, and nothing at "
            f"{section.initiate.external_id}; see {portal}.initiate in the profile"
        )
    return external_id


def needs(args: Args, portal: str) -> set[str]:
    """As many products as the place in the list; a callback where one is sent."""
    own = args.portal or portal
    found = {f"{own}.products:{args.product}"} if isinstance(args.product, int) else set()
    return found | (notice_needs(own) if args.paid is True and args.callback == "normal" else set())


VERB = Verb(name="order", args=Args, run=run, binds="order", uses={"player": "player"}, needs=needs)
