"""Notices when the machine's clock jumps, so that nothing waits an hour too long and the state says why.

The clock that never goes back tells how much time really passed. After a jump backwards deliveries that
wait, held ones too, are pulled forward by as much; after one forwards they are due early and go at once.
Workspaces, late keys and faults last as long as promised either way. Leases look after themselves
(`store.due`). Two jumps that cancel out between two looks, a fraction of a second apart, are not seen.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.store import due, tenants
from coinslot_sandbox.store.database import Database

JUMP_MIN_S: Final = 2.0
"""What is less is the clock being corrected, and harms no schedule."""
READING_S: Final = 0.1
"""Two clocks that took longer to read than this tell nothing about each other."""
KEPT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The machine's clock went forward, or back, by so many seconds; at_s is where it then stood."""

    at_s: float
    by_s: float


class ClockWatch:
    """Looks at the machine's clock from time to time."""

    def __init__(self, *, clock: Clock, database: Database) -> None:
        self._clock = clock
        self._database = database
        self._ahead_s = clock.now_s() - clock.monotonic_s()
        self._jumps: deque[Jump] = deque(maxlen=KEPT)

    @property
    def jumps(self) -> list[Jump]:
        """The latest jumps since this process began, oldest first."""
        return list(self._jumps)

    def look(self) -> float | None:
        """Deal with a jump since the last look; where the store refuses, the next look does.

        returns  by how many seconds it jumped, for what is not in the store; None where it did not
        """
        before_s, now_s, after_s = (
            self._clock.monotonic_s(),
            self._clock.now_s(),
            self._clock.monotonic_s(),
        )
        if after_s - before_s > READING_S:
            return None
        ahead_s = now_s - before_s
        by_s = ahead_s - self._ahead_s
        if abs(by_s) < JUMP_MIN_S:
            self._ahead_s = ahead_s
            return None
        with self._database.write() as connection:
            if by_s < 0:
                due.pull_forward(connection, by_s=-by_s)
            tenants.follow_clock(connection, by_s=by_s)
        self._jumps.append(Jump(at_s=now_s, by_s=round(by_s, 3)))
        self._ahead_s = ahead_s
        return by_s
