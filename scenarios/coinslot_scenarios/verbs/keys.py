"""`keys`: the portal changes the keys that it signs with and publishes; put back when the item ends.

keys: {portal: <name>, rotate: replace|overlap|back}
"""

import threading

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import PortalName, Rotation


class Args(Shape):
    """A backend that declares a key cache is given that long before the next step."""

    portal: PortalName
    rotate: Rotation


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Rotate, and wait as long as the profile declares that keys are cached."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    rotate_keys(run, args.portal, args.rotate)
    if args.rotate == "back":
        run.rotations.pop()
    else:
        run.rotations.append(args.portal)
    return result


def rotate_keys(run: ItemRun, portal: str, rotate: str) -> None:
    """Change the keys now and let declared caches run out."""
    run.world.client.rotate_keys(portal, rotate)
    run.record(f"the portal's keys: {rotate}")
    cache_s = run.world.profile.key_cache_s(portal)
    if cache_s:
        threading.Event().wait(cache_s * run.world.slow_factor)


VERB = Verb(name="keys", args=Args, run=run, exclusive=lambda _args: True)
