"""What a seeded bug is: a subclass of the good game or shop that spoils one decision, said in a sentence."""

from collections.abc import Callable
from dataclasses import dataclass

from game import Game
from shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One mistake.

    says     what it does wrong
    clause   what that breaks
    game, shop   the half that does it, and the good other half
    """

    says: str
    clause: str
    game: type[Game] = Game
    shop: type[Shop] = Shop


def seeded(says: str, *, clause: str) -> Callable[[type[Game] | type[Shop]], Bug]:
    """Decorator: turns the spoilt game or shop into the bug."""

    def as_bug(spoilt: type[Game] | type[Shop]) -> Bug:
        half = {"shop": spoilt} if issubclass(spoilt, Shop) else {"game": spoilt}
        return Bug(says=says, clause=clause, **half)

    return as_bug
