"""Making attempts: send the bytes of a letter, judge the answer by the game's rule, record both durably.

Used by the queue, by resend and by hand-made callbacks alike. An attempt's journal number is opened before
its row is written, so that whoever sees one finds the other.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from coinslot_contracts.portal import Ack, NoticesPart, Portal
from coinslot_contracts.wire import WireRequest
from sqlalchemy.exc import OperationalError

from coinslot_sandbox.clock import ScheduleClock
from coinslot_sandbox.delivery.acks import AckRule, judge
from coinslot_sandbox.delivery.attempt_records import attempt_crossing, attempt_record
from coinslot_sandbox.delivery.letters import Letter
from coinslot_sandbox.delivery.sender import (
    CUT,
    Outgoing,
    SendResult,
    send,
    send_in_row,
    send_together,
    target_of,
    wire_form,
)
from coinslot_sandbox.journal import Journal
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState, Outcome
from coinslot_sandbox.store.trouble import trouble_of

KEEP_S = 2.0
KEEP_AGAIN_S = 0.25
DROPPED = "dropped"
"""The error of an attempt that a fault kept from leaving."""

Settle = Callable[[Delivery, Sequence[Ack]], Outcome | None]
"""Delivery as it was before the attempts, what the answers were worth -> what that leads to, if anything."""
Manner = Literal["singly", "at once", "over one connection", "impatiently", "never"]


class CourierClosed(Exception):
    """The workspace or the sandbox has ended: what was under way is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is to be attempted.

    cause      of the first attempt; what only a fault adds to it has the cause `fault`
    counts     whether the schedule's retries count from it
    is_kept    whether what was sent is kept in hand until it is recorded, however long the store refuses
    manner     "impatiently" waits `patience_s` for an answer and then sends a second one beside the first;
               "never" sends nothing and records that
    fault_id   the fault that had its hand in it
    only_from  the states in which the outcome still counts
    """

    letter: Letter
    cause: str
    settle: Settle
    only_from: Sequence[DeliveryState]
    counts: bool = False
    is_kept: bool = False
    copies: int = 1
    manner: Manner = "singly"
    patience_s: float = 0.0
    fault_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of a sending.

    went_out  whether every byte of some request left us
    in_flight  whether a second request left while the first had no answer
    """

    records: list[AttemptRecord]
    went_out: bool
    in_flight: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """What of a sending was sent together, or alone, and is recorded in one transaction.

    place    how many attempts of the sending came before
    outcome  what it leads to
    """

    place: int
    results: Sequence[SendResult]
    acks: Sequence[Ack]
    outcome: Outcome | None
    schedule_s: float


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
        schedule: ScheduleClock,
        may_connect: Callable[[str, str], bool],
    ) -> None:
        self._portals = portals
        self._database = database
        self._post = post
        self._journal = journal
        self._schedule = schedule
        self._may_connect = may_connect
        self._closed = threading.Event()

    def close(self) -> None:
        """Record nothing more."""
        self._closed.set()

    def carry(self, delivery: Delivery, sending: Sending) -> Carried:
        """Make the attempts that a sending asks for, and record each."""
        schedule_s = self._schedule.now_s()
        made: list[AttemptRecord] = []
        went_out = False
        rounds: list[list[SendResult]] = []
        for results in self._rounds(delivery, sending):
            rounds.append(results)
            went_out = went_out or any(result.went_out for result in results)
            acks = [self._ack(delivery, result) for result in results]
            outcome = sending.settle(delivery, acks)
            sent = _Round(place=len(made), results=results, acks=acks, outcome=outcome, schedule_s=schedule_s)
            made += self._record(delivery, sending, sent)
            sending = _after(sending, outcome)
        in_flight = len(rounds) > 1 and rounds[0][0].went_out and rounds[0][0].error == "timeout"
        return Carried(records=made, went_out=went_out, in_flight=in_flight)

    def _rounds(self, delivery: Delivery, sending: Sending) -> Iterator[list[SendResult]]:
        """What was sent, in portions that are recorded together."""
        outgoing = self._outgoing(delivery, sending.letter)
        together = [outgoing] * sending.copies
        if sending.manner == "never":
            yield [_never(outgoing)]
        elif sending.manner == "at once":
            yield send_together(together, delivery.timeout_s, may_connect=self._may_connect)
        elif sending.manner == "over one connection":
            yield send_in_row(together, delivery.timeout_s, may_connect=self._may_connect)
        elif sending.manner == "impatiently":
            first = self._send(outgoing, min(sending.patience_s, delivery.timeout_s))
            yield [first]
            if first.error == "timeout":
                yield [self._send(outgoing, delivery.timeout_s)]
        else:
            for _ in together:
                yield [self._send(outgoing, delivery.timeout_s)]

    def _send(self, outgoing: Outgoing, timeout_s: float) -> SendResult:
        return send(outgoing, timeout_s=timeout_s, may_connect=self._may_connect)

    def _outgoing(self, delivery: Delivery, letter: Letter) -> Outgoing:
        request = WireRequest(
            method=self._notices(delivery).method,
            target=target_of(letter.url),
            headers=letter.headers,
            body=letter.body,
        )
        return Outgoing(url=letter.url, request=request, form=letter.form)

    def _record(self, delivery: Delivery, sending: Sending, sent: _Round) -> list[AttemptRecord]:
        """Record what was sent: it cannot be unsent, so a store that refuses is asked again.

        What the queue sent is kept in hand until it is recorded; whoever waits for an answer waits KEEP_S,
        and then the journal alone tells of it.
        """
        deadline_s = time.monotonic() + KEEP_S
        while not self._closed.is_set():
            try:
                return self._record_once(delivery, sending, sent)
            except OperationalError as error:
                if not sending.is_kept and time.monotonic() >= deadline_s:
                    self._tell_unrecorded(delivery, sending, sent, error)
                    raise
            self._closed.wait(KEEP_AGAIN_S)
        raise CourierClosed

    def _tell_unrecorded(
        self, delivery: Delivery, sending: Sending, sent: _Round, error: OperationalError
    ) -> None:
        says = f"sent, but the attempt is not recorded: {trouble_of(error).says}"
        for result, ack in zip(sent.results, sent.acks, strict=True):
            crossing = attempt_crossing(delivery, None, result, ack, sending.fault_id)
            self._journal.append(replace(crossing, error=says))

    def _record_once(self, delivery: Delivery, sending: Sending, sent: _Round) -> list[AttemptRecord]:
        """Number, write and journal the attempts; of a delivery that was forgotten only the journal tells.

        They are numbered in the transaction that writes them: another attempt of the delivery may have been
        recorded since it was read. Its row is ours from the first statement on, so whether the workspace has
        ended is asked behind that.
        """
        opened: list[int] = []
        try:
            with self._database.write() as connection:
                last = self._post.settle(
                    connection,
                    delivery.delivery_id,
                    made=len(sent.results),
                    scheduled=int(sending.counts and sent.place == 0),
                    outcome=sent.outcome,
                    only_from=sending.only_from,
                    was_due=sending.counts,
                )
                if self._closed.is_set():
                    raise CourierClosed
                for _ in sent.results:
                    opened.append(self._journal.open())  # noqa: PERF401 - those before a failure are closed
                first = delivery.attempts_made + sent.place + 1 if last is None else last - len(opened) + 1
                records = _records(sending, sent, opened, first=first)
                if last is not None:
                    self._post.add_attempts(connection, delivery.delivery_id, records)
                    self._post.shelf.attempted(connection, delivery)
        except BaseException:
            for seq in opened:
                self._journal.cancel(seq)
            raise
        told = zip(opened, sent.results, sent.acks, strict=True)
        for number, (seq, result, ack) in enumerate(told, start=first):
            self._journal.fill(seq, attempt_crossing(delivery, number, result, ack, sending.fault_id))
        return records

    def _ack(self, delivery: Delivery, result: SendResult) -> Ack:
        if result.error == CUT:
            return Ack(accepted=False, code=None, reason="the answer was cut off behind its headers")
        if result.reply is None:
            return Ack(accepted=False, code=None, reason=f"no answer: {result.error}")
        rule = AckRule(name=delivery.ack_rule, terminal_codes=delivery.terminal_codes)
        return judge(
            rule,
            self._notices(delivery),
            status=result.reply.status,
            body=result.reply.body,
            elapsed_ms=result.elapsed_ms,
        )

    def _notices(self, delivery: Delivery) -> NoticesPart:
        notices = self._portals[delivery.portal].notices
        assert notices is not None
        return notices


