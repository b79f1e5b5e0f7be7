"""Time as the sandbox sees it: the machine's clock, and the two clocks that a workspace derives from it.

`SystemClock` is real. `ManualClock` stands still until it is told to advance, and wakes those who wait on it.
A workspace's schedule (`ScheduleClock`) runs ahead of the machine's clock by an offset or stands still; its
claims (`ClaimsClock`) have an offset of their own, because nobody can move the clock of a backend.
"""

import threading
import time
from dataclasses import dataclass
from typing import Protocol


class Now(Protocol):
    """Tells the time."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        ...


class Clock(Now, Protocol):
    """Seconds since 1970, seconds of a clock that never goes back, and a way to wait."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """Where a workspace's schedule is: so many seconds ahead of the machine's clock, or standing still."""

    offset_s: float = 0.0
    frozen_at_s: float | None = None


class ScheduleClock:
    """The time of orders, notifications, retries, late keys and a fault's end in one workspace."""

    def __init__(self, clock: Clock, state: ScheduleState) -> None:
        self._clock = clock
        self._state = state

    @property
    def state(self) -> ScheduleState:
        """Where it is; replaced whole, so that a reader never sees half a change."""
        return self._state

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still until it is advanced."""
        return self._state.frozen_at_s is not None

    def now_s(self) -> float:
        """Seconds since 1970 on the schedule."""
        state = self._state
        return self._clock.now_s() + state.offset_s if state.frozen_at_s is None else state.frozen_at_s

    def machine_s(self, at_s: float) -> float | None:
        """When the machine's clock will show a moment of the schedule; None while that stands still."""
        state = self._state
        return at_s - state.offset_s if state.frozen_at_s is None else None

    def set(self, state: ScheduleState) -> None:
        """Set it; whoever calls writes the state to the store first."""
        self._state = state


class ClaimsClock:
    """The time that tokens claim to be issued at in one workspace."""

    def __init__(self, clock: Clock, offset_s: float) -> None:
        self._clock = clock
        self.offset_s = offset_s

    def now_s(self) -> float:
        """Seconds since 1970 in the claims of a token."""
        return self._clock.now_s() + self.offset_s
