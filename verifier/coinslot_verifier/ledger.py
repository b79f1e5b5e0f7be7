"""A grant once per order, a revocation once per refund, whatever arrives in whatever order and how often.

SQLAlchemy Core on SQLite and PostgreSQL with one code path. Whatever moves money takes the backend's own
connection, so that the ledger's row and the item are committed together or not at all. The tables'
constraints decide who is first, not a look before a write. It must not know HTTP.
clause   sandbox:at-least-once
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, TypeVar

from coinslot_contracts.domain import ListedOrder, Notification, Purchase
from coinslot_contracts.errors import GameMismatch
from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, and_, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from coinslot_verifier import ledger_outbox as outbox
from coinslot_verifier.ledger_outbox import PendingConfirmation
from coinslot_verifier.ledger_store import (
    GRANTS,
    ORDERS,
    OUTBOX,
    PURCHASES,
    READ_ONLY,
    REVOCATIONS,
    add_once,
    away,
    create_tables,
    is_outage,
    is_retryable,
    open_engine,
    outages,
)
from coinslot_verifier.ledger_values import GrantOutcome, RevokeOutcome, Settlement

__all__ = [
    "GrantOutcome",
    "Ledger",
    "PendingConfirmation",
    "RevokeOutcome",
    "Settlement",
    "open_engine",
]

Done = TypeVar("Done")
TRANSACTION_ATTEMPTS: Final = 8
REFUNDED: Final = 1
"""The one refund status that takes a grant back; 0, 2 and 3 (running, failed, rejected) change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    order_id: str
    user_id: str
    product_id: str


