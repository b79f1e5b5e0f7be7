"""The life of an order as a table of legal moves; pure, knows neither store nor clock.

created -> paid or failed. A paid order's refund status moves as REFUND_MOVES says; 1 (refunded) is final.
clause   sandbox:refund-moves; the four statuses are the portal's, which of them may follow which is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from coinslot_contracts.domain import Order

REFUNDED: Final = 1
REFUND_STATUSES: Final = (0, 1, 2, 3)
REFUND_MOVES: Final[Mapping[int | None, tuple[int, ...]]] = {
    None: (0, 1, 2, 3),
    0: (1, 2, 3),
    1: (),
    2: (0, 1),
    3: (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a portal's record of an order becomes, without a notification; None leaves a member as it is.

    verify                  what a verification says; "" takes it back to what the state implies
    """

    paid: bool | None = None
    verify: str | None = None
    refund_status: int | None = None

    @property
    def speaks_of_verification(self) -> bool:
        """Whether the change is about what a verification says."""
        return self.verify is not None


class MoveRefused(Exception):
    """An order cannot do this; `code` is the control API's.

    remedy  what to do instead
    """

    def __init__(self, code: str, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.remedy = remedy


def pay(order: Order, *, at_s: int) -> Order:
    """The order, paid; only a created one can be.

    errors  MoveRefused: order-already-paid, order-move-illegal
    """
    if order.state == "paid":
        raise MoveRefused(
            "order-already-paid",
            f"order {order.order_id} is paid already",
            "resend its delivery, or make a new order",
        )
    if order.state == "failed":
        raise MoveRefused(
            "order-move-illegal", f"order {order.order_id} has failed and cannot be paid", "make a new order"
        )
    return replace(order, state="paid", paid_at_s=at_s)


def fail(order: Order) -> Order:
    """The order, failed; only a created one can be.

    errors  MoveRefused: order-move-illegal
    """
    if order.state != "created":
        raise MoveRefused(
            "order-move-illegal",
            f"order {order.order_id} is {order.state}; only a created one can fail",
            "make a new order",
        )
    return replace(order, state="failed")


def refund(order: Order, *, status: int, at_s: int) -> Order:
    """The order with another refund status; 1 sets the time of the refund.

    errors  MoveRefused: order-not-paid, order-move-illegal
    """
    if order.state != "paid":
        raise MoveRefused(
            "order-not-paid",
            f"order {order.order_id} is {order.state}; only a paid one can be refunded",
            "pay it first",
        )
    allowed = REFUND_MOVES[order.refund_status]
    if status not in allowed:
        raise MoveRefused(
            "order-move-illegal",
            f"refundStatus of order {order.order_id} is {order.refund_status} and cannot become {status}",
            f"take one of {', '.join(map(str, allowed))}"
            if allowed
            else "make a new order: a refund is final",
        )
    refunded_at_s = at_s if status == REFUNDED else order.refunded_at_s
    return replace(order, refund_status=status, refunded_at_s=refunded_at_s)


def as_told_paid(order: Order, *, at_s: int) -> Order:
    """What becomes of an order of which a genuine hand-made pay notification goes out: it is paid.

    A refund that came first stays: a late pay never takes refundStatus 1 back.
    """
    return order if order.state == "paid" else replace(order, state="paid", paid_at_s=at_s)


def as_told_refunded(order: Order, *, at_s: int) -> Order:
    """What becomes of an order of which a genuine hand-made refund notification goes out.

    It is refunded, and therefore paid, since nothing else can be refunded.
    """
    paid = as_told_paid(order, at_s=at_s)
    if paid.refund_status == REFUNDED:
        return paid
    return replace(paid, refund_status=REFUNDED, refunded_at_s=at_s)


def change(order: Order, wanted: Change, *, at_s: int) -> Order:
    """The order as a portal's record of it has become; an unpaid one loses its refund with its payment.

    errors  MoveRefused: order-not-paid, order-move-illegal
    clause  sandbox:chargeback-without-callback
    """
    changed = order
    if wanted.paid is True:
        changed = as_told_paid(changed, at_s=at_s)
    elif wanted.paid is False:
        changed = replace(changed, state="created", paid_at_s=None, refund_status=None, refunded_at_s=None)
    if wanted.refund_status not in (None, changed.refund_status):
        assert wanted.refund_status is not None
        changed = refund(changed, status=wanted.refund_status, at_s=at_s)
    if wanted.verify is not None:
        changed = replace(changed, verify=wanted.verify or None)
    return changed
