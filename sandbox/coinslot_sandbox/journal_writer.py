"""Writes the journals of all workspaces to the store: one thread, one transaction for each group.

What was recorded is in the store within 50 ms. Where the store refuses, the entries stay in memory and are
tried again; only what exceeds the memory that is set aside is dropped, and a gap is left in its place.
Nothing that moves money waits for this thread.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.trouble import StoreTrouble, trouble_of

if TYPE_CHECKING:
    from coinslot_sandbox.journal import Journal

GROUP_S: Final = 0.03
"""How long a group is gathered; with the commit itself an entry is in the store within 50 ms."""
RETRY_S: Final = 0.25
MEMORY_BYTES: Final = 64 * 1_048_576
"""How much of all journals together is kept in memory: the newest, and what the store did not take yet."""
STREAMS_MAX: Final = 12
"""So many live streams of all workspaces together; each holds a thread of the control port."""


class JournalWriter:
    """The one writer of every journal over one store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.streams = threading.BoundedSemaphore(STREAMS_MAX)
        self._changed = threading.Condition()
        self._committing = threading.Lock()
        self._journals: set[Journal] = set()
        self._due: set[Journal] = set()
        self._hurry = self._stopping = False
        self._trouble: StoreTrouble | None = None
        self._thread = threading.Thread(target=self._write_forever, name="coinslot-journal", daemon=True)

    def start(self) -> None:
        """Begin writing to the store."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end; what the store does not take now is lost with the process."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def end_waits(self) -> None:
        """Whoever waits for an entry of any journal returns now; recording goes on."""
        with self._changed:
            journals = list(self._journals)
        for journal in journals:
            journal.end_waits()

    @property
    def trouble(self) -> StoreTrouble | None:
        """Why the last group was not written, None where it was."""
        with self._changed:
            return self._trouble

    @property
    def is_writing(self) -> bool:
        """Whether groups are being written at all."""
        return self._thread.is_alive()

    @property
    def share_bytes(self) -> int:
        """How much memory each journal may take."""
        with self._changed:
            return MEMORY_BYTES // max(len(self._journals), 1)

    def add(self, journal: "Journal") -> None:
        """Write this journal too."""
        with self._changed:
            self._journals.add(journal)

    def remove(self, journal: "Journal") -> None:
        """Write this journal no more; what of it waits is dropped."""
        with self._committing, self._changed:
            self._journals.discard(journal)
            self._due.discard(journal)

    def note(self, journal: "Journal") -> None:
        """This journal has something to write."""
        with self._changed:
            if journal not in self._due:
                self._due.add(journal)
                if len(self._due) == 1:
                    self._changed.notify_all()

    def hurry(self) -> None:
        """Gather no longer: somebody waits for the group to be written."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No group is being written meanwhile."""
        with self._committing:
            yield

    def _write_forever(self) -> None:
        while True:
            journals = self._gather()
            if not journals and self._stopping:
                self._give_back()
                return
            written = self._write(journals)
            if not written and self._stopping:
                return
            if not written:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, RETRY_S)

    def _gather(self) -> list["Journal"]:
        with self._changed:
            while not self._due and not self._stopping:
                self._changed.wait()
            if not self._hurry and not self._stopping:
                self._changed.wait_for(lambda: self._hurry or self._stopping, GROUP_S)
            self._hurry = False
            return list(self._due)

    def _write(self, journals: list["Journal"]) -> bool:
        """Write what these journals have, all or nothing; whether it was."""
        with self._committing:
            with self._changed:
                journals = [journal for journal in journals if journal in self._journals]
                self._due.clear()
            groups = [journal.take_group() for journal in journals]
            try:
                with self.database.write() as connection:
                    held = [group.write(connection) for group in groups]
            except SQLAlchemyError as error:
                self._refused(journals, trouble_of(error))
                return False
            with self._changed:
                self._trouble = None
            for journal, now_held in zip(journals, held, strict=True):
                journal.written(now_held)
        return True

    def _give_back(self) -> None:
        """Return the numbers that were reserved; where that fails, they stay unused."""
        with contextlib.suppress(SQLAlchemyError), self.database.write() as connection:
            for journal in self._journals:
                journal.give_back(connection)

    def _refused(self, journals: list["Journal"], trouble: StoreTrouble) -> None:
        share_bytes = self.share_bytes
        with self._changed:
            self._trouble = trouble
            self._due.update(journals)
        for journal in journals:
            journal.not_written(memory_bytes=share_bytes)
