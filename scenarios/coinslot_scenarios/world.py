"""What all items of a run share: profile, sandbox, backend, journal and the run's settings.

Built by `session`; read-only for items. The addresses here are the only ones there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coinslot_scenarios.backend import Backend
from coinslot_scenarios.client import ControlClient
from coinslot_scenarios.journal import Journal
from coinslot_scenarios.profile import Profile
from coinslot_scenarios.secrets_mask import Masker


@dataclass(frozen=True, slots=True, kw_only=True)
class GameAccess:
    """The game that this run plays at one portal."""

    game_id: str
    shared_key: str = field(repr=False)
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The surroundings of an item.

    games         portal name -> game, of the portals that have games
    control_url   where the sandbox is steered, for the reproducing command
    environment   the environment block that a backend gets
    claimed       ids of all orders that the run made; a call about another is nobody's
    """

    profile: Profile
    client: ControlClient
    backend: Backend
    journal: Journal
    masker: Masker
    games: Mapping[str, GameAccess]
    control_url: str
    environment: Mapping[str, str] = field(repr=False)
    seed: int
    salt: str
    slow_factor: float = 1.0
    claimed: set[str] = field(default_factory=set)
