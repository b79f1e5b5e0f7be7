"""What a move does to an order, and whether it may be made; pure, knows neither store nor clock.

Which moves are legal is the portal's table (`Portal.life`); what each does to the facts is the same at every
portal. A forced move does the same to whatever order it meets. Money that went back stays back: paying never
takes refundStatus 1 or a chargeback away.
clause   sandbox:order-moves, sandbox:refund-moves
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from coinslot_contracts.domain import Order, OrderState
from coinslot_contracts.orders import OrdersPart

from coinslot_sandbox.errors import CallRefused

REFUNDED: Final = 1
REFUND_STATUSES: Final = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times of an order that are to be other than now, whole seconds; None leaves one as it comes."""

    created_at_s: int | None = None
    paid_at_s: int | None = None
    refunded_at_s: int | None = None

    def set_on(self, order: Order) -> Order:
        """The order with these times."""
        given = {
            name: value
            for name in ("created_at_s", "paid_at_s", "refunded_at_s")
            if (value := getattr(self, name)) is not None
        }
        return replace(order, **given)

    @property
    def any_given(self) -> bool:
        """Whether any time is given."""
        return self != Times()


NO_TIMES: Final = Times()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a portal's record of an order becomes, without a notification; None leaves a member as it is.

    verify                  what a verification says; "" takes it back to what the other facts imply
    arrived_status, times   facts that no move leads to; setting them is always forced
    """

    paid: bool | None = None
    verify: str | None = None
    refund_status: int | None = None
    arrived_status: int | None = None
    times: Times = NO_TIMES
    force: bool = False

    @property
    def speaks_of_verification(self) -> bool:
        """Whether the change is about what a verification says."""
        return self.verify is not None

    @property
    def overrides(self) -> bool:
        """Whether the change sets what no move leads to."""
        return self.arrived_status is not None or self.times.any_given


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a move led to.

    forced  it was illegal, and was made because somebody asked for it
    """

    order: Order
    move: str
    status_from: str
    status_to: str
    forced: bool


class MoveRefused(CallRefused):
    """An order cannot do this."""


def refund_move(status: int) -> str:
    """The name of the move to this refund status."""
    return f"refund:{status}"


def make(
    life: OrdersPart, order: Order, move: str, *, at_s: int, force: bool = False, times: Times = NO_TIMES
) -> Moved:
    """Make a move.

    errors  MoveRefused: order-already-paid, order-not-paid, order-move-illegal, order-move-unknown
    """
    if move not in life.moves:
        raise MoveRefused(
            "order-move-unknown",
            f"orders of this portal never {move}",
            f"take one of {', '.join(life.moves)}; force does not help, there is no status to move to",
        )
    forced = move not in life.legal(order)
    if forced and not force:
        raise _refused(life, order, move)
    changed = times.set_on(EFFECTS[move](order, at_s))
    return moved(life, order, changed, move, forced=forced)


def moved(life: OrdersPart, before: Order, after: Order, move: str, *, forced: bool = False) -> Moved:
    """What happened between two states of one order."""
    return Moved(
        order=after,
        move=move,
        status_from=life.status(before),
        status_to=life.status(after),
        forced=forced,
    )


def offered(life: OrdersPart, order: Order) -> list[str]:
    """The calls below the order's address that are legal now and would change something."""
    return [move for move in life.legal(order) if move != "unpay" and EFFECTS[move](order, 0) != order]


def told(life: OrdersPart, order: Order, kind: str, *, at_s: int) -> list[Moved]:
    """The moves by which a genuine hand-made notification becomes true; none where it is already.

    A refund implies a payment, and a refund that came first stays: a late pay never takes it back.
    """
    wanted = ["pay"] if kind == "pay" else ["pay", refund_move(REFUNDED)]
    moves: list[Moved] = []
    for move in wanted:
        done = order.state == "paid" if move == "pay" else order.refund_status == REFUNDED
        if not done:
            moves.append(make(life, order, move, at_s=at_s, force=True))
            order = moves[-1].order
    return moves


def changes(life: OrdersPart, order: Order, wanted: Change, *, at_s: int) -> list[Moved]:
    """The moves that a silent change is made of; an unpaid order loses its refund with its payment.

    errors  MoveRefused
    clause  sandbox:chargeback-without-callback
    """
    done: list[Moved] = []

    def go(move: str) -> None:
        before = done[-1].order if done else order
        done.append(make(life, before, move, at_s=at_s, force=wanted.force))

    if wanted.paid is True and order.state != "paid":
        go("pay")
    elif wanted.paid is False and order.state not in ("created", "pending"):
        go("unpay")
    now = done[-1].order if done else order
    if wanted.refund_status not in (None, now.refund_status):
        go(refund_move(wanted.refund_status or 0))
    now = done[-1].order if done else order
    set_by_hand = _overridden(now, wanted)
    if set_by_hand != now:
        done.append(moved(life, now, set_by_hand, "set", forced=wanted.overrides))
    return done


def _overridden(order: Order, wanted: Change) -> Order:
    verify = order.verify if wanted.verify is None else wanted.verify or None
    arrived = order.arrived_status if wanted.arrived_status is None else wanted.arrived_status
    return wanted.times.set_on(replace(order, verify=verify, arrived_status=arrived))


def _pay(order: Order, at_s: int) -> Order:
    return order if order.state == "paid" else replace(order, state="paid", paid_at_s=at_s)


def _unpaid(state: OrderState) -> Callable[[Order, int], Order]:
    """Out of payment, and of everything that only a paid order has."""

    def effect(order: Order, at_s: int) -> Order:  # noqa: ARG001 - the form of an effect
        return replace(
            order,
            state=state,
            paid_at_s=None,
            refund_status=None,
            refunded_at_s=None,
            consumed=False,
            charged_back=False,
        )

    return effect


def _refund(status: int) -> Callable[[Order, int], Order]:
    """Another refund status, and payment with it; 1 sets the time of the refund, the first time."""

    def effect(order: Order, at_s: int) -> Order:
        paid = _pay(order, at_s)
        if status == REFUNDED == paid.refund_status:
            return paid
        return replace(paid, refund_status=status, refunded_at_s=at_s if status == REFUNDED else None)

    return effect


EFFECTS: Final[Mapping[str, Callable[[Order, int], Order]]] = {
    "pend": _unpaid("pending"),
    "pay": _pay,
    "unpay": _unpaid("created"),
    "fail": _unpaid("failed"),
    "cancel": _unpaid("canceled"),
    "expire": _unpaid("expired"),
    "deliver": lambda order, _at_s: replace(order, arrived_status=1),
    "consume": lambda order, _at_s: replace(order, consumed=True),
    "chargeback": lambda order, at_s: replace(_pay(order, at_s), charged_back=True),
    **{refund_move(status): _refund(status) for status in REFUND_STATUSES},
}
"""Move -> (order, now) -> the order afterwards."""


def _refused(life: OrdersPart, order: Order, move: str) -> MoveRefused:
    name, status = order.order_id, life.status(order)
    legal = ", ".join(life.legal(order)) or "none"
    remedy = f"legal now: {legal}; or say force: true"
    if move == "pay" and order.state == "paid":
        return MoveRefused("order-already-paid", f"order {name} is paid already, it is {status}", remedy)
    if move.startswith("refund:") and order.state != "paid":
        return MoveRefused(
            "order-not-paid", f"order {name} is {status}; only a paid one can be refunded", remedy
        )
    return MoveRefused("order-move-illegal", f"order {name} is {status} and cannot {move}", remedy)
