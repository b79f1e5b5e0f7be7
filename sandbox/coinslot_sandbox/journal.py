"""The journal: one immutable entry for everything that crossed a wire, in both directions, with raw bytes.

Entries are seen in the order of their numbers: a number can be opened first and filled when the bytes have
gone out and the store has it, and readers stop before an open one. Rows are written by a thread of its own in
groups; nothing that moves money waits for it. Shared keys and the control token never enter it.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from coinslot_contracts.wire import WireReply, WireRequest
from sqlalchemy import delete, func, insert, select

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.masking import Mask
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.tables import JOURNAL

ENTRIES_MAX = 20_000
RECENT_MAX = 2_000
RECENT_BYTES_MAX = 16 * 1_048_576
GROUP_S = 0.05
SETTLE_S = 2.0
TRIM_SLACK = 500

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What crossed the wire, and what was made of it; the journal adds number, time and workspace.

    dir   "in" and "out" are seen from the sandbox; "control" is a call that steered it
    """

    dir: str
    endpoint: str
    request: WireRequest
    reply: WireReply | None
    at_s: float
    elapsed_ms: float
    portal: str | None = None
    game_id: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    external_id: str | None = None
    delivery_id: str | None = None
    attempt: int | None = None
    error: str | None = None
    verdict: tuple[str | None, str] | None = None
    fault_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Which entries are wanted; None means any."""

    dir: str | None = None
    endpoint: str | None = None
    order_id: str | None = None
    user_id: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is wanted."""
        wanted = ((name, getattr(self, name)) for name in ("dir", "endpoint", "order_id", "user_id"))
        return all(value is None or entry[name] == value for name, value in wanted)


@dataclass(slots=True)
class _Recent:
    """The newest entries, in memory; what is older is read from the store."""

    entries: deque[tuple[Entry, int]] = field(default_factory=deque)
    size_bytes: int = 0

    def add(self, entry: Entry, size_bytes: int) -> None:
        self.entries.append((entry, size_bytes))
        self.size_bytes += size_bytes

    def shrink(self, *, written_seq: int) -> None:
        """Forget the oldest that are in the store already."""
        while self.entries and (len(self.entries) > RECENT_MAX or self.size_bytes > RECENT_BYTES_MAX):
            entry, size_bytes = self.entries[0]
            if entry["seq"] > written_seq:
                return
            self.entries.popleft()
            self.size_bytes -= size_bytes


