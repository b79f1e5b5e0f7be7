"""The two jobs that make up for what nobody told us: lost notifications, and refunds without any.

Plain functions for a timer, a cron job or a thread; several at once are harmless, and a run that dies is made
up for by the next one, because each order is settled in a transaction of its own. It must not know HTTP.
clauses   sandbox:at-least-once, sandbox:orders-newest-first, sandbox:chargeback-without-callback
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from coinslot_contracts.domain import ListedOrder
from coinslot_contracts.errors import CoinslotError, LedgerUnavailable

from coinslot_verifier.ledger import Ledger, Settlement
from coinslot_verifier.recheck import DAY_S, Confirmer, OnChange, reverify


class OrderLister(Protocol):
    """Who lists the portal's paid orders; `PortalClient` is the real one."""

    def list_orders(self) -> Iterable[ListedOrder]:
        """Every paid order, each once; raises a Refused or an Undecided, perhaps after the first ones."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRun:
    """What one run found and did; all that it changed is told, however it ended.

    listed        how many orders the portal listed
    changes       the settlements that gave or took something, `flagged` ones included
    held          order id and error code of those whose item could not be moved: undone, and tried again by
                  the next run
    error         what ended it before the list came to its end, the portal's doing or the ledger's
    """

    listed: int
    changes: tuple[Settlement, ...]
    held: tuple[tuple[str, str], ...]
    error: CoinslotError | None

    @property
    def is_complete(self) -> bool:
        """Whether the list came to its end."""
        return self.error is None

    @property
    def code(self) -> str | None:
        """The error code that ended it, None where it is complete."""
        return None if self.error is None else self.error.code


def run_reconcile(ledger: Ledger, client: OrderLister, *, on_change: OnChange | None = None) -> ReconcileRun:
    """Bring the ledger in line with the portal's list of paid orders.

    Paid and not granted: granted. Refunded and granted: revoked. Granted and not held for delivered, although
    confirmed before: confirmed again by the outbox. Nothing follows from an order that is not listed. What
    ends the list, or a database that is away, ends the run and is its `error`, none is raised for it.
    on_change   gives or takes the item inside the transaction of each change; a CoinslotError from it undoes
                that change alone and holds it for the next run, a LedgerUnavailable ends the run
    errors      whatever else on_change raises, after undoing its change; what was changed before stays
    """
    listed_at_s = ledger.now_s()
    listed, ended = 0, None
    changes: list[Settlement] = []
    held: list[tuple[str, str]] = []
    try:
        for order in client.list_orders():
            listed += 1
            try:
                settlement = ledger.settle_and_move(order, listed_at_s=listed_at_s, on_change=on_change)
            except LedgerUnavailable:
                raise
            except CoinslotError as error:
                held.append((order.order_id, error.code))
                continue
            if settlement.is_change:
                changes.append(settlement)
    except CoinslotError as error:
        ended = error
    return ReconcileRun(listed=listed, changes=tuple(changes), held=tuple(held), error=ended)


def run_recheck(
    ledger: Ledger,
    verifier: Confirmer,
    *,
    every_s: float = DAY_S,
    limit: int = 100,
    time_limit_s: float = float("inf"),
    on_change: OnChange | None = None,
) -> list[Settlement]:
    """Ask the portal again about granted purchases, and take back what it does not confirm any more.

    `reverify` at the ledger's own time; safe with several processes.
    limit      how many are asked about in one run
    time_limit_s   no question is begun after so many seconds
    on_change  takes the item back, in the transaction of the revocation
    returns    the revocations made
    errors     LedgerUnavailable where the database is away
    clause     sandbox:chargeback-without-callback
    """
    return reverify(
        ledger,
        verifier,
        at_s=ledger.now_s(),
        every_s=every_s,
        limit=limit,
        time_limit_s=time_limit_s,
        on_change=on_change,
    )
