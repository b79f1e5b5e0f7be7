"""Granted purchases asked about again, because a portal may tell nobody of a refund or a chargeback.

Run it from a timer, once an hour say: each purchase is asked about once in a while, and taken back once when
the portal does not confirm it any more. Outages change nothing. It must not know HTTP.
clause   sandbox:chargeback-without-callback
"""

from collections.abc import Callable
from typing import Final, Protocol

from coinslot_contracts.domain import PurchaseClaims
from coinslot_contracts.errors import PurchaseNotPaid, Undecided
from sqlalchemy import Connection, and_, select, update

from coinslot_verifier.ledger import Ledger, RevokeOutcome, Settlement
from coinslot_verifier.ledger_store import GRANTS, PURCHASES, REVOCATIONS

DAY_S: Final = 86_400.0
UNDECIDED_MAX: Final = 3


class Confirmer(Protocol):
    """Who asks the portal; `PurchaseVerifier` is the real one."""

    def confirm(self, purchase: PurchaseClaims) -> None:
        """Return where the purchase is paid; raises PurchaseNotPaid or an Undecided."""
        ...


def reverify(
    ledger: Ledger,
    confirmer: Confirmer,
    *,
    at_s: float,
    every_s: float = DAY_S,
    retry_s: float = 300.0,
    watch_s: float = 180 * DAY_S,
    limit: int = 100,
    on_change: Callable[[Connection, Settlement], None] | None = None,
) -> list[Settlement]:
    """Ask the portal about the granted purchases that are due, and revoke those that it does not confirm.

    confirmer  asks the portal; a PurchaseVerifier
    at_s       now, seconds since 1970
    every_s    how long a confirmed purchase is left in peace
    retry_s    how long one is left in peace about which the portal could not be asked
    watch_s    how long after its grant a purchase is watched at all
    limit      how many are asked about in one run; after three failed questions in a row the run ends
    on_change  takes the item back, in the transaction of the revocation; called once per purchase
    returns    the revocations made
    """
    changes = []
    failed = 0
    for purchase in _due(ledger, at_s=at_s, watch_s=watch_s, limit=limit):
        try:
            confirmer.confirm(purchase)
        except PurchaseNotPaid:
            changes += _revoke(ledger, purchase, on_change)
            failed = 0
        except Undecided:
            _postpone(ledger, purchase, until_s=at_s + retry_s)
            failed += 1
            if failed == UNDECIDED_MAX:
                break
        else:
            _postpone(ledger, purchase, until_s=at_s + every_s)
            failed = 0
    return changes


def _due(ledger: Ledger, *, at_s: float, watch_s: float, limit: int) -> list[PurchaseClaims]:
    """The purchases to ask about, the longest due first."""
    keys = ("portal", "game_id", "order_id")
    is_granted = and_(*(PURCHASES.c[key] == GRANTS.c[key] for key in keys))
    is_revoked = and_(*(PURCHASES.c[key] == REVOCATIONS.c[key] for key in keys))
    query = (
        select(PURCHASES.c.order_id, PURCHASES.c.external_id)
        .join(GRANTS, is_granted)
        .outerjoin(REVOCATIONS, is_revoked)
        .where(
            *(PURCHASES.c[key] == value for key, value in ledger.scope.items()),
            PURCHASES.c.due_at_s <= at_s,
            GRANTS.c.granted_at_s > at_s - watch_s,
            REVOCATIONS.c.order_id.is_(None),
        )
        .order_by(PURCHASES.c.due_at_s, PURCHASES.c.order_id)
        .limit(limit)
    )
    with ledger.begin() as connection:
        return [
            PurchaseClaims(order_id=row.order_id, external_id=row.external_id, claims={})
            for row in connection.execute(query)
        ]


def _revoke(
    ledger: Ledger, purchase: PurchaseClaims, on_change: Callable[[Connection, Settlement], None] | None
) -> list[Settlement]:
    with ledger.begin() as connection:
        settlement = ledger.revoke_purchase(purchase.order_id, connection)
        if settlement.outcome is not RevokeOutcome.REVOKED:
            return []
        if on_change is not None:
            on_change(connection, settlement)
    return [settlement]


def _postpone(ledger: Ledger, purchase: PurchaseClaims, *, until_s: float) -> None:
    row = {**ledger.scope, "order_id": purchase.order_id}
    is_row = and_(*(PURCHASES.c[key] == value for key, value in row.items()))
    with ledger.begin() as connection:
        connection.execute(update(PURCHASES).where(is_row).values(due_at_s=until_s))