class Journal:
    """The journal of one workspace.

    next_seq  gives the next number, from 0; numbers never come twice
    secrets   what must not be found in any entry
    """

    def __init__(
        self,
        *,
        workspace: str,
        database: Database,
        clock: Clock,
        next_seq: Callable[[], int],
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._clock = clock
        self._next_seq = next_seq
        self._secrets = secrets
        self._changed = threading.Condition()
        self._to_write: deque[Entry] = deque()
        self._filled: dict[int, Entry | None] = {}
        self._open: deque[int] = deque()
        self._recent = _Recent()
        self._seen_seq = self._written_seq = self._stored_last_seq()
        self._memory_from = self._seen_seq + 1
        self._dropped = 0
        self._stopping = self._ending = False
        self._hurry = False
        self._writer = threading.Thread(target=self._write_forever, name="coinslot-journal", daemon=True)

    def start(self) -> None:
        """Begin writing to the store."""
        self._writer.start()

    def stop(self) -> None:
        """Write what is left, and end; whoever waits returns."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._writer.ident is not None:
            self._writer.join()

    def end_waits(self) -> None:
        """Whoever waits for an entry returns now; recording goes on."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    @property
    def last_seq(self) -> int:
        """The number of the newest entry that can be seen, 0 where there is none."""
        with self._changed:
            return self._seen_seq

    @property
    def dropped(self) -> int:
        """How many entries were dropped since start because the journal is full."""
        with self._changed:
            return self._dropped

    def open(self) -> int:
        """Take a number for something that is about to be recorded; `fill` or `cancel` it soon."""
        with self._changed:
            seq = self._next_seq() + 1
            self._open.append(seq)
            return seq

    def fill(self, seq: int, crossing: Crossing) -> None:
        """Record a crossing under a number that was opened."""
        self._close(seq, self._entry(seq, crossing))

    def cancel(self, seq: int) -> None:
        """Give a number up; it stays unused."""
        self._close(seq, None)

    def append(self, crossing: Crossing) -> int:
        """Record a crossing; its number."""
        seq = self.open()
        self.fill(seq, crossing)
        return seq

    def find(self, seq: int) -> Entry | None:
        """The entry with this number."""
        found = self.entries(after=seq - 1, limit=1, wanted=JournalFilter())
        return found[0] if found and found[0]["seq"] == seq else None

    def entries(self, *, after: int, limit: int, wanted: JournalFilter) -> list[Entry]:
        """Entries after a number, oldest first."""
        with self._changed:
            if after + 1 >= self._oldest_in_memory():
                return self._from_memory(after, limit, wanted)
        self.flush()
        return self._from_store(after, limit, wanted)

    def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until there is an entry after this number; False where there is none by then."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        with self._changed:
            while self._seen_seq <= after and not self._ending:
                if self._clock.monotonic_s() >= deadline_s:
                    break
                self._clock.wait(self._changed, until_s=deadline_s)
            return self._seen_seq > after

    def settle(self) -> None:
        """Return when every number taken before this call can be seen, after SETTLE_S at the latest.

        An entry is hidden while an earlier number is open; whoever asks what has happened by now must not be
        told less than that.
        """
        deadline_s = self._clock.monotonic_s() + SETTLE_S
        with self._changed:
            newest = self._open[-1] if self._open else 0
            while self._open and self._open[0] <= newest and not self._ending:
                if self._clock.monotonic_s() >= deadline_s:
                    return
                self._clock.wait(self._changed, until_s=deadline_s)

    def flush(self) -> None:
        """Return when everything that can be seen now is in the store."""
        with self._changed:
            goal = self._seen_seq
            while self._written_seq < goal and self._writer.is_alive():
                self._hurry = True
                self._changed.notify_all()
                self._changed.wait(1)

    def clear(self) -> None:
        """Forget every entry; the numbers go on."""
        self.flush()
        with self._changed, self._database.write() as connection:
            connection.execute(delete(JOURNAL).where(JOURNAL.c.workspace == self._workspace))
            self._recent = _Recent()
            self._to_write.clear()
            self._memory_from = self._seen_seq + 1
            self._dropped = 0

    def _entry(self, seq: int, crossing: Crossing) -> Entry:
        mask = Mask(self._secrets(), is_control=crossing.dir == "control")
        verdict = crossing.verdict
        return {
            "seq": seq,
            "at_s": round(crossing.at_s, 6),
            "elapsed_ms": round(crossing.elapsed_ms, 3),
            "workspace": self._workspace,
            "portal": crossing.portal,
            "dir": crossing.dir,
            "endpoint": crossing.endpoint,
            "game_id": crossing.game_id,
            "order_id": crossing.order_id,
            "user_id": crossing.user_id,
            "external_id": crossing.external_id,
            "delivery_id": crossing.delivery_id,
            "attempt": crossing.attempt,
            "request": mask.request(crossing.request),
            "reply": None if crossing.reply is None else mask.reply(crossing.reply),
            "error": crossing.error,
            "verdict": None if verdict is None else {"code": verdict[0], "reason": verdict[1]},
            "fault_id": crossing.fault_id,
        }

    def _close(self, seq: int, entry: Entry | None) -> None:
        with self._changed:
            self._filled[seq] = entry
            while self._open and self._open[0] in self._filled:
                ready = self._filled.pop(self._open.popleft())
                if ready is not None:
                    self._show(ready)
            self._changed.notify_all()

    def _show(self, entry: Entry) -> None:
        self._seen_seq = entry["seq"]
        self._recent.add(entry, _size_bytes(entry))
        self._to_write.append(entry)

    def _oldest_in_memory(self) -> int:
        return self._recent.entries[0][0]["seq"] if self._recent.entries else self._memory_from

    def _from_memory(self, after: int, limit: int, wanted: JournalFilter) -> list[Entry]:
        found: list[Entry] = []
        for entry, _ in self._recent.entries:
            if len(found) == limit:
                break
            if entry["seq"] > after and wanted.takes(entry):
                found.append(entry)
        return found

    def _from_store(self, after: int, limit: int, wanted: JournalFilter) -> list[Entry]:
        rows = (
            select(JOURNAL.c.entry)
            .where(JOURNAL.c.workspace == self._workspace, JOURNAL.c.seq > after)
            .order_by(JOURNAL.c.seq)
            .limit(limit)
        )
        for name in ("dir", "endpoint", "order_id", "user_id"):
            value = getattr(wanted, name)
            if value is not None:
                rows = rows.where(JOURNAL.c[name] == value)
        with self._database.read() as connection:
            return [json.loads(text) for text in connection.scalars(rows)]

    def _stored_last_seq(self) -> int:
        with self._database.read() as connection:
            last = connection.scalar(
                select(func.max(JOURNAL.c.seq)).where(JOURNAL.c.workspace == self._workspace)
            )
        return last or 0

    def _write_forever(self) -> None:
        while True:
            with self._changed:
                while not self._to_write and not self._stopping:
                    self._changed.wait()
                if not self._hurry and not self._stopping:
                    self._changed.wait_for(lambda: self._hurry or self._stopping, GROUP_S)
                self._hurry = False
                group = list(self._to_write)
                self._to_write.clear()
                ended = self._stopping and not group
            if ended:
                return
            self._write(group)

    def _write(self, group: list[Entry]) -> None:
        if not group:
            return
        rows = [
            {
                "seq": entry["seq"],
                "workspace": self._workspace,
                **{name: entry[name] for name in ("dir", "endpoint", "order_id", "user_id")},
                "entry": json.dumps(entry),
            }
            for entry in group
        ]
        own = JOURNAL.c.workspace == self._workspace
        with self._database.write() as connection:
            connection.execute(insert(JOURNAL), rows)
            held = connection.scalar(select(func.count()).select_from(JOURNAL).where(own)) or 0
            dropped = 0
            if held > ENTRIES_MAX + TRIM_SLACK:
                oldest = select(JOURNAL.c.seq).where(own).order_by(JOURNAL.c.seq).limit(held - ENTRIES_MAX)
                dropped = connection.execute(delete(JOURNAL).where(JOURNAL.c.seq.in_(oldest))).rowcount
        with self._changed:
            self._written_seq = group[-1]["seq"]
            self._dropped += dropped
            self._recent.shrink(written_seq=self._written_seq)
            self._changed.notify_all()


def _size_bytes(entry: Entry) -> int:
    reply = entry["reply"]
    return 1024 + len(entry["request"]["body_b64"]) + (len(reply["body_b64"]) if reply else 0)
