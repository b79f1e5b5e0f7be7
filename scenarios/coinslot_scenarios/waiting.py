"""Looking at expectations: once, until all hold together, or for as long as they must hold.

Woken by the journal; the inventory has no event of its own, so it is also read a few times a second.
This is the only place that waits for a verdict.
"""

import time
from collections.abc import Sequence

from coinslot_scenarios.item import Finding, ItemRun, StepResult
from coinslot_scenarios.kinds import assertions
from coinslot_scenarios.model import LEVELS, Assertion, Level, Step
from coinslot_scenarios.readings import Reading

_LOOK_S = (0.05, 0.1, 0.15, 0.25)
_IDLE_S = 1.0


def judge_now(run: ItemRun, step: Step, result: StepResult) -> list[Finding]:
    """Look once at all expectations of a step."""
    if not step.expect:
        return []
    run.world.journal.mark()
    readings = _read(run, step.expect, result)
    return _findings(run, step, readings)


def await_all(run: ItemRun, step: Step, *, limit_s: float) -> list[Finding]:
    """Wait until all hold at once; end early where one that counts is refuted for good."""
    began_s = time.monotonic()
    looks = 0
    while True:
        seen = run.world.journal.mark() if looks == 0 else run.world.journal.wire_seq
        readings = _read(run, step.expect, None)
        open_ = [reading for reading in readings if not reading.holds]
        left_s = began_s + limit_s - time.monotonic()
        if not open_ or left_s <= 0 or _lost(run, step.expect, readings):
            waited_s = time.monotonic() - began_s
            return _findings(run, step, readings, waited_s=waited_s)
        run.world.journal.wait_beyond(seen, wait_s=min(left_s, _pace_s(step.expect, looks)))
        looks += 1


def hold_all(run: ItemRun, step: Step, *, limit_s: float) -> list[Finding]:
    """Look again and again for this long; the first look at which one fails ends it."""
    began_s = time.monotonic()
    run.world.journal.mark()
    while True:
        seen = run.world.journal.wire_seq
        readings = _read(run, step.expect, None)
        left_s = began_s + limit_s - time.monotonic()
        if left_s <= 0 or any(not reading.holds and not reading.undecided for reading in readings):
            return _findings(run, step, readings, waited_s=time.monotonic() - began_s)
        run.world.journal.wait_beyond(seen, wait_s=min(left_s, _pace_s(step.expect, 3)))


def _pace_s(expect: Sequence[Assertion], looks: int) -> float:
    probed = any(assertion.kind in ("granted", "order") for assertion in expect)
    return _LOOK_S[min(looks, len(_LOOK_S) - 1)] if probed else _IDLE_S


def _read(run: ItemRun, expect: Sequence[Assertion], result: StepResult | None) -> list[Reading]:
    return [assertions()[one.kind].judge(run, _filled(run, one), result) for one in expect]


def _filled(run: ItemRun, assertion: Assertion) -> object:
    model = assertions()[assertion.kind].args
    return model.model_validate(run.filled(assertion.raw))


def _lost(run: ItemRun, expect: Sequence[Assertion], readings: Sequence[Reading]) -> bool:
    own = run.item.scenario.level
    pairs = zip(expect, readings, strict=True)
    return any(reading.refuted for one, reading in pairs if one.level in (None, own))


def _findings(
    run: ItemRun, step: Step, readings: Sequence[Reading], *, waited_s: float | None = None
) -> list[Finding]:
    found = []
    for one, reading in zip(step.expect, readings, strict=True):
        level = lower(run.item.scenario.level, one.level or "must")
        if not reading.holds:
            found.append(Finding(kind=one.kind, level=level, reading=reading, step=step, waited_s=waited_s))
        elif reading.note and reading.note not in run.notes:
            run.notes.append(reading.note)
    return found


def lower(left: Level, right: Level) -> Level:
    """The weaker of two levels."""
    return max(left, right, key=LEVELS.index)
