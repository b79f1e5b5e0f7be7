"""`heal`: a fault ends. A fault that never fired makes the check inconclusive: nothing was rehearsed.

heal: outage
"""

from coinslot_scenarios.item import FaultRun, ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Shape


class Args(Shape):
    """The name that the fault was given with `as`."""

    fault: str


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """End the fault and ask how often it acted."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    for name in [name for name in run.faults if name == args.fault or name.startswith(f"{args.fault} ")]:
        heal_fault(run, run.faults.pop(name))
    return result


def heal_fault(run: ItemRun, fault: FaultRun) -> None:
    """End one fault; note where it never acted."""
    fault.fired = int(run.world.client.heal_fault(fault.fault_id)["fired"])
    run.record(f"fault at {fault.at} healed after {fault.fired} firings")
    if not fault.fired:
        run.doubts.append(f"the fault at {fault.at} never fired")


VERB = Verb(name="heal", args=Args, run=run, shorthand="fault", uses={"fault": "fault"})
