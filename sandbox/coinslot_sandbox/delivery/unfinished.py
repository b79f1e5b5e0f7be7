"""Hand-made deliveries that nobody has in hand any more: what became of them is not known, and they say so.

Whoever sends one settles it; where that process ended in mid-attempt, or the store refused what it had to
write, the delivery would stay pending for ever, because the schedule never touches it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import OperationalError

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.delivery.attempt_records import delivery_crossing
from coinslot_sandbox.journal import Journal
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post

UNKNOWN: Final = (
    "given up: the sandbox ended, or could not write, while it was being sent; "
    "whether the backend has received it is not known"
)


class Unfinished:
    """The hand-made deliveries of one workspace that are being sent, and those that nobody sends any more."""

    def __init__(self, *, database: Database, post: Post, journal: Journal, clock: Clock) -> None:
        self._database = database
        self._post = post
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._in_hand: set[str] = set()
        self._are_some = False

    @contextmanager
    def in_hand(self, delivery_id: str) -> Iterator[None]:
        """It is being sent within the block, and settled unless the block raises."""
        with self._lock:
            self._in_hand.add(delivery_id)
        is_settled = False
        try:
            yield
            is_settled = True
        finally:
            with self._lock:
                self._in_hand.discard(delivery_id)
                self._are_some = self._are_some or not is_settled

    def look(self) -> None:
        """End what a block left behind; the store is asked only where one did."""
        if self._are_some:
            self.end()

    def end(self) -> None:
        """Fail what is pending and in nobody's hand, and tell the journal; `look` repeats what is refused."""
        with self._lock:
            in_hand, self._are_some = list(self._in_hand), False
        try:
            with self._database.write() as connection:
                ended = self._post.fail_manual(connection, but=in_hand)
        except OperationalError:
            self._are_some = True
            return
        for delivery in ended:
            self._journal.append(delivery_crossing(delivery, at_s=self._clock.now_s(), error=UNKNOWN))
