"""`granted`: the player owns so much more of the product than when the item began, revocations taken off.

granted: o1     times?: 1     player?: bob     of: every|any|first|last
Read by the inventory probe. Its rows name no orders, so a group of N orders is checked as one sum.
"""

from typing import Any

from pydantic import Field

from coinslot_scenarios.backend import ProbeFailed
from coinslot_scenarios.item import ItemRun, OrderRun, PlayerRun, StepResult
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.matchers import describe, matches, upper_bound
from coinslot_scenarios.readings import Reading
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import Matcher, Of, OwnLevel


class Args(Shape):
    """`times` is per order; `player` looks into the inventory of somebody else than the orders' player."""

    granted: str
    player: str | None = None
    times: Matcher = Field(default=1)
    of: Of = "every"
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Read the inventory once and compare with what it was."""
    group = run.orders[args.granted]
    count = len(group.ids)
    player = run.players[args.player] if args.player else group.player
    whom = f", player: {args.player}" if args.player else ""
    expected = f"granted: {args.granted}{whom}, times: {describe(args.times)}"
    expected += f"   for every one of {count} orders" if count > 1 else ""
    try:
        delta = _delta(run, group, player)
    except ProbeFailed as error:
        return Reading(
            holds=False, expected=expected, got=str(error), undecided=True, signature="granted:unreadable"
        )
    wanted = _scaled(args.times, count)
    holds = matches(wanted, delta)
    effect = run.world.profile.shape.refund_effect
    if not holds and run.refunded and effect != "deduct" and delta <= count:
        note = f"refund_effect is {effect}: what a player keeps after a refund was not judged"
        return Reading(holds=True, expected=expected, got=_got(group, delta), note=note)
    return Reading(
        holds=holds,
        expected=expected,
        got=_got(group, delta),
        refuted=not run.refunded and delta > upper_bound(wanted),
        signature=_signature(args.times, count, delta),
        order_id=group.ids[0] if count == 1 else None,
    )


def _delta(run: ItemRun, group: OrderRun, player: PlayerRun) -> int:
    if player.before is None:
        raise ProbeFailed(f"the inventory of {player.name} could not be read when the check began")
    now = run.probe(player)
    return now.get(group.product_id, 0) - player.before.get(group.product_id, 0)


def _scaled(times: Any, count: int) -> Any:
    if isinstance(times, dict):
        return {
            name: _scaled(value, count) if name in ("gte", "lte", "not") else value
            for name, value in times.items()
        }
    return times * count if isinstance(times, int) and not isinstance(times, bool) else times


def _got(group: OrderRun, delta: int) -> str:
    if len(group.ids) == 1:
        return f"product {group.product_id} granted {delta} times"
    return f"product {group.product_id} granted {delta} times for {len(group.ids)} orders"


def _signature(times: Any, count: int, delta: int) -> str:
    wanted = times * count if isinstance(times, int) else 1
    if delta == 0:
        return "granted:none"
    return "granted:more" if delta > wanted else "granted:fewer"


ASSERTION = AssertionKind(
    name="granted",
    args=Args,
    judge=judge,
    uses={"granted": "order", "player": "player"},
    needs=lambda _args, _portal: {"probe"},
)
