"""`purchase`: the client hands the backend what it bought, in the session of a player.

purchase: {player: alice, order: p1, jwt?: {hostile | sign | header | claims | raw}, externalId?, copies?,
           at_once?, extra?}
The token is minted once for each order of the group, so that copies are byte for byte the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from coinslot_scenarios.answers import Answer, is_server_error
from coinslot_scenarios.backend import Exchange
from coinslot_scenarios.item import ItemRun, PlayerRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.profile_shape import Purchase
from coinslot_scenarios.shapes import Count, Flag, Shape
from coinslot_scenarios.storefront import purchase_request, read_purchase
from coinslot_scenarios.words import HostileName, TokenSigner


class Jwt(Shape):
    """How the purchase's token differs from a good one; null drops a member of header or claims."""

    hostile: HostileName | None = None
    sign: TokenSigner | None = None
    header: dict[str, Any] = Field(default_factory=dict)
    claims: dict[str, Any] = Field(default_factory=dict)
    raw: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Jwt":
        if self.hostile and (self.sign or self.header or self.claims or self.raw is not None):
            raise ValueError("a hostile token is named whole: leave the other keys out")
        return self


class Args(Shape):
    """`externalId` is what the client says of itself; the token's own is not touched by it."""

    player: str
    order: str
    jwt: Jwt | None = None
    external_id: str | None = Field(default=None, alias="externalId")
    copies: Count = 1
    at_once: Flag = False
    extra: dict[str, Any] = Field(default_factory=dict)


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Hand over the purchase of one order of the group after the other."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    group, player = run.orders[args.order], run.players[args.player]
    for order_id in group.ids:
        result.answers += hand_over(run, player, order_id, args, portal=group.portal)
    return result


def hand_over(run: ItemRun, player: PlayerRun, order_id: str, args: Args, *, portal: str) -> list[Answer]:
    """All copies for one order, and what the backend answered to each."""
    section = run.world.profile.portals[portal].purchase
    assert section is not None
    backend = run.world.backend
    held = run.world.client.mint_purchase(order_id, _wish(run, args.jwt))["purchase"]
    run.world.masker.add(player.session)
    if not negative(args):
        run.world.masker.add(held["jwt"])
    if args.external_id is not None:
        held = {**held, "externalId": args.external_id}
    request = purchase_request(backend, section, buyer=player.buyer, purchase=held, extra=args.extra)
    if args.at_once:
        exchanges: Sequence[Exchange] = backend.send_together(request, args.copies)
    else:
        exchanges = [backend.send(request) for _ in range(args.copies)]
    return [_answer(run, player, section, one, order_id, args) for one in exchanges]


def _wish(run: ItemRun, jwt: Jwt | None) -> dict[str, Any] | None:
    if jwt is None:
        return None
    written = jwt.model_dump(exclude_unset=True, exclude_none=False)
    return {
        name: run.with_moments(part) if isinstance(part, Mapping) else part for name, part in written.items()
    }


def _answer(
    run: ItemRun, player: PlayerRun, section: Purchase, exchange: Exchange, order_id: str, args: Args
) -> Answer:
    answer = read_purchase(section, exchange, order_id=order_id)
    kind = "hostile" if negative(args) else "valid"
    text = f"runner -> backend   {kind} purchase by {player.name}: {answer.shown}"
    run.record(text, at_s=answer.at_s)
    error = is_server_error(status=answer.status, code=None, documented=frozenset(), outage=run.outage)
    return replace(answer, hostile=negative(args), server_error=error)


def negative(args: Args) -> bool:
    """Whether the token is one that a backend must refuse by its form or its key."""
    jwt = args.jwt
    return jwt is not None and bool(jwt.hostile or jwt.raw is not None or jwt.sign not in (None, "current"))


VERB = Verb(
    name="purchase",
    args=Args,
    run=run,
    uses={"player": "player", "order": "order"},
    needs=lambda _args, portal: {f"{portal}.purchase"},
    negative=negative,
)
