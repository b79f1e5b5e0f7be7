"""`login`: the player's client hands the backend a user token, good or spoilt.

login: {player: alice, token?: {hostile | sign | header | claims | user | raw}, copies?, at_once?, extra?}
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from coinslot_scenarios.answers import Answer, is_server_error
from coinslot_scenarios.item import ItemRun, PlayerRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Flag, Shape
from coinslot_scenarios.words import HostileName, TokenSigner


class Token(Shape):
    """How the token differs from a good one; null drops a member of header, claims or user."""

    hostile: HostileName | None = None
    sign: TokenSigner | None = None
    header: dict[str, Any] = Field(default_factory=dict)
    claims: dict[str, Any] = Field(default_factory=dict)
    user: dict[str, Any] = Field(default_factory=dict)
    raw: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Token":
        others = self.sign or self.header or self.claims or self.user or self.raw is not None
        if self.hostile and others:
            raise ValueError("a hostile token is named whole: leave the other keys out")
        return self


class Args(Shape):
    """Without `token` it is a good one."""

    player: str
    token: Token | None = None
    copies: Count = 1
    at_once: Flag = False
    extra: dict[str, Any] = Field(default_factory=dict)


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Mint the token, hand it over, keep session and user id of a login that was accepted."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    player = run.players[args.player]
    result.answers = log_in(run, player, args, hostile=negative(args))
    accepted = next((answer for answer in result.answers if answer.accepted), None)
    if accepted is not None and not negative(args):
        player.backend_id = accepted.user_id if accepted.user_id is not None else player.backend_id
        player.session = accepted.session or player.session
    return result


def log_in(run: ItemRun, player: PlayerRun, args: Args, *, hostile: bool) -> list[Answer]:
    """One login, or several with the same token."""
    portal, backend = run.item.scenario.portal, run.world.backend
    token = mint(run, player, args.token)
    if not hostile:
        run.world.masker.add(token)
    request = backend.login_request(portal, token=token, player=player.facts, extra=args.extra)
    if args.at_once:
        exchanges = backend.send_together(request, args.copies)
    else:
        exchanges = [backend.send(request) for _ in range(args.copies)]
    return [_answer(run, player, backend.read_login(portal, one), hostile=hostile) for one in exchanges]


def _answer(run: ItemRun, player: PlayerRun, answer: Answer, *, hostile: bool) -> Answer:
    kind = "hostile" if hostile else "valid"
    run.record(f"runner -> backend   {kind} login of {player.name}: {answer.shown}", at_s=answer.at_s)
    error = is_server_error(status=answer.status, code=answer.code, documented=frozenset(), outage=run.outage)
    return replace(answer, hostile=hostile, server_error=error)


def mint(run: ItemRun, player: PlayerRun, token: Token | None) -> str:
    """The token as the sandbox signs or spoils it."""
    wishes: dict[str, Any] = {
        "player": player.user_id,
        "portal": run.item.scenario.portal,
        "game": run.game_id(run.item.scenario.portal),
    }
    if token is not None:
        written = token.model_dump(exclude_unset=True, exclude_none=False)
        moved = {
            name: run.with_moments(part) if isinstance(part, Mapping) else part
            for name, part in written.items()
        }
        wishes["token"] = moved
    minted: str = run.world.client.mint_token(**wishes)["token"]
    return minted


def negative(args: Args) -> bool:
    """Whether the token is one that a backend must refuse by its form or its key."""
    token = args.token
    if token is None:
        return False
    return bool(token.hostile or token.raw is not None or token.sign not in (None, "current"))


VERB = Verb(
    name="login",
    args=Args,
    run=run,
    uses={"player": "player"},
    needs=lambda _args, portal: {f"{portal}.login"},
    negative=negative,
)
