"""What a backend has done from a timer: confirmations sent, the portal's list settled.

Each run is bounded in time, so that a call always gets its answer; what is left is done in the next run. It
knows the ledger and the client, and nothing of HTTP.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from coinslot_contracts.domain import ListedOrder
from coinslot_contracts.errors import CoinslotError, ConfirmUnavailable

from coinslot_verifier.backoff import Backoff
from coinslot_verifier.confirm import PortalClient

if TYPE_CHECKING:
    from coinslot_verifier.ledger import Ledger, Settlement

RUN_S_MAX: Final = 20.0
FIRST_WAIT_S: Final = 0.5
WAIT_S_MAX: Final = 300.0
REFUNDED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """An order that the portal did not acknowledge, and why; the next run after its wait asks again."""

    order_id: str
    code: str


@dataclass(slots=True, kw_only=True)
class OutboxRun:
    """What a run did."""

    confirmed: list[str] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)


def run_outbox(ledger: "Ledger", client: PortalClient, *, limit: int) -> OutboxRun:
    """Report the granted orders that are due, the longest waiting first, for at most RUN_S_MAX seconds.

    Whatever process is asked, each order is claimed by one of them.
    """
    from coinslot_verifier import outbox

    done = OutboxRun()

    def told(order_id: str, error: CoinslotError | None) -> None:
        if error is None:
            done.confirmed.append(order_id)
        else:
            done.postponed.append(Postponed(order_id=order_id, code=error.code))

    outbox.run_outbox(
        ledger,
        client,
        limit=limit,
        time_limit_s=RUN_S_MAX,
        backoff=Backoff(first_s=FIRST_WAIT_S, cap_s=WAIT_S_MAX),
        on_answer=told,
    )
    return done


@dataclass(slots=True, kw_only=True)
class Reconciled:
    """What a run of the list did.

    orders    how many the portal listed
    skipped   unpaid-for products: orders that are of none that the game sells
    """

    orders: int = 0
    changes: "list[Settlement]" = field(default_factory=list)
    skipped: list[ListedOrder] = field(default_factory=list)


def reconcile(
    ledger: "Ledger", client: PortalClient, *, products: frozenset[str] | None, at_s: float
) -> Reconciled:
    """Settle every order that the portal lists; of an unknown product only a refund is settled.

    products   what the game sells; None = whatever is listed
    errors     as `PortalClient.list_orders`; what was settled before stays settled
    """
    done = Reconciled()

    def sold() -> Iterator[ListedOrder]:
        for order in bounded_orders(client):
            done.orders += 1
            if products is None or order.product_id in products or order.refund_status == REFUNDED:
                yield order
            else:
                done.skipped.append(order)

    done.changes += ledger.reconcile(sold(), listed_at_s=at_s)
    return done


def bounded_orders(
    client: PortalClient, *, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[ListedOrder]:
    """As `PortalClient.list_orders`, for at most RUN_S_MAX seconds; then ConfirmUnavailable."""
    ends_s = monotonic() + RUN_S_MAX
    for order in client.list_orders():
        yield order
        if monotonic() >= ends_s:
            raise ConfirmUnavailable(f"the portal's list took longer than {RUN_S_MAX:g} s")
