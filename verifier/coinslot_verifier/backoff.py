"""How long to wait before asking again: longer each time, up to a cap, never all at once.

Pure: chance comes in as a number. It must not sleep, count or ask.
"""

from dataclasses import dataclass


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
        wait_s = self.first_s
        for _ in range(failures - 1):
            if wait_s >= self.cap_s or self.factor == 1:
                break
            wait_s *= self.factor
        return min(wait_s, self.cap_s) * (1 - self.jitter * drawn)
