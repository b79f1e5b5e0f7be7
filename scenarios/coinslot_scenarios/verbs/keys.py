"""`keys`: the portal changes the keys that it signs with and publishes; put back when the item ends.

keys: {portal: <name>, rotate?: replace|overlap|back|late|publish, publish_after?: 5s, format?,
       extra?: [rsa, …]}
"""

import threading
from typing import Any

from pydantic import Field, model_validator

from coinslot_scenarios.client import SandboxProblem
from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Duration, Shape
from coinslot_scenarios.words import KeyEntry, PortalName, Rotation

_NOTHING_TO_PUT_BACK = ("back", "publish")


class Args(Shape):
    """A backend that declares a key cache is given that long before the next step.

    extra           entries that are published beside the portal's own keys
    publish_after   how long a key of `rotate: late` signs before it is published; else until `publish`
    """

    portal: PortalName
    rotate: Rotation | None = None
    publish_after: Duration | None = None
    format: str | None = None
    extra: list[KeyEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something(self) -> "Args":
        if self.rotate is None and not self.extra:
            raise ValueError("needs 'rotate' or 'extra'")
        if self.rotate is None and self.format is not None:
            raise ValueError("'format' belongs to a rotation")
        if self.publish_after is not None and self.rotate != "late":
            raise ValueError("'publish_after' belongs to rotate: late")
        return self


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Publish, rotate, and wait as long as the profile declares that keys are cached."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    for kind in args.extra:
        run.extra_keys.append(run.world.client.add_key(args.portal, kind))
        run.record(f"the portal's keys: one more entry, {kind}")
    if args.rotate is not None:
        _rotate(run, args, args.rotate)
    cache_s = run.world.profile.key_cache_s(args.portal)
    if cache_s:
        threading.Event().wait(cache_s * run.world.slow_factor)
    return result


def _rotate(run: ItemRun, args: Args, rotate: str) -> None:
    more: dict[str, Any] = {} if args.format is None else {"format": args.format}
    if args.publish_after is not None:
        more["publish_after_s"] = parse_duration(args.publish_after) * run.world.slow_factor
    run.world.client.rotate_keys(args.portal, rotate, **more)
    run.record(f"the portal's keys: {rotate}")
    if rotate == "back" and args.portal in run.rotations:
        run.rotations.remove(args.portal)
    if rotate not in _NOTHING_TO_PUT_BACK:
        run.rotations.append(args.portal)


def put_back(run: ItemRun, portal: str) -> None:
    """The portal signs with its earlier key again, if it does not yet; declared caches run out."""
    try:
        run.world.client.rotate_keys(portal, "back")
    except SandboxProblem as error:
        if error.status != 409:
            raise
    run.record("the portal's keys: back")
    cache_s = run.world.profile.key_cache_s(portal)
    if cache_s:
        threading.Event().wait(cache_s * run.world.slow_factor)


VERB = Verb(name="keys", args=Args, run=run, exclusive=lambda _args: True)
