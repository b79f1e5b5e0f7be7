"""Granted purchases asked about again, because a portal may tell nobody of a refund or a chargeback.

Run it from a timer, once an hour say: each purchase is asked about once in a while, and taken back once when
the portal does not confirm it any more. Outages change nothing; several runs at once share the work. It must
not know HTTP.
clause   sandbox:chargeback-without-callback
"""

import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Protocol

from coinslot_contracts.domain import PurchaseClaims
from coinslot_contracts.errors import LedgerUnavailable, PurchaseNotPaid, Undecided
from sqlalchemy import Connection, and_, exists, select, update

from coinslot_verifier.ledger import Ledger, Settlement
from coinslot_verifier.ledger_store import GRANTS, PURCHASES, REVOCATIONS

DAY_S: Final = 86_400.0
UNDECIDED_MAX: Final = 3

OnChange = Callable[[Connection, Settlement], None]


class Confirmer(Protocol):
    """Who asks the portal; `PurchaseVerifier` is the real one."""

    def confirm(self, purchase: PurchaseClaims) -> None:
        """Return where the purchase is paid; raises PurchaseNotPaid or an Undecided."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckRun:
    """What one run did; all that it changed is told, however it ended.

    changes       the revocations made
    is_complete   whether all that was due was asked about and answered
    error         the last question that the portal did not answer, or the database that is away; None where
                  there was neither
    """

    changes: tuple[Settlement, ...]
    is_complete: bool
    error: Undecided | None


def reverify(
    ledger: Ledger,
    confirmer: Confirmer,
    *,
    at_s: float,
    every_s: float = DAY_S,
    retry_s: float = 300.0,
    watch_s: float = 180 * DAY_S,
    limit: int = 100,
    time_limit_s: float = float("inf"),
    on_change: OnChange | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Settlement]:
    """Ask the portal about the granted purchases that are due, and revoke those that it does not confirm.

    confirmer  asks the portal; a PurchaseVerifier
    at_s       now, seconds since 1970
    every_s    how long a confirmed purchase is left in peace
    retry_s    how long one is left in peace about which the portal could not be asked; also how long another
               run leaves those alone that this one has claimed, and everybody does after a crash
    watch_s    how long after its grant a purchase is watched at all
    limit      how many are asked about in one run; after three failed questions in a row the run ends
    time_limit_s   no question is begun after so many seconds; the rest is due at once for the next run
    on_change  takes the item back, in the transaction of the revocation; called once per purchase
    returns    the revocations made
    errors     LedgerUnavailable where the database is away; what was revoked before stays revoked
    """
    run = recheck(
        ledger,
        confirmer,
        at_s=at_s,
        every_s=every_s,
        retry_s=retry_s,
        watch_s=watch_s,
        limit=limit,
        time_limit_s=time_limit_s,
        on_change=on_change,
        monotonic=monotonic,
    )
    if isinstance(run.error, LedgerUnavailable):
        raise run.error
    return list(run.changes)


def recheck(
    ledger: Ledger,
    confirmer: Confirmer,
    *,
    at_s: float,
    every_s: float = DAY_S,
    retry_s: float = 300.0,
    watch_s: float = 180 * DAY_S,
    limit: int = 100,
    time_limit_s: float = float("inf"),
    on_change: OnChange | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> RecheckRun:
    """`reverify`, told as a run: no Undecided is raised, so that what was changed is always told."""
    run = _Run(ledger, confirmer, at_s=at_s, every_s=every_s, retry_s=retry_s, on_change=on_change)
    ends_s, is_all = monotonic() + time_limit_s, False
    try:
        claimed = _claim(ledger, at_s=at_s, lease_s=retry_s, watch_s=watch_s, limit=limit)
        is_all = len(claimed) < limit
        try:
            while claimed and run.failed < UNDECIDED_MAX and monotonic() < ends_s:
                run.ask(claimed[0])
                claimed.popleft()
            is_all &= not claimed
        finally:
            _postpone(ledger, claimed, until_s=at_s)
    except LedgerUnavailable as error:
        run.error = error
    return RecheckRun(changes=tuple(run.changes), is_complete=is_all and run.error is None, error=run.error)


@dataclass(slots=True)
class _Run:
    """A run under way; failed counts the questions in a row that had no answer."""

    ledger: Ledger
    confirmer: Confirmer
    _: KW_ONLY
    at_s: float
    every_s: float
    retry_s: float
    on_change: OnChange | None
    changes: list[Settlement] = field(default_factory=list)
    error: Undecided | None = None
    failed: int = 0

    def ask(self, purchase: PurchaseClaims) -> None:
        try:
            self.confirmer.confirm(purchase)
        except PurchaseNotPaid:
            self.changes += _revoke(self.ledger, purchase, self.on_change)
        except Undecided as error:
            _postpone(self.ledger, [purchase], until_s=self.at_s + self.retry_s)
            self.error = error
            self.failed += 1
            return
        else:
            _postpone(self.ledger, [purchase], until_s=self.at_s + self.every_s)
        self.failed = 0


def _claim(
    ledger: Ledger, *, at_s: float, lease_s: float, watch_s: float, limit: int
) -> deque[PurchaseClaims]:
    """The purchases to ask about, the longest due first; no other run gets them until lease_s has passed."""
    keys = ("portal", "game_id", "order_id")
    is_granted = and_(*(PURCHASES.c[key] == GRANTS.c[key] for key in keys))
    is_revoked = exists().where(and_(*(PURCHASES.c[key] == REVOCATIONS.c[key] for key in keys)))
    query = (
        select(PURCHASES.c.order_id, PURCHASES.c.external_id)
        .join(GRANTS, is_granted)
        .where(
            *(PURCHASES.c[key] == value for key, value in ledger.scope.items()),
            PURCHASES.c.due_at_s <= at_s,
            GRANTS.c.granted_at_s > at_s - watch_s,
            ~is_revoked,
        )
        .order_by(PURCHASES.c.due_at_s, PURCHASES.c.order_id)
        .limit(limit)
        .with_for_update(of=PURCHASES, skip_locked=True)
    )

    def work(connection: Connection) -> deque[PurchaseClaims]:
        due = [
            PurchaseClaims(order_id=row.order_id, external_id=row.external_id, claims={})
            for row in connection.execute(query)
        ]
        _set_due(ledger, connection, due, until_s=at_s + lease_s)
        return deque(due)

    return ledger.transact(work)


def _revoke(ledger: Ledger, purchase: PurchaseClaims, on_change: OnChange | None) -> list[Settlement]:
    def work(connection: Connection) -> list[Settlement]:
        settlement = ledger.revoke_purchase(purchase.order_id, connection)
        if not settlement.is_change:
            return []
        if on_change is not None:
            on_change(connection, settlement)
        return [settlement]

    return ledger.transact(work)


def _postpone(ledger: Ledger, purchases: Collection[PurchaseClaims], *, until_s: float) -> None:
    if purchases:
        ledger.transact(lambda connection: _set_due(ledger, connection, purchases, until_s=until_s))


def _set_due(
    ledger: Ledger, connection: Connection, purchases: Collection[PurchaseClaims], *, until_s: float
) -> None:
    ours = [PURCHASES.c[key] == value for key, value in ledger.scope.items()]
    ids = [purchase.order_id for purchase in purchases]
    if ids:
        connection.execute(
            update(PURCHASES).where(*ours, PURCHASES.c.order_id.in_(ids)).values(due_at_s=until_s)
        )
