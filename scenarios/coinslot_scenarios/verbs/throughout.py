"""`throughout`: all assertions stay true for this long; the first contrary event fails the step.

throughout: 2s
"""

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Duration, Shape
from coinslot_scenarios.waiting import hold_all


class Args(Shape):
    """The longer of this and the profile's `limits.settle` holds."""

    duration: Duration


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Look again at every event, and at least four times a second."""
    result = StepResult(step=step, after_seq=run.after_seq)
    limit_s = run.duration_s(args.duration, run.world.profile.shape.limits.settle)
    run.findings += hold_all(run, step, limit_s=limit_s)
    return result


VERB = Verb(name="throughout", args=Args, run=run, shorthand="duration", judges=True)
