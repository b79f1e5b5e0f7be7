"""`expect`: look once, now. As a step of its own, or behind any other verb.

expect: [assertion, …]
"""

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Shape


class Args(Shape):
    """No arguments of its own: the assertions are the step's."""


def run(run: ItemRun, step: Step, args: Args) -> StepResult:  # noqa: ARG001 - the signature of every verb
    """Nothing but the look that follows every verb."""
    return StepResult(step=step, after_seq=run.world.journal.mark())


VERB = Verb(name="expect", args=Args, run=run)
