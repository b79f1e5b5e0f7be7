"""What may be asked of the order book, and what came of it; values only, nothing is decided here."""

from dataclasses import dataclass

from coinslot_contracts.domain import NotificationKind

from coinslot_sandbox import orders
from coinslot_sandbox.orders import Moved
from coinslot_sandbox.store.records import Delivery, OrderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWish:
    """What an order is to be made with; ids that are None are drawn.

    callback       normal, lost or manual; None is normal for the payment and silent for a refund
    refund_status  of an order that is made refunded
    verify         what a verification says, where it differs from what the state implies
    times          times that are to be other than now
    force          makes illegal moves possible: a refund of an order that is not paid
    """

    portal: str
    environment: str
    user_id: str
    product_id: str
    game_id: str | None = None
    order_id: str | None = None
    external_id: str | None = None
    paid: bool = False
    callback: str | None = None
    arrived_status: int = 0
    refund_status: int | None = None
    verify: str | None = None
    times: orders.Times = orders.NO_TIMES
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWish:
    """A move that is to be made.

    move      name in `coinslot_contracts.orders.MOVES`
    callback  normal, lost or manual; None tells as the portal does by itself
    force     make it even where it is illegal, and mark that it was
    """

    move: str
    callback: str | None = None
    force: bool = False
    times: orders.Times = orders.NO_TIMES

    @property
    def kind(self) -> NotificationKind | None:
        """The kind of notification that tells of it, None where there is none."""
        if self.move == "pay":
            return "pay"
        return "refund" if self.move.startswith("refund:") else None

    @property
    def refund_status(self) -> int | None:
        """The status that a refund leads to, None for any other move."""
        return int(self.move.removeprefix("refund:")) if self.move.startswith("refund:") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step led to; `forced` names the illegal moves in it."""

    order: OrderRecord
    delivery: Delivery | None
    forced: tuple[Moved, ...] = ()
