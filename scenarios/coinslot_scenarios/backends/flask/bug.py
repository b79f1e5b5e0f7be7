"""What a seeded bug is: a subclass of the good game that spoils one decision, said in a sentence."""

from collections.abc import Callable
from dataclasses import dataclass

from game import Game


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One mistake.

    says     what it does wrong
    clause   what that breaks
    game     the game that does it
    """

    says: str
    clause: str
    game: type[Game]


def seeded(says: str, *, clause: str) -> Callable[[type[Game]], Bug]:
    """Decorator: turns the spoilt game into the bug."""
    return lambda game: Bug(says=says, clause=clause, game=game)
