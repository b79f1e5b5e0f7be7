"""How long to wait before asking again: longer each time, up to a cap, never all at once.

Pure: chance comes in as a number. It must not sleep, count or ask.
"""

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits of first_s, first_s times factor and so on, at most cap_s, each shortened by chance.

    first_s   the wait after the first failure, in seconds, above 0
    factor    from one wait to the next, at least 1
    cap_s     the longest wait, in seconds, at least first_s
    jitter    the share of a wait that is left to chance, 0 to 1, so that what failed together does not come
              back together
    errors    ValueError for any other numbers
    """

    first_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 3_600.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        is_good = 0 < self.first_s <= self.cap_s < float("inf")
        if not (is_good and 1 <= self.factor < float("inf") and 0 <= self.jitter <= 1):
            raise ValueError("a backoff needs 0 < first_s <= cap_s, factor >= 1 and jitter from 0 to 1")

    def wait_s(self, failures: int, *, drawn: float) -> float:
        """The wait before the next attempt, in seconds.

        failures   how often it has failed without success between, at least 1; however large
        drawn      a random number, 0 <= drawn < 1: 0 is the longest wait, 1 would be the shortest
        """
        return min(self._grown_s(failures - 1), self.cap_s) * (1 - self.jitter * drawn)

    def _grown_s(self, times: int) -> float:
        """first_s grown so many times; cap_s where that is no less, as what is above it may be no float."""
        steps = min(times, _STEPS_MAX)
        if steps * math.log(self.factor) >= math.log(self.cap_s) - math.log(self.first_s):
            return self.cap_s
        half = steps // 2
        return self.first_s * self.factor**half * self.factor ** (steps - half)


_STEPS_MAX: Final = 2**63
"""Even the factor next to 1 leads from the smallest float beyond the largest in so many steps."""
