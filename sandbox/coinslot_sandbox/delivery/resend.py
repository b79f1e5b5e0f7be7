"""Resending: the bytes and the signature of a delivery once more, now, and the answer to it.

What was accepted makes a delivery delivered, whatever it was before; a failure leaves its schedule alone.
"""

from coinslot_sandbox.delivery.attempts import Courier, OrderLocks
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import Delivery, DeliveryState


class NoUrl(Exception):
    """The delivery was recorded while the game had no callback URL, so there is nowhere to send it."""


class Resender:
    """Resends deliveries of one workspace, in turn with the queue's own attempts of the same order."""

    def __init__(self, *, database: Database, post: Post, courier: Courier, locks: OrderLocks) -> None:
        self._database = database
        self._post = post
        self._courier = courier
        self._locks = locks

    def resend(self, delivery_id: str) -> Delivery | None:
        """Send it again and wait for the answer; None where there is no such delivery.

        errors  NoUrl
        """
        known = self._find(delivery_id)
        if known is None:
            return None
        if known.url is None:
            raise NoUrl
        with self._locks.holding(known.order_id):
            fresh = self._find(delivery_id)
            if fresh is None:
                return None
            self._courier.attempt(
                fresh,
                cause="resend",
                settle=_settle,
                only_from=("pending", "failed", "lost", "cancelled", "delivered"),
            )
        return self._find(delivery_id)

    def _find(self, delivery_id: str) -> Delivery | None:
        with self._database.read() as connection:
            return self._post.find(connection, delivery_id)


def _settle(delivery: Delivery, accepted: bool) -> tuple[DeliveryState, float | None]:
    return ("delivered", None) if accepted else (delivery.state, delivery.next_at_s)
