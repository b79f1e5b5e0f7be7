"""One look at one expectation: does it hold, can it still change, what was expected and what was there.

Pure values and the quantifier over several subjects (`of`). Waiting is `waiting`'s work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one assertion looked like at one moment.

    refuted     it does not hold and never will, whatever comes
    undecided   it could not be looked at (a probe that does not answer): neither a pass nor a failure
    signature   short stable word for what was wrong, key of the table of likely causes
    order_id    the order that it is about
    answer      the backend's answer that it is about
    call        the backend's call of the portal that it is about
    note        something that a `should` would complain about although it holds
    """

    holds: bool
    expected: str
    got: str
    refuted: bool = False
    undecided: bool = False
    signature: str = ""
    order_id: str | None = None
    answer: Any = None
    call: Any = None
    note: str | None = None


def quantify(readings: Sequence[Reading], of: str, *, plural: str = "") -> Reading:
    """One reading for several subjects.

    of       every, any, first or last
    plural   what the subjects are, to count them in the message: "orders", "answers"
    """
    if of == "first":
        return readings[0]
    if of == "last":
        return readings[-1]
    bad = [reading for reading in readings if not reading.holds]
    if of == "any":
        return _any(readings, bad)
    if not bad:
        return replace(readings[0], note=next((r.note for r in readings if r.note), None))
    worst = next((reading for reading in bad if reading.refuted), bad[0])
    return _counted(worst, readings, len(bad), plural)


def _any(readings: Sequence[Reading], bad: Sequence[Reading]) -> Reading:
    good = [reading for reading in readings if reading.holds]
    if good:
        return good[0]
    return replace(bad[-1], refuted=all(reading.refuted for reading in bad))


def _counted(worst: Reading, readings: Sequence[Reading], bad: int, plural: str) -> Reading:
    if len(readings) == 1 or not plural:
        return worst
    place = list(readings).index(worst) + 1
    counted = (
        f"{plural[:-1]} {place} of {len(readings)}: {worst.got}   ({bad} of {len(readings)} {plural} so)"
    )
    return replace(
        worst, expected=f"{worst.expected}   for every one of {len(readings)} {plural}", got=counted
    )
