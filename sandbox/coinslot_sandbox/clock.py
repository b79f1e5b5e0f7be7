"""Time as the sandbox sees it: one clock, given to everything that needs to know the time.

`SystemClock` is real. `ManualClock` stands still until it is told to advance, and wakes those who wait on it.
"""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970, seconds of a clock that never goes back, and a way to wait."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment; only differences mean something."""
        ...

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> bool:
        """Wait on a condition that is held, at most so long by this clock; False where time ran out."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> bool:
        """Wait on a condition that is held."""
        return condition.wait(timeout_s)


class ManualClock:
    """A clock that only its owner moves; waiting on it lasts until a notification or the next advance."""

    def __init__(self, start_s: float = 1_757_905_298.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()
        self._waiters: set[threading.Condition] = set()

    def now_s(self) -> float:
        """Seconds since 1970, as last set."""
        with self._lock:
            return self._now_s

    def monotonic_s(self) -> float:
        """The same seconds; this clock never goes back."""
        return self.now_s()

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> bool:
        """Wait for a notification; an advance of the clock notifies every waiter too."""
        if timeout_s is not None and timeout_s <= 0:
            return False
        with self._lock:
            self._waiters.add(condition)
        condition.wait()
        return True

    def advance(self, by_s: float) -> None:
        """Move the clock forward and wake everybody who waits on it."""
        if by_s < 0:
            raise ValueError("a clock does not go back")
        with self._lock:
            self._now_s += by_s
            waiters, self._waiters = self._waiters, set()
        for condition in waiters:
            with condition:
                condition.notify_all()
