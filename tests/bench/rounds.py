"""How a benchmark measures: candidates in turn, round after round, and ratios of medians.

An absolute time says nothing on a shared machine. A B A B … in one process run lets a slow moment hit both
alike; what is quoted is the median of the ratios of the rounds.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ROUNDS_MIN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure beside its goal.

    id         of the list of goals
    what       what was compared, in words
    measured   the figure, and its unit ("" for a ratio); None where it could not be measured
    goal       what it is to reach; `at_least` says on which side of it the good is
    ours, other  where the figure is a ratio: what we reached, and the limit or the peer
    note       how it was taken, where the table's head does not say it; why it was not measured
    """

    id: str
    what: str
    measured: float | None
    goal: float | None
    at_least: bool
    unit: str = ""
    note: str = ""
    ours: str = ""
    other: str = ""
    spread: tuple[float, float] | None = field(default=None)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None where there is none to reach, or nothing was measured."""
        if self.goal is None or self.measured is None:
            return None
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def line(self) -> str:
        """The figure as a line of the table."""
        goal = "-" if self.goal is None else f"{'>=' if self.at_least else '<='} {self.goal:g}{self.unit}"
        if self.measured is None:
            return f"{self.id:4} {self.what:62} {'':49}  {goal:>10}  not measured: {self.note}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.is_met]
        spread = "" if self.spread is None else f" ({self.spread[0]:.2f} to {self.spread[1]:.2f})"
        measured = f"{self.measured:.2f}{self.unit}{spread}"
        pair = f"{self.ours:>12} {self.other:>12}"
        return (
            f"{self.id:4} {self.what:62} {pair} {measured:>24}  {goal:>10}  {verdict:6}  {self.note}".rstrip()
        )


def not_measured(goal_id: str, what: str, goal: float, reason: str, *, at_least: bool = True) -> Figure:
    """A figure that could not be taken, and why."""
    return Figure(id=goal_id, what=what, measured=None, goal=goal, at_least=at_least, note=reason)


def interleave(
    candidates: Mapping[str, Callable[[], None]], *, rounds: int = 7, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds that each candidate took, round by round, all candidates within each round."""
    times_s: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(warm_up + max(rounds, ROUNDS_MIN)):
        for name, run in candidates.items():
            began_s = time.perf_counter()
            run()
            took_s = time.perf_counter() - began_s
            if number >= warm_up:
                times_s[name].append(took_s)
    return times_s


def in_turn(
    candidates: Mapping[str, Callable[[], float]], *, rounds: int = 7, warm_up: int = 1
) -> dict[str, list[float]]:
    """What each candidate measured of itself (a rate, say), round by round, all within each round."""
    measured: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(warm_up + max(rounds, ROUNDS_MIN)):
        for name, run in candidates.items():
            value = run()
            if number >= warm_up:
                measured[name].append(value)
    return measured


def ratio(above: list[float], below: list[float]) -> tuple[float, tuple[float, float]]:
    """Median, and least and greatest, of the rounds' ratios."""
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    return statistics.median(ratios), (min(ratios), max(ratios))


def compared(
    goal_id: str,
    what: str,
    measured: Mapping[str, list[float]],
    names: tuple[str, str],
    *,
    goal: float | None,
    at_least: bool = True,
    unit: str = "/s",
    note: str = "",
) -> Figure:
    """The ratio of two candidates that took turns, with the medians of both beside it."""
    ours, other = measured[names[0]], measured[names[1]]
    value, spread = ratio(ours, other)
    return Figure(
        id=goal_id,
        what=what,
        measured=value,
        goal=goal,
        at_least=at_least,
        ours=f"{statistics.median(ours):.4g}{unit}",
        other=f"{statistics.median(other):.4g}{unit}",
        spread=spread,
        note=note,
    )