def letter_of(delivery: Delivery) -> Letter:
    """A delivery's own bytes, on their way to its own URL."""
    assert delivery.url is not None
    return Letter(
        url=delivery.url, body=delivery.body, headers=delivery.headers, signature=delivery.signature
    )


def _after(sending: Sending, outcome: Outcome | None) -> Sending:
    """What is left of a sending: its next round may replace what this one wrote, unless that was accepted."""
    if outcome is None or outcome[0] in ("delivered", *sending.only_from):
        return sending
    return replace(sending, only_from=(*sending.only_from, outcome[0]))


def _records(sending: Sending, sent: _Round, opened: Sequence[int], *, first: int) -> list[AttemptRecord]:
    """The attempts of a round, numbered from `first` on.

    opened  their numbers in the journal
    """
    return [
        {
            **attempt_record(first + place, result, ack, seq=seq),
            "schedule_at_s": round(sent.schedule_s, 6),
            "cause": sending.cause if sent.place + place == 0 or sending.fault_id is None else "fault",
            "fault_id": sending.fault_id,
        }
        for place, (result, ack, seq) in enumerate(zip(sent.results, sent.acks, opened, strict=True))
    ]


def _never(outgoing: Outgoing) -> SendResult:
    return SendResult(sent=wire_form(outgoing), reply=None, error=DROPPED, at_s=time.time(), elapsed_ms=0.0)
