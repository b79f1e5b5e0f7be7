"""The journal: one immutable entry for everything that crossed a wire, in both directions, with raw bytes.

Entries are seen in the order of their numbers: a number can be opened first and filled when the bytes have
gone out and the store has it, and readers stop before an open one. Rows are written by a thread that all
workspaces share; nothing that moves money waits for it. Shared keys and the control token never enter it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.journal_entries import Crossing, Entry, Excerpt, Gap, make_entry, size_of, widened
from coinslot_sandbox.journal_filter import JournalFilter
from coinslot_sandbox.journal_writer import JournalWriter
from coinslot_sandbox.store.entries import COLUMNS, RESERVED_AHEAD, EntryRows, Held, JournalCap

__all__ = ["Crossing", "Entry", "Journal", "JournalCap", "JournalFilter", "JournalTrouble"]

PAGE_ENTRIES: Final = 500
RECENT_MAX: Final = 2_000
SETTLE_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalTrouble:
    """Why the journal is not being written.

    waiting  entries that are in memory only
    """

    code: str
    says: str
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one journal has to write, and what the store holds of it before that."""

    rows: EntryRows
    held: Held
    entries: tuple[Entry, ...]
    cap: JournalCap

    def write(self, connection: Connection) -> Held:
        """Write it; what the store holds then."""
        return self.rows.add(connection, self.held, self.entries, self.cap)


@dataclass(slots=True)
class _Recent:
    """The newest entries, in memory; what is older is read from the store."""

    entries: deque[tuple[Entry, int]] = field(default_factory=deque)
    size_bytes: int = 0

    def add(self, entry: Entry, size_bytes: int) -> None:
        self.entries.append((entry, size_bytes))
        self.size_bytes += size_bytes

    def shrink(self, *, written_seq: int, size_bytes: int) -> None:
        """Forget the oldest that are in the store already."""
        while self.entries and (len(self.entries) > RECENT_MAX or self.size_bytes > size_bytes):
            if self.entries[0][0]["seq"] > written_seq:
                return
            self.forget()

    def forget(self) -> None:
        """Forget the oldest."""
        self.size_bytes -= self.entries.popleft()[1]

    def forget_before(self, seq: int) -> None:
        """Forget what is older than this number."""
        while self.entries and self.entries[0][0]["seq"] < seq:
            self.forget()


