"""Counters that all processes of a sidecar share, and their text for Prometheus.

They lie in one anonymous memory map that is made before the processes are: each process adds to its own
row, and whoever is asked adds the rows up. So there is no lock between processes, any of them can answer,
and a process that died and was replaced takes nothing back.
"""

import mmap
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from coinslot_contracts.errors import ERRORS, Undecided

from coinslot_verifier.sidecar.problems import CALL_CODES

DONE: Final = "ok"
CODES: Final = tuple(dict.fromkeys((DONE, *(error.code for error in ERRORS), *CALL_CODES)))
BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_PORTAL: Final = ""
_WORD_BYTES: Final = 8
_UNDECIDED: Final = frozenset(error.code for error in ERRORS if issubclass(error, Undecided))
Label = tuple[str, ...]


def outcome_of(code: str, status: int) -> str:
    """ok, refused, undecided, fault, or call-refused: the call itself was wrong."""
    if code == DONE:
        return "ok"
    if status == 422:
        return "refused"
    if status >= 500:
        return "undecided" if code in _UNDECIDED else "fault"
    return "call-refused"


class Metrics:
    """The counters of one sidecar; `row` says which process this is.

    calls    names of the calls there are
    portals  names of the portals there are
    """

    def __init__(self, *, calls: Sequence[str], portals: Sequence[str], processes: int) -> None:
        outcomes = ("ok", "refused", "undecided", "fault", "call-refused")
        labels: list[Label] = [("restarts",)]
        labels += [("call", *one) for one in product((NO_PORTAL, *portals), calls, outcomes, CODES)]
        labels += [("fetch", *one) for one in product(portals, ("ok", "failed"))]
        for call in calls:
            labels += [("bucket", call, str(place)) for place in range(len(BOUNDS_S) + 1)]
            labels.append(("micros", call))
        self._calls = tuple(calls)
        self._places = {label: place for place, label in enumerate(labels)}
        self._processes = processes
        self._memory = mmap.mmap(-1, len(labels) * processes * _WORD_BYTES)
        self._words = memoryview(self._memory).cast("Q")
        self._lock = threading.Lock()
        self.row = 0

    def count_call(self, *, portal: str, call: str, status: int, code: str, seconds: float) -> None:
        """One call was answered."""
        bucket = next((place for place, bound in enumerate(BOUNDS_S) if seconds <= bound), len(BOUNDS_S))
        known = code if code in CODES else "sidecar-failed"
        self._add(
            (("call", portal, call, outcome_of(known, status), known), 1),
            (("bucket", call, str(bucket)), 1),
            (("micros", call), int(seconds * 1_000_000)),
        )

    def count_fetch(self, *, portal: str, good: bool) -> None:
        """The portal was asked for its keys."""
        self._add((("fetch", portal, "ok" if good else "failed"), 1))

    def count_restart(self) -> None:
        """A process died and was replaced."""
        self._add((("restarts",), 1))

    def _add(self, *steps: tuple[Label, int]) -> None:
        first = self.row * len(self._places)
        with self._lock:
            for label, amount in steps:
                self._words[first + self._places[label]] += amount

    def _sum(self, label: Label) -> int:
        words, size, place = self._words, len(self._places), self._places[label]
        return sum(words[row * size + place] for row in range(self._processes))

    def text(self, gauges: Iterable[tuple[str, str, Mapping[str, str], float]] = ()) -> str:
        """Everything in Prometheus' text format.

        gauges   name, help, labels, value: what is measured at this moment
        """
        lines = [*self._counters(), *self._histogram()]
        named: set[str] = set()
        for name, says, labels, value in gauges:
            if name not in named:
                lines += _head(name, "gauge", says)
                named.add(name)
            lines.append(f"{name}{_labels(labels)} {value:g}")
        return "\n".join(lines) + "\n"

    def _counters(self) -> Iterator[str]:
        yield from _head("coinslot_verifier_calls_total", "counter", "Answered calls by outcome and code.")
        for label in self._places:
            if label[0] == "call" and (count := self._sum(label)):
                names = dict(zip(("portal", "call", "outcome", "code"), label[1:], strict=True))
                yield f"coinslot_verifier_calls_total{_labels(names)} {count}"
        yield from _head("coinslot_verifier_key_fetches_total", "counter", "Questions for a portal's keys.")
        for label in self._places:
            if label[0] == "fetch":
                names = dict(zip(("portal", "result"), label[1:], strict=True))
                yield f"coinslot_verifier_key_fetches_total{_labels(names)} {self._sum(label)}"
        name = "coinslot_verifier_process_restarts_total"
        yield from _head(name, "counter", "Processes that died and were replaced.")
        yield f"{name} {self._sum(('restarts',))}"

    def _histogram(self) -> Iterator[str]:
        name = "coinslot_verifier_call_seconds"
        yield from _head(name, "histogram", "Seconds from a call's arrival to its answer.")
        for call in self._calls:
            counts = [self._sum(("bucket", call, str(place))) for place in range(len(BOUNDS_S) + 1)]
            total = 0
            for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), counts, strict=True):
                total += count
                if sum(counts):
                    yield f"{name}_bucket{_labels({'call': call, 'le': bound})} {total}"
            if total:
                yield f"{name}_sum{_labels({'call': call})} {self._sum(('micros', call)) / 1_000_000:.6f}"
                yield f"{name}_count{_labels({'call': call})} {total}"


def _head(name: str, kind: str, says: str) -> list[str]:
    return [f"# HELP {name} {says}", f"# TYPE {name} {kind}"]


def _labels(labels: Mapping[str, str]) -> str:
    """Names and values of ours: none of them needs an escape."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
