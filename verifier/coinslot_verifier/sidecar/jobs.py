"""What a backend has done from a timer: confirmations sent, the portal's list settled.

Each run is bounded in time, so that a call always gets its answer; the answer says whether something is left,
and where the next run goes on with it. It knows the ledger and the client, and nothing of HTTP.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from coinslot_contracts.domain import ListedOrder
from coinslot_contracts.errors import CoinslotError

from coinslot_verifier.backoff import Backoff
from coinslot_verifier.confirm import PortalClient
from coinslot_verifier.paging import ListPlace

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
    """Report the granted orders that are due, the least often tried first, for at most RUN_S_MAX seconds.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a run of the list did; all that it changed, however it ended.

    orders       how many the portal listed
    skipped      paid orders of products that the game does not sell, nothing granted for them
    next_order   how many rows the next run may pass over, None where the list came to its end
    error        what ended it; None where it came to its end, and where its time was up
    """

    orders: int
    changes: "tuple[Settlement, ...]"
    skipped: tuple[ListedOrder, ...]
    next_order: int | None
    error: CoinslotError | None


def reconcile(
    ledger: "Ledger",
    client: PortalClient,
    *,
    products: frozenset[str] | None,
    from_order: int = 0,
    monotonic: Callable[[], float] = time.monotonic,
) -> Reconciled:
    """Settle the orders that the portal lists; of an unknown product only a refund is settled.

    No page is asked for after RUN_S_MAX seconds, but for the first one, and a page that was read is settled
    whole: so each run gets further, and ends.
    products     what the game sells; None = whatever is listed
    from_order   so many rows are passed over, as `next_order` of the run before says
    errors       as `PortalClient.list_orders` and LedgerUnavailable, where nothing was done
    """
    from coinslot_verifier.reconcile import run_reconcile

    sold = _Sold(client, products, from_order=from_order, is_over=_bound(monotonic))
    run = run_reconcile(ledger, sold)
    is_done = bool(run.changes) or sold.place.rows != from_order
    if run.error is not None and not is_done:
        raise run.error
    return Reconciled(
        orders=sold.orders,
        changes=run.changes,
        skipped=tuple(sold.skipped),
        next_order=None if sold.place.is_end and run.error is None else sold.place.rows,
        error=run.error,
    )


class _Sold:
    """The orders that are to be settled, a `reconcile.OrderLister`; what it leaves out is kept."""

    def __init__(
        self,
        client: PortalClient,
        products: frozenset[str] | None,
        *,
        from_order: int,
        is_over: Callable[[], bool],
    ) -> None:
        self._client = client
        self._products = products
        self._is_over = is_over
        self.place = ListPlace(rows=from_order)
        self.orders = 0
        self.skipped: list[ListedOrder] = []

    def list_orders(self) -> Iterator[ListedOrder]:
        for order in self._client.list_orders(place=self.place, is_over=self._is_over):
            self.orders += 1
            is_sold = self._products is None or order.product_id in self._products
            if is_sold or order.refund_status == REFUNDED:
                yield order
            else:
                self.skipped.append(order)


def _bound(monotonic: Callable[[], float]) -> Callable[[], bool]:
    ends_s = monotonic() + RUN_S_MAX
    return lambda: monotonic() >= ends_s


def listed_orders(
    client: PortalClient, *, limit: int, monotonic: Callable[[], float] = time.monotonic
) -> tuple[list[ListedOrder], bool]:
    """The first `limit` orders of the list, and whether there are no others.

    No page but the first is asked for after RUN_S_MAX seconds; what was read until then is what there is.
    errors   as `PortalClient.list_orders`
    """
    place = ListPlace()
    orders = client.list_orders(place=place, is_over=_bound(monotonic))
    listed = list(islice(orders, limit))
    return listed, next(orders, None) is None and place.is_end
