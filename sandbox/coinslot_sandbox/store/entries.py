"""The journal's rows of one workspace: adding a group, dropping the oldest, reading pages.

How much is held is kept beside the rows and written with them, so that nothing is counted; a number that was
given out is never given out again, because numbers are reserved ahead of what is written.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from coinslot_sandbox.journal_entries import Entry, Gap, size_of, widened
from coinslot_sandbox.store.tables import JOURNAL, JOURNAL_STATES

COLUMNS: Final = ("dir", "endpoint", "order_id", "user_id")
"""The members by which rows are found without being read."""
RESERVED_AHEAD: Final = 1000
PAGE_ROWS: Final = 500
_COLUMN_CHARS_MAX: Final = 255
_TRIM_SHARE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalCap:
    """How much of a workspace's journal is kept."""

    entries: int = 20_000
    size_bytes: int = 128 * 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store holds of one workspace's journal.

    last_seq  number of the newest entry, 0 where there is none
    next_seq  the first number that was certainly never given out
    """

    last_seq: int = 0
    next_seq: int = 1
    entries: int = 0
    size_bytes: int = 0
    gaps: tuple[Gap, ...] = ()


class EntryRows:
    """The journal of one workspace in the store."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self._own = JOURNAL.c.workspace == workspace
        self._state = JOURNAL_STATES.c.workspace == workspace

    def load(self, connection: Connection) -> Held:
        """What there is."""
        row = connection.execute(select(JOURNAL_STATES).where(self._state)).mappings().first()
        if row is None:
            return Held()
        last_seq = connection.scalar(select(func.max(JOURNAL.c.seq)).where(self._own)) or 0
        return Held(
            last_seq=last_seq,
            next_seq=max(row["next_seq"], last_seq + 1),
            entries=row["entries"],
            size_bytes=row["size_bytes"],
            gaps=_gaps(row["gaps"]),
        )

    def gaps(self, connection: Connection) -> tuple[Gap, ...]:
        """Where the store says that rows were dropped."""
        text = connection.scalar(select(JOURNAL_STATES.c.gaps).where(self._state))
        return () if text is None else _gaps(text)

    def add(self, connection: Connection, held: Held, entries: Sequence[Entry], cap: JournalCap) -> Held:
        """Write a group and drop the oldest where that is too much; what there is then.

        held  as it is, with the gaps and the next number that are to be remembered
        """
        rows = [self._row(entry) for entry in entries]
        if rows:
            connection.execute(insert(JOURNAL), rows)
            held = replace(
                held,
                last_seq=rows[-1]["seq"],
                entries=held.entries + len(rows),
                size_bytes=held.size_bytes + sum(row["size_bytes"] for row in rows),
            )
        held = self._trim(connection, held, cap)
        self._remember(connection, held)
        return held

    def clear(self, connection: Connection, *, next_seq: int) -> Held:
        """Forget every entry; the numbers go on."""
        held = Held(next_seq=next_seq)
        connection.execute(delete(JOURNAL).where(self._own))
        self._remember(connection, held)
        return held

    def give_back(self, connection: Connection, *, next_seq: int) -> None:
        """Numbers from this one on were not given out after all."""
        connection.execute(update(JOURNAL_STATES).where(self._state).values(next_seq=next_seq))

    def read(
        self, connection: Connection, *, after: int, before: int, members: Mapping[str, str]
    ) -> Iterator[Entry]:
        """Entries between two numbers, oldest first, whose columns are as given."""
        wanted = select(JOURNAL.c.seq, JOURNAL.c.entry).where(self._own, JOURNAL.c.seq < before)
        for name, value in members.items():
            wanted = wanted.where(JOURNAL.c[name] == _column(value))
        while True:
            page = self._page(connection, wanted, after)
            for _, text in page:
                yield json.loads(text)
            if len(page) < PAGE_ROWS:
                return
            after = page[-1][0]

    def _page(self, connection: Connection, wanted: Select[Any], after: int) -> list[tuple[int, str]]:
        rows = wanted.where(JOURNAL.c.seq > after).order_by(JOURNAL.c.seq).limit(PAGE_ROWS)
        return [(row.seq, row.entry) for row in connection.execute(rows)]

    def _row(self, entry: Entry) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "seq": entry["seq"],
            **{name: _column(entry[name]) for name in COLUMNS},
            "size_bytes": size_of(entry),
            "entry": json.dumps(entry),
        }

    def _trim(self, connection: Connection, held: Held, cap: JournalCap) -> Held:
        """Drop the oldest, a twentieth more than must be, so that it is not done for each group."""
        if held.entries <= cap.entries and held.size_bytes <= cap.size_bytes:
            return held
        entries_goal = cap.entries - cap.entries // _TRIM_SHARE
        bytes_goal = cap.size_bytes - cap.size_bytes // _TRIM_SHARE
        entries, size_bytes = held.entries, held.size_bytes
        oldest = select(JOURNAL.c.seq, JOURNAL.c.size_bytes).where(self._own).order_by(JOURNAL.c.seq)
        kept_seq = held.last_seq
        with connection.execute(oldest) as rows:
            for kept_seq, row_bytes in rows:
                if (entries <= entries_goal and size_bytes <= bytes_goal) or kept_seq == held.last_seq:
                    break
                entries, size_bytes = entries - 1, size_bytes - row_bytes
        connection.execute(delete(JOURNAL).where(self._own, JOURNAL.c.seq < kept_seq))
        dropped = held.entries - entries
        gaps = widened(list(held.gaps), dropped=dropped, from_seq=0, before_seq=kept_seq)
        return replace(held, entries=entries, size_bytes=size_bytes, gaps=tuple(gaps))

    def _remember(self, connection: Connection, held: Held) -> None:
        values = {
            "next_seq": held.next_seq,
            "entries": held.entries,
            "size_bytes": held.size_bytes,
            "gaps": json.dumps([[gap.dropped, gap.before_seq] for gap in held.gaps]),
        }
        done = connection.execute(update(JOURNAL_STATES).where(self._state).values(values))
        if done.rowcount == 0:
            connection.execute(insert(JOURNAL_STATES).values(workspace=self.workspace, **values))


def _gaps(text: str) -> tuple[Gap, ...]:
    return tuple(Gap(dropped=dropped, before_seq=seq) for dropped, seq in json.loads(text))


def _column(value: str | None) -> str | None:
    """A text as a column takes it: bounded, and without what a database cannot encode."""
    if value is None:
        return None
    plain = value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return plain[:_COLUMN_CHARS_MAX]
