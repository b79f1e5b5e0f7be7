"""Making attempts: send the stored bytes, judge the answer by the portal's rule, record both durably.

Used by the queue, by resend and by hand-made callbacks alike. An attempt's journal number is opened before
its row is written, so that whoever sees one finds the other.
"""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from coinslot_contracts.portal import Ack, Portal
from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.delivery.sender import Outgoing, SendResult, send, send_together, target_of
from coinslot_sandbox.journal import Crossing, Journal
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState

ENDPOINT = "delivery"
BY_SCHEDULE = ("schedule", "advance")
"""Causes of attempts that the schedule's retries count from."""

Settle = Callable[[Delivery, bool], tuple[DeliveryState, float | None]]
"""Delivery as it was before the attempt, accepted -> its state and the time of its next attempt."""


class CourierClosed(Exception):
    """The sandbox stops; what was under way is not recorded and will be repeated."""


@dataclass(slots=True)
class OrderLocks:
    """One lock for each order that is being told about, so that its attempts go one after another."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _held: dict[str, tuple[threading.Lock, int]] = field(default_factory=dict)

    @contextmanager
    def holding(self, order_id: str) -> Iterator[None]:
        """Hold the order's lock."""
        with self._guard:
            lock, users = self._held.get(order_id, (threading.Lock(), 0))
            self._held[order_id] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                users = self._held[order_id][1] - 1
                if users:
                    self._held[order_id] = (lock, users)
                else:
                    del self._held[order_id]


class Courier:
    """Makes attempts of deliveries.

    may_connect  host, address -> whether callbacks may go there
    """

    def __init__(
        self,
        *,
        portals: Mapping[str, Portal],
        database: Database,
        post: Post,
        journal: Journal,
        may_connect: Callable[[str, str], bool],
    ) -> None:
        self._portals = portals
        self._database = database
        self._post = post
        self._journal = journal
        self._may_connect = may_connect
        self._closed = threading.Event()

    def close(self) -> None:
        """Record nothing more."""
        self._closed.set()

    def attempt(
        self, delivery: Delivery, *, cause: str, settle: Settle, only_from: Sequence[DeliveryState]
    ) -> AttemptRecord:
        """Make the next attempt of a delivery and record it."""
        result = send(self._outgoing(delivery), timeout_s=delivery.timeout_s, may_connect=self._may_connect)
        return self._record(delivery, [result], cause=cause, settle=settle, only_from=only_from)[0]

    def attempts(
        self,
        delivery: Delivery,
        *,
        copies: int,
        at_once: bool,
        cause: str,
        settle: Settle,
        only_from: Sequence[DeliveryState],
    ) -> list[AttemptRecord]:
        """Make so many attempts, one after another or with their last bytes at one moment."""
        if at_once:
            together = [self._outgoing(delivery)] * copies
            results = send_together(together, delivery.timeout_s, may_connect=self._may_connect)
            return self._record(delivery, results, cause=cause, settle=settle, only_from=only_from)
        made: list[AttemptRecord] = []
        for number in range(copies):
            result = send(
                self._outgoing(delivery), timeout_s=delivery.timeout_s, may_connect=self._may_connect
            )
            made += self._record(
                delivery, [result], cause=cause, settle=settle, only_from=only_from, before=number
            )
        return made

    def _outgoing(self, delivery: Delivery) -> Outgoing:
        assert delivery.url is not None
        notices = self._portals[delivery.portal].notices
        assert notices is not None
        request = WireRequest(
            method=notices.method,
            target=target_of(delivery.url),
            headers=delivery.headers,
            body=delivery.body,
        )
        return Outgoing(url=delivery.url, request=request)

    def _record(
        self,
        delivery: Delivery,
        results: Sequence[SendResult],
        *,
        cause: str,
        settle: Settle,
        only_from: Sequence[DeliveryState],
        before: int = 0,
    ) -> list[AttemptRecord]:
        if self._closed.is_set():
            raise CourierClosed
        numbers = range(
            delivery.attempts_made + before + 1, delivery.attempts_made + before + 1 + len(results)
        )
        acks = [self._ack(delivery, result) for result in results]
        opened = [self._journal.open() for _ in results]
        records = [
            _attempt(number, result, ack, cause=cause, seq=seq)
            for number, result, ack, seq in zip(numbers, results, acks, opened, strict=True)
        ]
        accepted = any(ack.accepted for ack in acks)
        state, next_at_s = settle(delivery, accepted)
        try:
            with self._database.write() as connection:
                self._post.add_attempts(connection, delivery.delivery_id, records)
                self._post.settle(
                    connection,
                    delivery.delivery_id,
                    attempts_made=numbers[-1],
                    scheduled_made=delivery.scheduled_made + (cause in BY_SCHEDULE),
                    state=state,
                    next_at_s=next_at_s,
                    only_from=only_from,
                )
        except BaseException:
            for seq in opened:
                self._journal.cancel(seq)
            raise
        for number, result, ack, seq in zip(numbers, results, acks, opened, strict=True):
            self._journal.fill(seq, _crossing(delivery, number, result, ack))
        return records

    def _ack(self, delivery: Delivery, result: SendResult) -> Ack:
        notices = self._portals[delivery.portal].notices
        assert notices is not None
        if result.reply is None:
            return Ack(accepted=False, code=None, reason=f"no answer: {result.error}")
        return notices.ack(result.reply.status, result.reply.body)


def _attempt(number: int, result: SendResult, ack: Ack, *, cause: str, seq: int) -> AttemptRecord:
    sent, reply = result.sent, result.reply
    return {
        "attempt": number,
        "at_s": round(result.at_s, 6),
        "elapsed_ms": round(result.elapsed_ms, 3),
        "request": {
            "method": sent.method,
            "target": sent.target,
            "headers": [list(pair) for pair in sent.headers],
            "body_b64": base64.b64encode(sent.body).decode(),
        },
        "reply": None if reply is None else _reply(reply),
        "error": result.error,
        "ack": {"accepted": ack.accepted, "code": ack.code, "reason": ack.reason, "note": ack.note},
        "cause": cause,
        "journal_seq": seq,
    }


def _reply(reply: WireReply) -> dict[str, object]:
    return {
        "status": reply.status,
        "headers": [list(pair) for pair in reply.headers],
        "body_b64": base64.b64encode(reply.body).decode(),
    }


def _crossing(delivery: Delivery, number: int, result: SendResult, ack: Ack) -> Crossing:
    return Crossing(
        dir="out",
        endpoint=ENDPOINT,
        request=result.sent,
        reply=result.reply,
        at_s=result.at_s,
        elapsed_ms=result.elapsed_ms,
        portal=delivery.portal,
        game_id=delivery.game_id,
        order_id=delivery.order_id,
        user_id=delivery.user_id,
        delivery_id=delivery.delivery_id,
        attempt=number,
        error=result.error,
        verdict=(ack.code, ack.reason),
    )
