"""`eventually`: all assertions become true together, at the latest after this long.

eventually: 8s
"""

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Duration, Shape
from coinslot_scenarios.waiting import await_all


class Args(Shape):
    """The longer of this and the profile's `limits.eventually` holds."""

    duration: Duration


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Wait on the journal until all hold, or one is refuted, or the time is up."""
    result = StepResult(step=step, after_seq=run.after_seq)
    limit_s = run.duration_s(args.duration, run.world.profile.shape.limits.eventually)
    run.findings += await_all(run, step, limit_s=limit_s)
    return result


VERB = Verb(name="eventually", args=Args, run=run, shorthand="duration", judges=True)
