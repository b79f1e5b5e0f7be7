"""Plays one item from its first step to its tidy end, and gives its outcome.

Stops at the first step with a finding at the check's own level; always tidies up. Knows verbs and assertions
only as rows of their tables.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from coinslot_scenarios.backend import ProbeFailed
from coinslot_scenarios.client import SandboxFault
from coinslot_scenarios.control import control_after, control_before, release_controls
from coinslot_scenarios.item import ItemRun, StepResult, new_item_run
from coinslot_scenarios.kinds import verbs
from coinslot_scenarios.model import Item, Step
from coinslot_scenarios.storefront import BackendUnready
from coinslot_scenarios.templates import NameUnknown
from coinslot_scenarios.verbs.heal import heal_fault
from coinslot_scenarios.verbs.keys import put_back
from coinslot_scenarios.verdicts import Verdict, decide
from coinslot_scenarios.waiting import judge_now
from coinslot_scenarios.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one item.

    run       its state and evidence, None where it never ran
    reason    why it is not applicable, inconclusive or an error
    """

    item: Item
    verdict: Verdict
    reason: str = ""
    run: ItemRun | None = None
    seed: int = 0
    took_s: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)


def perform(item: Item, world: World) -> Outcome:
    """Run one item; a fault of the sandbox or the harness is verdict error, never an exception."""
    began_s = time.monotonic()
    run = new_item_run(item, world)
    fault = _guarded(run, _play_all)
    tidy_fault = _guarded(run, _tidy)
    verdict, reason = decide(run, fault or tidy_fault)
    return Outcome(
        item=item,
        verdict=verdict,
        reason=reason,
        run=run,
        seed=run.seed,
        took_s=time.monotonic() - began_s,
        notes=tuple(run.notes),
    )


def _guarded(run: ItemRun, part: Callable[[ItemRun], None]) -> str | None:
    try:
        part(run)
    except (SandboxFault, ProbeFailed) as error:
        return str(error)
    except BackendUnready as error:
        run.doubts.append(str(error))
    except NameUnknown as error:
        return f"${{{error.name}}} has no value here"
    except ValidationError as error:
        return f"a value of run time does not fit: {error.errors()[0]['msg']}"
    return None


def _play_all(run: ItemRun) -> None:
    run.after_seq = run.world.journal.mark()
    run.values = {**run.item.values, **_let_values(run)}
    for step in run.item.steps:
        _play(run, step)
        if any(finding.level == run.item.scenario.level for finding in run.findings):
            return
    release_controls(run)


def _play(run: ItemRun, step: Step) -> None:
    verb = verbs()[step.verb]
    args = verb.args.model_validate(run.filled(step.raw))
    control_before(run, step)
    began_s = time.time()
    result: StepResult = verb.run(run, step, args)
    result.began_s = began_s
    run.sent.append(result)
    if step.name:
        run.results[step.name] = result
    if not verb.judges:
        run.findings += judge_now(run, step, result)
    control_after(run, step)
    if step.verb == "heal":
        release_controls(run)


def _let_values(run: ItemRun) -> dict[str, object]:
    let = run.item.scenario.let
    if not any(isinstance(value, dict) for value in let.values()):
        return dict(let)
    from faker import Faker

    fake = Faker()
    fake.seed_instance(run.seed)
    return {
        name: getattr(fake, value["fake"])(**value.get("args", {})) if isinstance(value, dict) else value
        for name, value in let.items()
    }


def _tidy(run: ItemRun) -> None:
    """Faults healed, keys put back, waiting controls played, cleanup steps, orders out of the list."""
    for name in list(run.faults):
        heal_fault(run, run.faults.pop(name))
    while run.extra_keys:
        run.world.client.withdraw_key(run.extra_keys.pop())
    while run.rotations:
        put_back(run, run.rotations.pop())
    if run.waiting_controls and not run.findings:
        release_controls(run)
    known = len(run.findings)
    for step in run.item.cleanup:
        _play(run, step)
    if run.findings[known:]:
        failed = run.findings[known].reading
        del run.findings[known:]
        raise SandboxFault(f"cleanup failed: expected {failed.expected}; got {failed.got}")
    if run.order_ids:
        run.world.client.archive(run.order_ids)
