"""Plays items: side by side in one process, exclusive ones alone, and gives every one a verdict.

A library: `check` and tests call it with a World. Knows no file and prints nothing.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from coinslot_scenarios.model import Item
from coinslot_scenarios.perform import Outcome, perform
from coinslot_scenarios.verdicts import Verdict
from coinslot_scenarios.world import World

Report = Callable[[Outcome], None]
_BAD = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)


def run_items(
    items: Sequence[Item],
    world: World,
    *,
    jobs: int = 16,
    max_fail: int | None = None,
    required: Iterable[str] = (),
    on_outcome: Report = lambda _outcome: None,
) -> list[Outcome]:
    """Run every item that the profile allows; the outcomes come in the items' order.

    max_fail     stop starting items after so many that failed; those left out have no outcome
    required     capabilities whose lack is a failure, not a reason to leave an item out
    on_outcome   told of each as it ends, from one thread at a time
    """
    board = _Board(max_fail, on_outcome)
    missing = {item.name: sorted(item.needs - world.profile.capabilities) for item in items}
    for item in items:
        if missing[item.name]:
            board.add(_not_applicable(item, missing[item.name], frozenset(required)))
    able = [item for item in items if not missing[item.name]]

    def one(item: Item) -> None:
        if not board.full:
            board.add(perform(item, world))

    with ThreadPoolExecutor(max_workers=max(jobs, 1), thread_name_prefix="item") as pool:
        started = [pool.submit(one, item) for item in able if not item.exclusive]
        try:
            for done in started:
                done.result()
        except KeyboardInterrupt:
            board.close()
            world.journal.abort("interrupted")
            raise
    for item in able:
        if item.exclusive:
            one(item)
    return [board.outcomes[item.name] for item in items if item.name in board.outcomes]


class _Board:
    """Outcomes as they come in, from many threads."""

    def __init__(self, max_fail: int | None, on_outcome: Report) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._max_fail = max_fail
        self._on_outcome = on_outcome
        self._bad = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """Whether no further item shall begin: interrupted, or as many failed as were allowed to."""
        return self._closed or (self._max_fail is not None and self._bad >= self._max_fail)

    def close(self) -> None:
        """Let no further item begin."""
        self._closed = True

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome and tell of it."""
        with self._lock:
            self.outcomes[outcome.item.name] = outcome
            self._bad += outcome.verdict in _BAD
            self._on_outcome(outcome)


def _not_applicable(item: Item, missing: Sequence[str], required: frozenset[str]) -> Outcome:
    reason = f"needs {', '.join(missing)}"
    if required & set(missing):
        return Outcome(item=item, verdict=Verdict.FAIL, reason=f"{reason}, which this run requires")
    return Outcome(item=item, verdict=Verdict.NOT_APPLICABLE, reason=reason)
