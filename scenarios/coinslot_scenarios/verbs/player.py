"""`player`: a player of the portal, who is logged in once where the profile tells how.

player: {as: alice, username?, picture_url?, login?: false}
"""

from typing import Annotated

from pydantic import Field

from coinslot_scenarios.item import ItemRun, PlayerRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Flag, Shape, Templated


class Args(Shape):
    """`login: false` leaves out the first login: a cold cache, a player who was never seen."""

    as_: str = Field(alias="as")
    username: Annotated[str, Templated] | None = None
    picture_url: Annotated[str, Templated] | None = None
    login: Flag = True


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Create the player, log in once, remember what is owned."""
    result = StepResult(step=step, after_seq=run.after_seq)
    player = create_player(
        run, args.as_, username=args.username, picture_url=args.picture_url, login=args.login
    )
    run.players[args.as_] = player
    run.remember_inventory(player)
    return result


def create_player(
    run: ItemRun,
    name: str,
    *,
    username: str | None = None,
    picture_url: str | None = None,
    login: bool = True,
) -> PlayerRun:
    """A new player with an id of the item's own, logged in once unless told otherwise."""
    made = run.world.client.create_player(
        user_id=run.new_user_id(), username=username, picture_url=picture_url
    )
    player = PlayerRun(
        name=name,
        user_id=str(made["user_id"]),
        username=made["username"],
        picture_url=made["picture_url"],
    )
    portal = run.world.profile.login_portal(run.item.scenario.portal)
    if login and portal is not None:
        _first_login(run, player, portal)
    return player


def _first_login(run: ItemRun, player: PlayerRun, portal: str) -> None:
    minted = run.world.client.mint_token(player=player.user_id, game=run.game_id(portal), portal=portal)
    run.world.masker.add(minted["token"])
    backend = run.world.backend
    request = backend.login_request(portal, token=minted["token"], player=player.facts)
    answer = backend.read_login(portal, backend.send(request))
    if answer.accepted:
        player.backend_id, player.session = answer.user_id, answer.session
        return
    player.refused = answer.shown
    run.record(f"first login of {player.name} refused: {answer.shown}", at_s=answer.at_s)


VERB = Verb(name="player", args=Args, run=run, binds="player")
