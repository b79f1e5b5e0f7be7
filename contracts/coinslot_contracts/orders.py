"""The life of an order as data: which statuses a portal knows, and which of them may follow which.

A portal's folder holds its own table; what a move does to an order's facts is the same everywhere and is the
sandbox's matter. The names of moves are those of the control API's calls; a refund is named with its status.
clause   sandbox:order-moves, sandbox:refund-moves
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from coinslot_contracts.domain import Order

MOVES: Final[Mapping[str, str]] = {
    "pend": "the player has opened the payment and has not finished it",
    "pay": "the payment went through",
    "unpay": "the payment is taken back without anybody being told",
    "fail": "the payment failed",
    "cancel": "the player canceled the payment",
    "expire": "the payment was not finished in time",
    "deliver": "somebody reports the goods as delivered",
    "consume": "the game has used the purchase up",
    "refund:0": "a refund is under way",
    "refund:1": "the money went back",
    "refund:2": "a refund failed",
    "refund:3": "a refund was rejected",
    "chargeback": "the player's bank took the payment back",
}
"""Everything that can happen to an order, at one portal or another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatus:
    """One status of a portal, and the facts by which an order has it; None means any.

    says             one sentence
    refund_statuses  the values of refund_status that it goes with
    """

    name: str
    says: str
    state: str | None = None
    refund_statuses: tuple[int | None, ...] | None = None
    is_arrived: bool | None = None
    is_consumed: bool | None = None
    is_charged_back: bool | None = None

    def fits(self, order: Order) -> bool:
        """Whether the order's facts are those of this status."""
        pairs = (
            (self.state, order.state),
            (self.is_arrived, order.arrived_status == 1),
            (self.is_consumed, order.consumed),
            (self.is_charged_back, order.charged_back),
        )
        if any(wanted is not None and wanted != found for wanted, found in pairs):
            return False
        return self.refund_statuses is None or order.refund_status in self.refund_statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersPart:
    """The life of a portal's orders.

    statuses  those that the portal knows; an order has the first one that fits
    moves     name in MOVES -> the statuses in which it is legal -> the status that it leads to
    clause    what stands behind the table
    """

    statuses: tuple[OrderStatus, ...]
    moves: Mapping[str, Mapping[str, str]]
    clause: str

    def status(self, order: Order) -> str:
        """The portal's own name for where the order is."""
        return next(status.name for status in self.statuses if status.fits(order))

    def legal(self, order: Order) -> tuple[str, ...]:
        """The moves that are legal now, in the table's order."""
        status = self.status(order)
        return tuple(move for move, steps in self.moves.items() if status in steps)


PLAIN_ORDERS: Final = OrdersPart(
    statuses=(
        OrderStatus(name="refunding", says="a refund is under way", state="paid", refund_statuses=(0,)),
        OrderStatus(name="refunded", says="the money went back", state="paid", refund_statuses=(1,)),
        OrderStatus(name="refund-fail", says="a refund failed", state="paid", refund_statuses=(2,)),
        OrderStatus(name="rejected", says="a refund was rejected", state="paid", refund_statuses=(3,)),
        OrderStatus(name="paid", says="it is paid", state="paid"),
        OrderStatus(name="failed", says="the payment failed", state="failed"),
        OrderStatus(name="canceled", says="the player canceled it", state="canceled"),
        OrderStatus(name="expired", says="it was not paid in time", state="expired"),
        OrderStatus(name="created", says="it is not paid yet"),
    ),
    moves={
        "pay": {"created": "paid"},
        "unpay": {
            "paid": "created",
            "refunding": "created",
            "refund-fail": "created",
            "rejected": "created",
        },
        "fail": {"created": "failed"},
        "cancel": {"created": "canceled"},
        "expire": {"created": "expired"},
        "deliver": {
            "paid": "paid",
            "refunding": "refunding",
            "refunded": "refunded",
            "refund-fail": "refund-fail",
            "rejected": "rejected",
        },
        "refund:0": {"paid": "refunding", "refund-fail": "refunding", "rejected": "refunding"},
        "refund:1": {
            "paid": "refunded",
            "refunding": "refunded",
            "refund-fail": "refunded",
            "rejected": "refunded",
        },
        "refund:2": {"paid": "refund-fail", "refunding": "refund-fail"},
        "refund:3": {"paid": "rejected", "refunding": "rejected"},
    },
    clause="sandbox:order-moves",
)
"""The life of an order at a portal whose folder says nothing of it."""
