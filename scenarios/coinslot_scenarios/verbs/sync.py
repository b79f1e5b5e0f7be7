"""`sync`: the backend fetches the portal's list of orders: by request, by command, or in its own time.

sync: {copies?, at_once?}
"""

import threading
import time

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.listings import listing_ended
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Flag, Shape


class Args(Shape):
    """Several copies start together with `at_once`."""

    copies: Count = 1
    at_once: Flag = False


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Ask for it, or wait for a listing that begins after this step and ends."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    sync = run.world.profile.shape.sync
    assert sync is not None
    if sync.every is not None:
        _wait_for_listing(run, result.after_seq, parse_duration(sync.every))
        return result
    if not args.at_once:
        for _ in range(args.copies):
            result.answers.append(_once(run))
        return result
    threads = [threading.Thread(target=lambda: result.answers.append(_once(run))) for _ in range(args.copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return result


def _once(run: ItemRun) -> Answer:
    answer = run.world.backend.sync()
    run.record(f"runner -> backend   sync: {answer.shown}", at_s=answer.at_s)
    return answer


def _wait_for_listing(run: ItemRun, after_seq: int, every_s: float) -> None:
    journal = run.world.journal
    limit_s = (every_s + run.world.profile.shape.limits.answer_s) * run.world.slow_factor
    deadline_s = time.monotonic() + limit_s
    while not listing_ended(run, after_seq):
        seen = journal.wire_seq
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            run.record(f"no complete listing of orders within {limit_s:g} s")
            return
        journal.wait_beyond(seen, wait_s=min(left_s, 1.0))


VERB = Verb(
    name="sync",
    args=Args,
    run=run,
    needs=lambda _args, _portal: {"sync"},
    exclusive=lambda _args: True,
)
