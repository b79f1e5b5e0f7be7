"""The delivery side of one workspace: one attempt after another of each order, and when the next is due."""

import traceback
from collections.abc import Sequence
from typing import Final

from coinslot_contracts.portal import Ack
from sqlalchemy.exc import OperationalError

from coinslot_sandbox.clock import Clock, ScheduleClock
from coinslot_sandbox.delivery.acks import AckRule
from coinslot_sandbox.delivery.attempt_records import delivery_crossing
from coinslot_sandbox.delivery.attempts import OrderLocks
from coinslot_sandbox.delivery.mailroom import Mailroom
from coinslot_sandbox.delivery.retry import next_attempt_s
from coinslot_sandbox.journal import Journal
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DueDelivery, Outcome

TROUBLES_MAX: Final = 3


class DeliveryDesk:
    """Makes the attempts that the schedule asks for.

    locks  shared with resend, so that one attempt of an order is under way at a time
    """

    def __init__(
        self,
        *,
        database: Database,
        post: Post,
        mailroom: Mailroom,
        clock: Clock,
        schedule: ScheduleClock,
        locks: OrderLocks,
        journal: Journal,
    ) -> None:
        self._database = database
        self._post = post
        self._mailroom = mailroom
        self._clock = clock
        self._schedule = schedule
        self._locks = locks
        self._journal = journal
        self._troubles: dict[str, int] = {}

    def deliver(self, delivery: Delivery) -> None:
        """Make one attempt of what the queue gave us."""
        self.attempt(delivery, cause="schedule", needs_running=True)
        self._troubles.pop(delivery.delivery_id, None)

    def attempt(
        self, delivery: Delivery | DueDelivery, *, cause: str, needs_running: bool = False
    ) -> list[AttemptRecord]:
        """Make what is due: one attempt, or what a fault makes of it; those that were made.

        None is where another attempt, a cancellation or a freeze came while we waited for the order's turn,
        or a fault puts it off.

        needs_running  only while the schedule runs, for the queue: one that stands still is advanced by hand,
                       and whoever does that waits for the answer
        """
        with self._locks.holding(delivery.order_id):
            with self._database.read() as connection:
                fresh = self._post.find(connection, delivery.delivery_id)
            if fresh is None or fresh.state != "pending" or fresh.held:
                return []
            if (needs_running and self._schedule.is_frozen) or not self._is_due(fresh, delivery):
                return []
            return self._mailroom.attempt(fresh, cause=cause, settle=self._settle, is_kept=needs_running)

    def _is_due(self, fresh: Delivery, known: Delivery | DueDelivery) -> bool:
        """Whether it is still due: the attempt that it was due for may have been made meanwhile.

        What was due once is due although a clock that jumped may say otherwise.
        """
        at_s = fresh.next_at_s
        return at_s is not None and (at_s == known.next_at_s or at_s <= self._schedule.now_s())

    def trouble(self, delivery: Delivery, error: BaseException) -> None:
        """A fault of our own in a delivery worker: kept where whoever looks for the callback will find it.

        Its bytes may have left, and would leave again with each lease: after TROUBLES_MAX such faults in a
        row the delivery has failed. A store that refuses is asked again for as long as it does.
        """
        story = "".join(traceback.format_exception(error))
        is_ours = not isinstance(error, OperationalError)
        count = self._troubles.get(delivery.delivery_id, 0) + is_ours
        self._troubles[delivery.delivery_id] = count
        is_last = is_ours and count >= TROUBLES_MAX
        says = f"given up after {count} failures of the sandbox itself:\n{story}" if is_last else story
        try:
            if is_last:
                with self._database.write() as connection:
                    self._post.shelf.fail(connection, delivery.delivery_id)
                del self._troubles[delivery.delivery_id]
        finally:
            self._journal.append(delivery_crossing(delivery, at_s=self._clock.now_s(), error=says))

    def _settle(self, delivery: Delivery, acks: Sequence[Ack]) -> Outcome:
        if any(ack.accepted for ack in acks):
            return "delivered", None
        rule = AckRule(name=delivery.ack_rule, terminal_codes=delivery.terminal_codes)
        if rule.ends(acks):
            return "failed", None
        next_at_s = next_attempt_s(
            retry_s=delivery.retry_s,
            attempts_made=delivery.scheduled_made + 1,
            failed_at_s=self._schedule.now_s(),
        )
        return ("failed", None) if next_at_s is None else ("pending", next_at_s)
