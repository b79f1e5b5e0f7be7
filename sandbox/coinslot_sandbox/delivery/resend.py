"""Resending: a delivery once more, now: its own bytes or those it would have today, good or misdelivered.

What was accepted makes a delivery delivered, whatever it was before; a failure leaves its state and its
schedule alone, and what was done to them while the resend was on the wire.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from coinslot_contracts.portal import Ack

from coinslot_sandbox.clock import ScheduleClock
from coinslot_sandbox.delivery.attempts import Courier, OrderLocks, Sending, letter_of
from coinslot_sandbox.delivery.letters import Letter, Wrongs, spoil
from coinslot_sandbox.delivery.mailroom import manner_of
from coinslot_sandbox.delivery.material import Material
from coinslot_sandbox.order_book import Unknown
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState, Outcome

ANY_STATE: Final[tuple[DeliveryState, ...]] = ("pending", "failed", "lost", "cancelled", "delivered")


class NoUrl(Exception):
    """There is nowhere to send it: the delivery was recorded while the game had no callback URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendWish:
    """How a delivery is sent again.

    mode    exact: the same bytes and the same signature; rebuild: made anew from the order as it is
    wrongs  what is wrong with it
    copies  so many attempts, with their last bytes at one moment where `at_once`
    """

    mode: Literal["exact", "rebuild"] = "exact"
    wrongs: Wrongs = field(default_factory=dict)
    copies: int = 1
    at_once: bool = False


class Resender:
    """Resends deliveries of one workspace, in turn with the queue's own attempts of the same order."""

    def __init__(
        self,
        *,
        database: Database,
        post: Post,
        courier: Courier,
        material: Material,
        locks: OrderLocks,
        schedule: ScheduleClock,
    ) -> None:
        self._database = database
        self._post = post
        self._courier = courier
        self._material = material
        self._locks = locks
        self._schedule = schedule

    def resend(self, delivery_id: str, wish: ResendWish) -> list[AttemptRecord] | None:
        """Send it again and wait for the answers; None where there is no such delivery.

        errors  NoUrl, Unknown, letters.CannotSpoil
        """
        known = self._find(delivery_id)
        if known is None:
            return None
        with self._locks.holding(known.order_id):
            fresh = self._find(delivery_id)
            return None if fresh is None else self._send(fresh, wish)

    def _send(self, delivery: Delivery, wish: ResendWish) -> list[AttemptRecord]:
        manner, copies, patience_s = manner_of(wish.wrongs)
        if manner == "singly":
            manner, copies = "at once" if wish.at_once else "singly", wish.copies
        sending = Sending(
            letter=self._letter(delivery, wish),
            cause="resend",
            settle=_settle,
            only_from=ANY_STATE,
            manner=manner,
            copies=copies,
            patience_s=patience_s,
        )
        return self._courier.carry(delivery, sending).records

    def _letter(self, delivery: Delivery, wish: ResendWish) -> Letter:
        if wish.mode == "exact" and delivery.url is None:
            raise NoUrl
        if wish.mode == "exact" and not wish.wrongs:
            return letter_of(delivery)
        with self._database.read() as connection:
            sources = self._material.of_delivery(connection, delivery)
            if sources is None:
                raise Unknown("order", delivery.order_id)
            now_s = int(self._schedule.now_s())
            rebuilt = self._material.rebuilt(connection, delivery, sources, now_s=now_s)
        if not rebuilt.url:
            raise NoUrl
        return spoil(rebuilt if wish.mode == "rebuild" else letter_of(delivery), wish.wrongs, sources)

    def _find(self, delivery_id: str) -> Delivery | None:
        with self._database.read() as connection:
            return self._post.find(connection, delivery_id)


def _settle(delivery: Delivery, acks: Sequence[Ack]) -> Outcome | None:  # noqa: ARG001
    return ("delivered", None) if any(ack.accepted for ack in acks) else None
