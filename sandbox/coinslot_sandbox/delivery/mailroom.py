"""Scheduled attempts, as good ones or as a fault at `delivery` has them: other bytes, another pace, later.

One fault acts on an attempt. What it cannot do to this delivery (a refund's fault on a payment, no other game
to send to) it has missed, and the attempt is made as it should be; it has fired when its bytes have gone out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from coinslot_sandbox.clock import ScheduleClock
from coinslot_sandbox.delivery.attempts import Courier, Manner, Sending, Settle, letter_of
from coinslot_sandbox.delivery.letters import CannotSpoil, Letter, Wrongs, spoil
from coinslot_sandbox.delivery.material import Material
from coinslot_sandbox.faults import Fault, FaultBook, Taken
from coinslot_sandbox.ids import Ids
from coinslot_sandbox.order_book import Draft, draft_delivery
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery

PLACE: Final = "delivery"
ADDED: Final = "added"
"""What a delivery that a fault added is said to wait for, so that no fault acts on it in turn."""
LATER: Final = ("delay", "reorder", "refund_before_pay")
LIST_MAX: Final = 10_000


def manner_of(wrongs: Wrongs) -> tuple[Manner, int, float]:
    """How often and in which way a sending goes out: manner, copies, patience in seconds."""
    if "burst" in wrongs:
        return "at once", wrongs["burst"]["copies"], 0.0
    if "keep_alive" in wrongs:
        return "over one connection", wrongs["keep_alive"]["copies"], 0.0
    if "timeout_then_retry" in wrongs:
        return "impatiently", 1, wrongs["timeout_then_retry"]["for_s"]
    return "singly", 1, 0.0


class Mailroom:
    """Makes the attempts that the schedule of one workspace asks for."""

    def __init__(
        self,
        *,
        database: Database,
        post: Post,
        courier: Courier,
        material: Material,
        faults: FaultBook,
        ids: Ids,
        schedule: ScheduleClock,
    ) -> None:
        self._database = database
        self._post = post
        self._courier = courier
        self._material = material
        self._faults = faults
        self._ids = ids
        self._schedule = schedule
        self._acts: Mapping[str, Callable[[Delivery, Taken, Sending], list[AttemptRecord] | None]] = {
            "drop": self._drop,
            "duplicate": self._duplicate,
            "refund_twice": self._refund_twice,
            "pay_after_refund": self._pay_after_refund,
        }

    def attempt(
        self, delivery: Delivery, *, cause: str, settle: Settle, is_kept: bool
    ) -> list[AttemptRecord]:
        """Make what is due of a delivery; nothing where a fault puts it off.

        is_kept  whether nobody waits for it, so that the store may take its time
        """
        plain = Sending(
            letter=letter_of(delivery),
            cause=delivery.cause if delivery.cause != "schedule" else cause,
            settle=settle,
            only_from=("pending",),
            counts=True,
            is_kept=is_kept,
        )
        taken = None
        if delivery.waits_for is None:
            taken = self._faults.take(endpoint=PLACE, order_id=delivery.order_id)
        if taken is None:
            return self._courier.carry(delivery, plain).records
        try:
            records = self._act(delivery, taken, replace(plain, fault_id=taken.fault.fault_id))
        except BaseException:
            self._faults.missed(taken)  # a failure of our own uses up none of its times
            raise
        if records is None:
            self._faults.missed(taken)
            return self._courier.carry(delivery, plain).records
        return records

    def _act(self, delivery: Delivery, taken: Taken, sending: Sending) -> list[AttemptRecord] | None:
        """What the fault makes of a sending; None where it cannot act on this one."""
        if taken.fault.kind in LATER:
            return self._later(delivery, taken)
        return self._acts.get(taken.fault.kind, self._spoil)(delivery, taken, sending)

    def _spoil(self, delivery: Delivery, taken: Taken, sending: Sending) -> list[AttemptRecord] | None:
        """Send other bytes, or send them in another way."""
        wrongs = {taken.fault.kind: taken.fault.params}
        with self._database.read() as connection:
            sources = self._material.of_delivery(connection, delivery)
        if sources is None:
            return None
        try:
            letter = spoil(sending.letter, wrongs, sources)
        except CannotSpoil:
            return None
        manner, copies, patience_s = manner_of(wrongs)
        spoilt = replace(sending, letter=letter, manner=manner, copies=copies, patience_s=patience_s)
        carried = self._courier.carry(delivery, spoilt)
        self._count(taken, fired=carried.in_flight if manner == "impatiently" else carried.went_out)
        return carried.records

    def _later(self, delivery: Delivery, taken: Taken) -> list[AttemptRecord] | None:
        """Put it off, and let it wait for time alone or for something that may come before."""
        kind, params = taken.fault.kind, taken.fault.params
        if kind == "refund_before_pay":
            waits_for = "kind" if delivery.kind == "pay" else None
        elif kind == "reorder":
            waits_for = params["after"]
        else:
            waits_for = params["until"] or "time"
        if waits_for is None or (waits_for == "arrived" and self._has_arrived(delivery)):
            return None
        return self._put_off(delivery, taken, waits_for=waits_for, for_s=params["for_s"])

    def _put_off(
        self, delivery: Delivery, taken: Taken, *, waits_for: str, for_s: float
    ) -> list[AttemptRecord]:
        with self._database.write() as connection:
            self._post.shelf.put_off(
                connection,
                delivery.delivery_id,
                until_s=self._schedule.now_s() + for_s,
                waits_for=waits_for,
                fault_id=taken.fault.fault_id,
            )
        self._faults.fired(taken)
        return []

    def _drop(self, delivery: Delivery, taken: Taken, sending: Sending) -> list[AttemptRecord] | None:
        """Send nothing; whoever looks at the delivery sees that an attempt was due and why none came."""
        first = taken.fault.params["first"]
        if first is not None and delivery.scheduled_made >= first:
            return None
        carried = self._courier.carry(delivery, replace(sending, manner="never"))
        self._faults.fired(taken)
        return carried.records

    def _duplicate(self, delivery: Delivery, taken: Taken, sending: Sending) -> list[AttemptRecord] | None:
        params = taken.fault.params
        rebuild = params["mode"] == "rebuild"
        return self._again(
            delivery, taken, sending, copies=params["copies"], gap_s=params["gap_s"], rebuild=rebuild
        )

    def _refund_twice(self, delivery: Delivery, taken: Taken, sending: Sending) -> list[AttemptRecord] | None:
        if delivery.kind != "refund":
            return None
        return self._again(delivery, taken, sending, copies=2, gap_s=taken.fault.params["gap_s"])

    def _pay_after_refund(
        self, delivery: Delivery, taken: Taken, sending: Sending
    ) -> list[AttemptRecord] | None:
        """The order's newest payment notification once more, behind this refund."""
        if delivery.kind != "refund":
            return None
        with self._database.read() as connection:
            known = self._post.list_deliveries(connection, order_id=delivery.order_id, limit=LIST_MAX)
        payments = [one for one in known if one.kind == "pay" and one.mode == "scheduled"]
        if not payments:
            return None
        source = payments[-1]
        return self._again(
            delivery, taken, sending, copies=2, gap_s=taken.fault.params["gap_s"], source=source
        )

    def _again(
        self,
        delivery: Delivery,
        taken: Taken,
        sending: Sending,
        *,
        copies: int,
        gap_s: float,
        rebuild: bool = False,
        source: Delivery | None = None,
    ) -> list[AttemptRecord]:
        """Attempt it as it should be, and add deliveries that repeat it, or another one, afterwards.

        The copies are in the store before the first attempt leaves, so that a crash loses none.
        """
        drafts = [draft_delivery(self._ids) for _ in range(copies - 1)]
        with self._database.write() as connection:
            letter = self._letter(connection, source or delivery, rebuild=rebuild)
            for number, draft in enumerate(drafts, start=1):
                added = self._added(
                    connection, source or delivery, letter, taken.fault, draft, gap_s * number
                )
                self._post.add(connection, added)
        carried = self._courier.carry(delivery, sending)
        if not carried.went_out:
            with self._database.write() as connection:
                for draft in drafts:
                    self._post.shelf.cancel(connection, draft.delivery_id)
        self._count(taken, fired=carried.went_out)
        return carried.records

    def _letter(self, connection: Connection, delivery: Delivery, *, rebuild: bool) -> Letter:
        sources = self._material.of_delivery(connection, delivery) if rebuild else None
        if sources is None:
            return letter_of(delivery)
        return self._material.rebuilt(connection, delivery, sources, now_s=int(self._schedule.now_s()))

    def _added(
        self,
        connection: Connection,
        delivery: Delivery,
        letter: Letter,
        fault: Fault,
        draft: Draft,
        after_s: float,
    ) -> Delivery:
        now_s = self._schedule.now_s()
        return replace(
            delivery,
            delivery_id=draft.delivery_id,
            number=draft.number,
            url=letter.url,
            state="pending",
            body=letter.body,
            headers=letter.headers,
            signature=letter.signature,
            retry_s=(),
            attempts_made=0,
            scheduled_made=0,
            next_at_s=now_s + after_s,
            created_at_s=now_s,
            held=self._post.shelf.is_held(connection, delivery.order_id),
            cause="fault",
            waits_for=ADDED,
            fault_id=fault.fault_id,
        )

    def _has_arrived(self, delivery: Delivery) -> bool:
        with self._database.read() as connection:
            sources = self._material.of_delivery(connection, delivery)
        return sources is not None and sources.notification.arrived_status == 1

    def _count(self, taken: Taken, *, fired: bool) -> None:
        if fired:
            self._faults.fired(taken)
        else:
            self._faults.missed(taken)