class Ledger:
    """The ledger of one game at one portal; several may share a database. May be shared by all threads.

    engine   from `open_engine`, which makes SQLite's transactions exclusive when they begin
    clock    seconds since 1970
    """

    def __init__(
        self, engine: Engine, *, portal: str, game_id: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._portal = portal
        self._game_id = game_id
        self._clock = clock

    @property
    def scope(self) -> dict[str, str]:
        """Which rows are this ledger's: portal and game_id."""
        return {"portal": self._portal, "game_id": self._game_id}

    def create_tables(self) -> None:
        """Create what is missing of the ledger's tables; harmless when repeated.

        errors   LedgerUnavailable where the database is away
        """
        create_tables(self._engine)

    def now_s(self) -> float:
        """The ledger's own clock, seconds since 1970."""
        return self._clock()

    @contextmanager
    def begin(self, connection: Connection | None = None) -> Iterator[Connection]:
        """A transaction to grant and give in: committed at the end of the block, undone by an exception.

        It is tried once: only `transact` does the work again where the database undoes it for another's sake.
        connection   the caller's own, whose transaction is then used and left open
        errors       as `transact`
        """
        if connection is not None:
            yield connection
            return
        with outages(), self._engine.begin() as own:
            yield own

    def transact(self, work: Callable[[Connection], Done], connection: Connection | None = None) -> Done:
        """Do the work in a transaction, anew from the start where the database wants that.

        A serialization failure or a deadlock undoes all of the work, and it is called again, 8 times at most:
        it must do nothing that the transaction cannot undo.
        connection   the caller's own: the work is done once, and errors are the caller's
        errors       LedgerUnavailable, an Undecided, where the database is away or stays busy: answer 503.
                     Whether a commit that was cut off was made is found by calling again. Any other error of
                     the database or of the work leaves as it is
        """
        if connection is not None:
            return work(connection)
        for _ in range(TRANSACTION_ATTEMPTS):
            try:
                with self._engine.begin() as own:
                    return work(own)
            except (DBAPIError, PoolTimeout) as error:
                if not is_outage(error):
                    raise
                failure = away(error)
                if not is_retryable(error):
                    break
        raise failure from None

    def apply(self, notification: Notification, connection: Connection | None = None) -> Settlement:
        """Do what a verified notification says: grant for a payment, revoke for a refund.

        Give the item in the same transaction where the outcome is GRANTED, take it where it is REVOKED.
        A payment that says by itself that it was refunded is a refund: it grants nothing, then or later, and
        what was granted is taken back. A refund that is not the status 1 changes nothing.
        errors   GameMismatch where the notification is about another game; without a connection as `transact`
        clause   sandbox:at-least-once, sandbox:pay-refunded-is-refund
        """
        if notification.game_id != self._game_id:
            raise GameMismatch(f"the notification is about game {notification.game_id}, not {self._game_id}")
        fact = _Fact(
            order_id=notification.order_id,
            user_id=notification.user_id,
            product_id=notification.product_id,
        )
        if notification.effect == "nothing":
            return _settlement(fact, RevokeOutcome.NOTHING)
        move = self._revoke if notification.effect == "revoke" else self._grant
        return self.transact(lambda active: move(active, fact), connection)

    def grant(self, notification: Notification, connection: Connection | None = None) -> GrantOutcome:
        """`apply` for what grants, as its outcome alone; ValueError where the effect is another."""
        if notification.effect != "grant":
            raise ValueError("grant takes a payment that was not refunded; apply takes every notification")
        return GrantOutcome(self.apply(notification, connection).outcome)

    def revoke(self, notification: Notification, connection: Connection | None = None) -> RevokeOutcome:
        """`apply` for what does not grant, as its outcome alone; ValueError for a payment that does."""
        if notification.effect == "grant":
            raise ValueError("revoke takes a refund; apply takes every notification")
        return RevokeOutcome(self.apply(notification, connection).outcome)

    def grant_purchase(
        self, purchase: Purchase, *, user_id: str, product_id: str, connection: Connection | None = None
    ) -> Settlement:
        """Grant a confirmed purchase to whoever opened it, once per order; the portal is told nothing.

        Give the item in the same transaction where the outcome is GRANTED. An order that was granted before
        names its first owner and product in the settlement, whoever shows it now; one that was revoked since
        is REFUNDED_BEFORE.
        """
        fact = _Fact(order_id=purchase.order_id, user_id=user_id, product_id=product_id)
        return self.transact(
            lambda active: self._grant_purchase(active, fact, purchase.external_id), connection
        )

    def find_grant(self, order_id: str, connection: Connection | None = None) -> Settlement | None:
        """What an order gave to whom, as ALREADY_GRANTED; None where it gave nothing or was revoked since."""
        with nullcontext(connection) if connection is not None else self._reading() as active:
            grant = self._find(active, GRANTS, order_id)
            if grant is None or self._find(active, REVOCATIONS, order_id) is not None:
                return None
        given = _Fact(order_id=order_id, user_id=grant.user_id, product_id=grant.product_id)
        return _settlement(given, GrantOutcome.ALREADY_GRANTED)

    def revoke_purchase(self, order_id: str, connection: Connection | None = None) -> Settlement:
        """Take back what an order gave; take the item in this transaction where the outcome is REVOKED."""
        fact = _Fact(order_id=order_id, user_id="", product_id="")
        return self.transact(lambda active: self._revoke(active, fact), connection)

    def settle(
        self, order: ListedOrder, *, listed_at_s: float, connection: Connection | None = None
    ) -> Settlement:
        """Bring the ledger in line with one row of the portal's list of paid orders.

        Refunded: revoked once, or remembered. Otherwise granted once, flagged where the portal holds it for
        delivered already. A granted order that the portal does not hold for delivered, although we confirmed
        it before the list was made, is confirmed again; one that it does hold for delivered needs no report.
        listed_at_s   when the first page was asked for
        """
        return self.transact(lambda active: self._settle(active, order, listed_at_s), connection)

    def settle_and_move(
        self,
        order: ListedOrder,
        *,
        listed_at_s: float,
        on_change: Callable[[Connection, Settlement], None] | None = None,
    ) -> Settlement:
        """`settle`, with the item given or taken in the same transaction, by on_change where one is given."""

        def work(connection: Connection) -> Settlement:
            settlement = self._settle(connection, order, listed_at_s)
            if on_change is not None and settlement.is_change:
                on_change(connection, settlement)
            return settlement

        return self.transact(work)

    def pending_confirmations(self, *, limit: int = 100) -> tuple[PendingConfirmation, ...]:
        """Granted orders due to be reported as delivered, the least often tried first, limit at most.

        Of those the longest waiting first. Revoked orders are never among them.
        """
        with self._reading() as connection:
            return outbox.due(connection, self.scope, now_s=self._clock(), limit=limit)

    def claim_confirmations(
        self, *, limit: int, lease_s: float, attempts_max: int | None = None
    ) -> tuple[PendingConfirmation, ...]:
        """As `pending_confirmations`, and no other process gets the same ones until lease_s has passed.

        limit          at most so many
        attempts_max   leave those out that were asked about so often
        """
        now_s = self._clock()
        return self.transact(
            lambda active: outbox.claim(
                active, self.scope, now_s=now_s, lease_s=lease_s, limit=limit, attempts_max=attempts_max
            )
        )

    def release_confirmations(self, order_ids: Iterable[str]) -> None:
        """Give claimed orders back, by their order_ids, that the portal was not asked about."""
        ids, now_s = list(order_ids), self._clock()
        self.transact(lambda active: outbox.release(active, self.scope, order_ids=ids, now_s=now_s))

    def next_due_at_s(self) -> float | None:
        """When the next confirmation is due, in seconds since 1970; None where nothing is pending."""
        with self._reading() as connection:
            return outbox.next_due_at_s(connection, self.scope)

    def mark_confirmed(self, order_id: str) -> None:
        """The portal acknowledged the delivery of this order."""
        now_s = self._clock()
        self.transact(lambda active: outbox.acknowledge(active, self.scope, order_id=order_id, now_s=now_s))

    def postpone_confirmation(self, order_id: str, *, wait_s: float) -> None:
        """The portal did not acknowledge; ask again when wait_s has passed."""
        until_s = self._clock() + wait_s
        self.transact(lambda active: outbox.postpone(active, self.scope, order_id=order_id, until_s=until_s))

    def quantities(self, user_id: str) -> dict[str, int]:
        """Product id -> how many the player was granted and still has, net of revocations."""
        held = (
            select(GRANTS.c.product_id)
            .outerjoin(REVOCATIONS, _same_order(GRANTS, REVOCATIONS))
            .where(self._ours(GRANTS), GRANTS.c.user_id == user_id, REVOCATIONS.c.order_id.is_(None))
            .order_by(GRANTS.c.product_id)
        )
        with self._reading() as connection:
            return dict(Counter(connection.execute(held).scalars()))

    def _settle(self, connection: Connection, order: ListedOrder, listed_at_s: float) -> Settlement:
        fact = _Fact(order_id=order.order_id, user_id=order.user_id, product_id=order.product_id)
        arrived = order.arrived_status == 1
        if order.refund_status == REFUNDED:
            return self._revoke(connection, fact)
        settled = self._grant(connection, fact, flagged=arrived)
        if settled.outcome is GrantOutcome.ALREADY_GRANTED:
            now_s, order_id = self._clock(), fact.order_id
            if arrived:
                outbox.acknowledge(connection, self.scope, order_id=order_id, now_s=now_s)
            else:
                outbox.reopen(connection, self.scope, order_id=order_id, listed_at_s=listed_at_s, now_s=now_s)
        return settled

    def _grant(self, connection: Connection, fact: _Fact, *, flagged: bool = False) -> Settlement:
        """Granted once, and to be reported to the portal unless that holds it for delivered."""
        now_s = self._clock()
        settled = self._grant_once(connection, fact, now_s=now_s, flagged=flagged)
        if settled.outcome is GrantOutcome.GRANTED:
            row = {**self._key(fact.order_id), "attempts": 0, "due_at_s": now_s}
            confirmed_at_s = now_s if flagged else None
            connection.execute(insert(OUTBOX).values(**row, confirmed_at_s=confirmed_at_s))
        return settled

    def _grant_once(
        self, connection: Connection, fact: _Fact, *, now_s: float, flagged: bool = False
    ) -> Settlement:
        key = self._key(fact.order_id)
        if not add_once(connection, ORDERS, {**key, "decided": "granted"}):
            is_granted = self._decided(connection, fact.order_id) == "granted"
            return _settlement(
                fact, GrantOutcome.ALREADY_GRANTED if is_granted else GrantOutcome.REFUNDED_BEFORE
            )
        given = {"user_id": fact.user_id, "product_id": fact.product_id}
        connection.execute(insert(GRANTS).values(**key, **given, granted_at_s=now_s, flagged=flagged))
        return _settlement(fact, GrantOutcome.GRANTED, flagged=flagged)

    def _grant_purchase(self, connection: Connection, fact: _Fact, external_id: str) -> Settlement:
        """Granted once, and to be asked about again; the portal is told nothing."""
        now_s = self._clock()
        settled = self._grant_once(connection, fact, now_s=now_s)
        if settled.outcome is GrantOutcome.GRANTED:
            row = {**self._key(fact.order_id), "external_id": external_id, "due_at_s": now_s}
            connection.execute(insert(PURCHASES).values(row))
        if settled.outcome is not GrantOutcome.ALREADY_GRANTED:
            return settled
        before = self.find_grant(fact.order_id, connection)
        return before or _settlement(fact, GrantOutcome.REFUNDED_BEFORE)

    def _revoke(self, connection: Connection, fact: _Fact) -> Settlement:
        """Whoever was granted the item loses it, whatever player and product the refund names."""
        key = self._key(fact.order_id)
        refund = {**key, "revoked_at_s": self._clock()}
        if add_once(connection, ORDERS, {**key, "decided": "refunded"}):
            connection.execute(insert(REVOCATIONS).values(refund))
            return _settlement(fact, RevokeOutcome.REMEMBERED)
        grant = self._find(connection, GRANTS, fact.order_id)
        if grant is None:
            return _settlement(fact, RevokeOutcome.REMEMBERED)
        is_new = add_once(connection, REVOCATIONS, refund)
        granted = _Fact(order_id=fact.order_id, user_id=grant.user_id, product_id=grant.product_id)
        return _settlement(granted, RevokeOutcome.REVOKED if is_new else RevokeOutcome.ALREADY_REVOKED)

    def _decided(self, connection: Connection, order_id: str) -> str:
        query = select(ORDERS.c.decided).where(self._is_order(ORDERS, order_id))
        return str(connection.execute(query).scalar_one())

    def _find(self, connection: Connection, table: Table, order_id: str) -> Row[tuple[object, ...]] | None:
        return connection.execute(select(table).where(self._is_order(table, order_id))).one_or_none()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with outages(), self._engine.connect() as connection:
            yield connection.execution_options(**READ_ONLY)

    def _key(self, order_id: str) -> dict[str, str]:
        return {"portal": self._portal, "game_id": self._game_id, "order_id": order_id}

    def _ours(self, table: Table) -> ColumnElement[bool]:
        return and_(table.c.portal == self._portal, table.c.game_id == self._game_id)

    def _is_order(self, table: Table, order_id: str) -> ColumnElement[bool]:
        return and_(self._ours(table), table.c.order_id == order_id)


def _settlement(fact: _Fact, outcome: GrantOutcome | RevokeOutcome, *, flagged: bool = False) -> Settlement:
    return Settlement(
        order_id=fact.order_id,
        user_id=fact.user_id,
        product_id=fact.product_id,
        outcome=outcome,
        flagged=flagged,
    )


def _same_order(left: Table, right: Table) -> ColumnElement[bool]:
    return and_(*(left.c[name] == right.c[name] for name in ("portal", "game_id", "order_id")))
