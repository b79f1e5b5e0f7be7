"""`same`: two values are one; mostly the backend's user ids of two logins.

same: [before.user_id, after.user_id]
"""

from typing import Annotated, Any

from pydantic import Field

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.readings import Reading
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import OwnLevel

NO_USER = ("", "undefined", "null", "NaN", "None")


class Args(Shape):
    """Two dotted names, or a name and a value."""

    same: Annotated[list[Any], Field(min_length=2, max_length=2)]
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Compare as JSON values, integers as decimal text; no user on either side fails."""
    return compare(run, args.same, want_same=True)


def compare(run: ItemRun, pair: list[Any], *, want_same: bool) -> Reading:
    """One reading for `same` and `differ`: absent, null, "" and words that mean nothing are no user."""
    left, right = (value_of(run, one) for one in pair)
    word = "same" if want_same else "differ"
    empty = any(is_nothing(value) for value in (left, right))
    holds = not empty and (left == right) is want_same
    return Reading(
        holds=holds,
        expected=f"{word}: {pair[0]}, {pair[1]}",
        got=f"{pair[0]} is {left!r}, {pair[1]} is {right!r}",
        refuted=not holds,
        signature=f"{word}:nothing" if empty else word,
    )


def value_of(run: ItemRun, written: Any) -> Any:
    """The value of a dotted name; a literal stands for itself; integers become decimal text."""
    is_name = isinstance(written, str) and written.split(".")[0] in run.names() and "." in written
    value = run.lookup(written) if is_name else written
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def is_nothing(value: Any) -> bool:
    """Whether a value names no user."""
    return value is None or value != value or (isinstance(value, str) and value in NO_USER)


def needs_user_ids(pair: list[Any], portal: str) -> set[str]:
    """The capability that a comparison of the backend's user ids needs."""
    named = any(isinstance(one, str) and one.endswith(".user_id") for one in pair)
    return {f"{portal}.login.user_id"} if named else set()


ASSERTION = AssertionKind(
    name="same", args=Args, judge=judge, needs=lambda args, portal: needs_user_ids(args.same, portal)
)
