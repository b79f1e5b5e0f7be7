"""`differ`: two values are two; mostly the backend's user ids of two players.

differ: [first.user_id, second.user_id]
"""

from typing import Annotated, Any

from pydantic import Field

from coinslot_scenarios.assertions.same import compare, needs_user_ids
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.readings import Reading
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import OwnLevel


class Args(Shape):
    """Two dotted names, or a name and a value."""

    differ: Annotated[list[Any], Field(min_length=2, max_length=2)]
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Compare as JSON values, integers as decimal text; no user on either side fails."""
    return compare(run, args.differ, want_same=False)


ASSERTION = AssertionKind(
    name="differ", args=Args, judge=judge, needs=lambda args, portal: needs_user_ids(args.differ, portal)
)
