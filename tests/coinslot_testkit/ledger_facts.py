"""A payment, its refund and the listed order of both, for tests of the ledger, with a clock to turn."""

from dataclasses import replace

from coinslot_contracts.domain import ListedOrder, Notification
from coinslot_verifier import Ledger

PAY = Notification(
    kind="pay",
    game_id="1220",
    order_id="o1",
    user_id="278",
    product_id="1002",
    arrived_status=0,
    created_at_s=1_755_657_098,
    paid_at_s=1_755_657_115,
)
REFUND = replace(PAY, kind="refund", refund_status=1, refunded_at_s=1_755_660_000)
LISTED = ListedOrder(
    order_id="o1", user_id="278", product_id="1002", arrived_status=0, paid_at_s=1_755_657_115
)
LISTED_REFUND = replace(LISTED, refund_status=1, refunded_at_s=1_755_660_000)


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.5

    def __call__(self) -> float:
        return self.now_s


def waiting(ledger: Ledger) -> list[str]:
    """The orders that are due to be confirmed."""
    return [pending.order_id for pending in ledger.pending_confirmations()]
