"""`pause`: let time pass. Prefer `eventually` or `throughout`, which wait for something.

pause: 2s
"""

import threading

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Duration, Shape


class Args(Shape):
    """How long, scaled by --slow-factor."""

    duration: Duration


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Wait."""
    threading.Event().wait(run.duration_s(args.duration))
    return StepResult(step=step, after_seq=run.world.journal.mark())


VERB = Verb(name="pause", args=Args, run=run, shorthand="duration")