class Journal:
    """The journal of one workspace.

    writer   writes it, and those of other workspaces
    secrets  what must not be found in any entry
    cap      how much is kept; the oldest entries are dropped, and a gap stays in their place
    """

    def __init__(
        self,
        *,
        workspace: str,
        writer: JournalWriter,
        clock: Clock,
        secrets: Callable[[], Iterable[str]],
        cap: JournalCap | None = None,
    ) -> None:
        self._workspace = workspace
        self._writer = writer
        self._clock = clock
        self._secrets = secrets
        self._cap = cap or JournalCap()
        self._rows = EntryRows(workspace)
        self._changed = threading.Condition()
        self._to_write: deque[tuple[Entry, int]] = deque()
        self._to_write_bytes = 0
        self._filled: dict[int, Entry | None] = {}
        self._open: deque[int] = deque()
        self._recent = _Recent()
        with writer.database.read() as connection:
            self._held = self._rows.load(connection)
        self._next_seq = self._held.next_seq
        self._seen_seq = self._held.last_seq
        self._gaps = list(self._held.gaps)
        self._is_ending = self._is_noted = False
        writer.add(self)

    def close(self) -> None:
        """Record nothing more: whoever waits returns, and the writer forgets this journal."""
        self.end_waits()
        self._writer.remove(self)

    def end_waits(self) -> None:
        """Whoever waits for an entry returns now; recording goes on."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()

    @property
    def is_ending(self) -> bool:
        """Whether nobody is to wait any more."""
        with self._changed:
            return self._is_ending

    @property
    def last_seq(self) -> int:
        """The number of the newest entry that can be seen, 0 where there is none."""
        with self._changed:
            return self._seen_seq

    @property
    def gaps(self) -> list[Gap]:
        """Where entries were dropped, because the journal is full or the store took nothing for too long."""
        with self._changed:
            return list(self._gaps)

    @property
    def dropped(self) -> int:
        """How many entries were dropped in all."""
        return sum(gap.dropped for gap in self.gaps)

    @property
    def trouble(self) -> JournalTrouble | None:
        """Why entries wait to be written, None where all is well."""
        trouble = self._writer.trouble
        if trouble is None:
            return None
        with self._changed:
            waiting = len(self._to_write)
        return JournalTrouble(code=trouble.code, says=trouble.says, waiting=waiting)

    def open(self) -> int:
        """Take a number for something that is about to be recorded; `fill` or `cancel` it soon."""
        with self._changed:
            seq = self._next_seq
            self._next_seq += 1
            self._open.append(seq)
            return seq

    def fill(self, seq: int, crossing: Crossing) -> None:
        """Record a crossing under a number that was opened."""
        try:
            entry = make_entry(seq, crossing, workspace=self._workspace, secrets=self._secrets())
        except BaseException:
            self.cancel(seq)  # what stays open hides everything behind it
            raise
        self._close(seq, entry)

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
        return self.excerpt(after=after, limit=limit, wanted=wanted).entries

    def excerpt(self, *, after: int, limit: int, wanted: JournalFilter) -> Excerpt:
        """Entries after a number, and the gaps as they were when these were read."""
        after = max(after, wanted.after)
        excerpt, is_of_one_moment = self._read(after, limit, wanted)
        if not is_of_one_moment:
            with self._writer.alone():
                excerpt, _ = self._read(after, limit, wanted)
        return excerpt

    def _read(self, after: int, limit: int, wanted: JournalFilter) -> tuple[Excerpt, bool]:
        """An excerpt, and whether the store dropped nothing between reading the memory and the rows."""
        with self._changed:
            from_seq = self._recent.entries[0][0]["seq"] if self._recent.entries else self._next_seq
            newest = [
                entry for entry, _ in self._recent.entries if entry["seq"] > after and wanted.takes(entry)
            ]
            gaps, stored_gaps = list(self._gaps), self._held.gaps
        if after + 1 >= from_seq:
            return Excerpt(entries=newest[:limit], gaps=gaps), True
        members = {name: value for name in COLUMNS if (value := getattr(wanted, name)) is not None}
        with self._writer.database.read() as connection:
            is_of_one_moment = self._rows.gaps(connection) == stored_gaps
            until_seq = from_seq if wanted.before is None else min(from_seq, wanted.before)
            rows = self._rows.read(connection, after=after, before=until_seq, members=members)
            older = list(islice((entry for entry in rows if wanted.takes(entry)), limit))
        return Excerpt(entries=(older + newest)[:limit], gaps=gaps), is_of_one_moment

    def pages(self, wanted: JournalFilter) -> Iterator[Excerpt]:
        """Every wanted entry that can be seen now, oldest first, in pages."""
        cursor, last_seq = 0, self.last_seq
        while cursor < last_seq:
            page = self.excerpt(after=cursor, limit=PAGE_ENTRIES, wanted=wanted)
            yield replace(page, entries=[entry for entry in page.entries if entry["seq"] <= last_seq])
            if len(page.entries) < PAGE_ENTRIES:
                return
            cursor = page.entries[-1]["seq"]

    def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until there is an entry after this number; False where there is none by then."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        with self._changed:
            while self._seen_seq <= after and not self._is_ending:
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
            while self._open and self._open[0] <= newest and not self._is_ending:
                if self._clock.monotonic_s() >= deadline_s:
                    return
                self._clock.wait(self._changed, until_s=deadline_s)

    def flush(self) -> None:
        """Return when everything that can be seen now is in the store, or the store takes nothing."""
        with self._changed:
            goal = self._seen_seq
            while self._to_write and self._to_write[0][0]["seq"] <= goal:
                if self._writer.trouble is not None or not self._writer.is_writing:
                    return
                self._writer.hurry()
                self._changed.wait(1)

    def clear(self) -> None:
        """Forget every entry; the numbers go on."""
        with self._writer.alone():
            with self._changed:
                cleared_seq, next_seq = self._seen_seq, self._next_seq
            with self._writer.database.write() as connection:
                held = self._rows.clear(connection, next_seq=next_seq + RESERVED_AHEAD)
            with self._changed:
                self._held = replace(held, last_seq=cleared_seq)
                self._gaps = []
                self._recent.forget_before(cleared_seq + 1)
                self._forget_unwritten(cleared_seq)

    def give_back(self, connection: Connection) -> None:
        """Reserve no more numbers than were given out; for the writer, at its end."""
        with self._changed:
            next_seq = self._next_seq
        self._rows.give_back(connection, next_seq=next_seq)

    def take_group(self) -> Group:
        """What is to be written now; for the writer."""
        with self._changed:
            self._is_noted = False
            held = replace(self._held, next_seq=self._next_seq + RESERVED_AHEAD, gaps=tuple(self._gaps))
            entries = tuple(entry for entry, _ in self._to_write)
            return Group(rows=self._rows, held=held, entries=entries, cap=self._cap)

    def written(self, held: Held) -> None:
        """The group that was taken is in the store; for the writer."""
        share_bytes = self._writer.share_bytes
        with self._changed:
            self._held = held
            self._gaps = list(held.gaps)
            self._forget_unwritten(held.last_seq)
            if self._gaps:
                self._recent.forget_before(self._gaps[0].before_seq)
            self._recent.shrink(written_seq=held.last_seq, size_bytes=share_bytes)
            self._changed.notify_all()

    def not_written(self, *, memory_bytes: int) -> None:
        """The store took nothing: keep what fits into memory, drop the oldest of the rest; for the writer."""
        with self._changed:
            first_seq = self._to_write[0][0]["seq"] if self._to_write else 0
            dropped = 0
            while len(self._to_write) > self._cap.entries or self._to_write_bytes > memory_bytes:
                self._forget_unwritten(self._to_write[0][0]["seq"])
                dropped += 1
            if dropped:
                before_seq = self._to_write[0][0]["seq"] if self._to_write else self._seen_seq + 1
                self._recent.forget_before(before_seq)
                self._gaps = widened(self._gaps, dropped=dropped, from_seq=first_seq, before_seq=before_seq)
            self._changed.notify_all()

    def _close(self, seq: int, entry: Entry | None) -> None:
        with self._changed:
            self._filled[seq] = entry
            while self._open and self._open[0] in self._filled:
                ready = self._filled.pop(self._open.popleft())
                if ready is not None:
                    self._show(ready)
            self._changed.notify_all()

    def _show(self, entry: Entry) -> None:
        size_bytes = size_of(entry)
        self._seen_seq = entry["seq"]
        self._recent.add(entry, size_bytes)
        self._to_write.append((entry, size_bytes))
        self._to_write_bytes += size_bytes
        if not self._is_noted:
            self._is_noted = True
            self._writer.note(self)

    def _forget_unwritten(self, through_seq: int) -> None:
        while self._to_write and self._to_write[0][0]["seq"] <= through_seq:
            self._to_write_bytes -= self._to_write.popleft()[1]
