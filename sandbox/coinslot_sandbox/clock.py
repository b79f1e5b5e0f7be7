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

    def wait(self, condition: threading.Condition, *, until_s: float) -> None:
        """Wait on a condition that is held, at most until a moment of `monotonic_s`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, *, until_s: float) -> None:
        """Wait on a condition that is held, at most until a moment of `monotonic_s`."""
        condition.wait(max(until_s - self.monotonic_s(), 0))


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

    def wait(self, condition: threading.Condition, *, until_s: float) -> None:
        """Wait for a notification; an advance of the clock notifies every waiter too.

        Given a moment and not a length of time, so that an advance just before the wait is not missed.
        """
        with self._lock:
            if self._now_s >= until_s:
                return
            self._waiters.add(condition)
        condition.wait()

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
