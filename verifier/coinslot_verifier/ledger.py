"""A grant once per order, a revocation once per refund, whatever arrives in whatever order and how often.

SQLAlchemy Core on SQLite and PostgreSQL with one code path. Whatever moves money takes the backend's own
connection, so that the ledger's row and the item are committed together or not at all. It must not know HTTP.
clause   sandbox:at-least-once
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from coinslot_contracts.domain import ListedOrder, Notification, Purchase
from coinslot_contracts.errors import GameMismatch
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, and_, insert, select, update

from coinslot_verifier.ledger_store import (
    GRANTS,
    METADATA,
    OUTBOX,
    PURCHASES,
    READ_ONLY,
    REVOCATIONS,
    lock_order,
    open_engine,
)

__all__ = [
    "GrantOutcome",
    "Ledger",
    "PendingConfirmation",
    "RevokeOutcome",
    "Settlement",
    "open_engine",
]

REFUNDED: Final = 1
"""The one refund status that takes a grant back; 0, 2 and 3 (running, failed, rejected) change nothing."""


class GrantOutcome(StrEnum):
    """What a payment did: give the item now / it was given before / it was refunded first, give nothing."""

    GRANTED = "granted"
    ALREADY_GRANTED = "already-granted"
    REFUNDED_BEFORE = "refunded-before"


class RevokeOutcome(StrEnum):
    """What a refund did: take the item now / it was taken before / nothing given yet, and nothing will be /
    the status does not concern the item."""

    REVOKED = "revoked"
    ALREADY_REVOKED = "already-revoked"
    REMEMBERED = "remembered"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one notification or listed order did to the ledger.

    flagged   the portal holds the order for delivered, and we never granted it; worth a look by a person
    """

    order_id: str
    user_id: str
    product_id: str
    outcome: GrantOutcome | RevokeOutcome
    flagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """A granted order that the portal has not been told of, or has not acknowledged."""

    order_id: str
    attempts: int


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
        """Create what is missing of the ledger's tables; harmless when repeated."""
        METADATA.create_all(self._engine)

    @contextmanager
    def begin(self, connection: Connection | None = None) -> Iterator[Connection]:
        """A transaction to grant and give in: committed at the end of the block, undone by an exception.

        connection   the caller's own, whose transaction is then used and left open
        """
        if connection is not None:
            yield connection
            return
        with self._engine.begin() as own:
            yield own

    def apply(self, notification: Notification, connection: Connection | None = None) -> Settlement:
        """Do what a verified notification says: grant for a payment, revoke for a refund.

        Give the item in the same transaction where the outcome is GRANTED, take it where it is REVOKED.
        A payment that says by itself that it was refunded grants nothing, then or later; a refund that is
        not the status 1 changes nothing.
        errors   GameMismatch where the notification is about another game
        clause   sandbox:at-least-once
        """
        if notification.game_id != self._game_id:
            raise GameMismatch(f"the notification is about game {notification.game_id}, not {self._game_id}")
        fact = _Fact(
            order_id=notification.order_id,
            user_id=notification.user_id,
            product_id=notification.product_id,
        )
        refunded = notification.refund_status == REFUNDED
        if notification.kind == "refund" and not refunded:
            return _settlement(fact, RevokeOutcome.NOTHING)
        with self.begin(connection) as active:
            if notification.kind == "refund":
                return self._revoke(active, fact)
            return self._grant_refunded(active, fact) if refunded else self._grant(active, fact)

    def grant(self, notification: Notification, connection: Connection | None = None) -> GrantOutcome:
        """`apply` for a notification of a payment, as its outcome alone; ValueError for a refund."""
        if notification.kind != "pay":
            raise ValueError("grant takes a payment; apply takes both kinds")
        return GrantOutcome(self.apply(notification, connection).outcome)

    def revoke(self, notification: Notification, connection: Connection | None = None) -> RevokeOutcome:
        """`apply` for a notification of a refund, as its outcome alone; ValueError for a payment."""
        if notification.kind != "refund":
            raise ValueError("revoke takes a refund; apply takes both kinds")
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
        with self.begin(connection) as active:
            settled = self._grant(active, fact, is_reported=False)
            if settled.outcome is GrantOutcome.GRANTED:
                row = {**self._key(fact.order_id), "external_id": purchase.external_id}
                active.execute(insert(PURCHASES).values(**row, due_at_s=self._clock()))
            elif settled.outcome is GrantOutcome.ALREADY_GRANTED:
                return self.find_grant(fact.order_id, active) or _settlement(
                    fact, GrantOutcome.REFUNDED_BEFORE
                )
        return settled

    def find_grant(self, order_id: str, connection: Connection | None = None) -> Settlement | None:
        """What an order gave to whom, as ALREADY_GRANTED; None where it gave nothing or was revoked since."""
        with self.begin(connection) as active:
            grant = self._find(active, GRANTS, order_id)
            if grant is None or self._find(active, REVOCATIONS, order_id) is not None:
                return None
        given = _Fact(order_id=order_id, user_id=grant.user_id, product_id=grant.product_id)
        return _settlement(given, GrantOutcome.ALREADY_GRANTED)

    def revoke_purchase(self, order_id: str, connection: Connection | None = None) -> Settlement:
        """Take back what an order gave; take the item in this transaction where the outcome is REVOKED."""
        with self.begin(connection) as active:
            return self._revoke(active, _Fact(order_id=order_id, user_id="", product_id=""))

    def settle(
        self, order: ListedOrder, *, listed_at_s: float, connection: Connection | None = None
    ) -> Settlement:
        """Bring the ledger in line with one row of the portal's list of paid orders.

        Refunded: revoked once, or remembered. Otherwise granted once, flagged where the portal holds it for
        delivered already. A granted order that the portal does not hold for delivered, although we confirmed
        it before the list was made, is confirmed again.
        listed_at_s   when the first page was asked for
        """
        fact = _Fact(order_id=order.order_id, user_id=order.user_id, product_id=order.product_id)
        arrived = order.arrived_status == 1
        with self.begin(connection) as active:
            if order.refund_status == REFUNDED:
                return self._revoke(active, fact)
            settled = self._grant(active, fact, flagged=arrived)
            if settled.outcome is GrantOutcome.ALREADY_GRANTED and not arrived:
                self._reopen(active, fact.order_id, listed_at_s)
        return settled

    def reconcile(
        self,
        orders: Iterable[ListedOrder],
        *,
        listed_at_s: float,
        on_change: Callable[[Connection, Settlement], None] | None = None,
    ) -> list[Settlement]:
        """Settle every listed order, each in a transaction of its own, so that one failure loses no other.

        orders      the portal's list, as PortalClient.list_orders gives it
        on_change   gives or takes the item, inside that transaction; called where the outcome is GRANTED or
                    REVOKED
        returns     the settlements that changed something
        """
        changes = []
        for order in orders:
            with self.begin() as connection:
                settlement = self.settle(order, listed_at_s=listed_at_s, connection=connection)
                if settlement.outcome not in (GrantOutcome.GRANTED, RevokeOutcome.REVOKED):
                    continue
                if on_change is not None:
                    on_change(connection, settlement)
            changes.append(settlement)
        return changes

    def pending_confirmations(self, *, limit: int = 100) -> tuple[PendingConfirmation, ...]:
        """Granted orders due to be reported as delivered, the longest waiting first, limit at most."""
        due = (
            select(OUTBOX.c.order_id, OUTBOX.c.attempts)
            .where(self._ours(OUTBOX), OUTBOX.c.confirmed_at_s.is_(None), OUTBOX.c.due_at_s <= self._clock())
            .order_by(OUTBOX.c.due_at_s, OUTBOX.c.order_id)
            .limit(limit)
        )
        return tuple(
            PendingConfirmation(order_id=row.order_id, attempts=row.attempts) for row in self._read(due)
        )

    def next_due_at_s(self) -> float | None:
        """When the next confirmation is due, in seconds since 1970; None where nothing is pending."""
        first = (
            select(OUTBOX.c.due_at_s)
            .where(self._ours(OUTBOX), OUTBOX.c.confirmed_at_s.is_(None))
            .order_by(OUTBOX.c.due_at_s)
            .limit(1)
        )
        return next((float(row.due_at_s) for row in self._read(first)), None)

    def mark_confirmed(self, order_id: str) -> None:
        """The portal acknowledged the delivery of this order."""
        self._update_outbox(order_id, confirmed_at_s=self._clock(), attempts=OUTBOX.c.attempts + 1)

    def postpone_confirmation(self, order_id: str, *, wait_s: float) -> None:
        """The portal did not acknowledge; ask again when wait_s has passed."""
        self._update_outbox(order_id, due_at_s=self._clock() + wait_s, attempts=OUTBOX.c.attempts + 1)

    def quantities(self, user_id: str) -> dict[str, int]:
        """Product id -> how many the player was granted and still has, net of revocations."""
        rows = self._read(
            select(GRANTS.c.product_id)
            .outerjoin(REVOCATIONS, _same_order(GRANTS, REVOCATIONS))
            .where(self._ours(GRANTS), GRANTS.c.user_id == user_id, REVOCATIONS.c.order_id.is_(None))
            .order_by(GRANTS.c.product_id)
        )
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.product_id] = counts.get(row.product_id, 0) + 1
        return counts

    def _grant(
        self, connection: Connection, fact: _Fact, *, flagged: bool = False, is_reported: bool = True
    ) -> Settlement:
        self._lock(connection, fact)
        if self._find(connection, GRANTS, fact.order_id) is not None:
            return _settlement(fact, GrantOutcome.ALREADY_GRANTED)
        if self._find(connection, REVOCATIONS, fact.order_id) is not None:
            return _settlement(fact, GrantOutcome.REFUNDED_BEFORE)
        now_s = self._clock()
        key = self._key(fact.order_id)
        connection.execute(
            insert(GRANTS).values(
                **key,
                user_id=fact.user_id,
                product_id=fact.product_id,
                granted_at_s=now_s,
                flagged=flagged,
            )
        )
        if is_reported:
            confirmed_at_s = now_s if flagged else None
            connection.execute(
                insert(OUTBOX).values(**key, attempts=0, due_at_s=now_s, confirmed_at_s=confirmed_at_s)
            )
        return _settlement(fact, GrantOutcome.GRANTED, flagged=flagged)

    def _grant_refunded(self, connection: Connection, fact: _Fact) -> Settlement:
        self._lock(connection, fact)
        if self._find(connection, GRANTS, fact.order_id) is not None:
            return _settlement(fact, GrantOutcome.ALREADY_GRANTED)
        self._remember_refund(connection, fact)
        return _settlement(fact, GrantOutcome.REFUNDED_BEFORE)

    def _revoke(self, connection: Connection, fact: _Fact) -> Settlement:
        """Whoever was granted the item loses it, whatever player and product the refund names."""
        self._lock(connection, fact)
        grant = self._find(connection, GRANTS, fact.order_id)
        is_new = self._remember_refund(connection, fact)
        if grant is None:
            return _settlement(fact, RevokeOutcome.REMEMBERED)
        granted = _Fact(order_id=fact.order_id, user_id=grant.user_id, product_id=grant.product_id)
        return _settlement(granted, RevokeOutcome.REVOKED if is_new else RevokeOutcome.ALREADY_REVOKED)

    def _remember_refund(self, connection: Connection, fact: _Fact) -> bool:
        if self._find(connection, REVOCATIONS, fact.order_id) is not None:
            return False
        values = {**self._key(fact.order_id), "revoked_at_s": self._clock()}
        connection.execute(insert(REVOCATIONS).values(values))
        return True

    def _lock(self, connection: Connection, fact: _Fact) -> None:
        lock_order(connection, self._key(fact.order_id))

    def _reopen(self, connection: Connection, order_id: str, listed_at_s: float) -> None:
        """Only what was confirmed before the list was made is contradicted by it."""
        connection.execute(
            update(OUTBOX)
            .where(self._is_order(OUTBOX, order_id), OUTBOX.c.confirmed_at_s < listed_at_s)
            .values(confirmed_at_s=None, due_at_s=self._clock())
        )

    def _update_outbox(self, order_id: str, **values: object) -> None:
        with self.begin() as connection:
            connection.execute(update(OUTBOX).where(self._is_order(OUTBOX, order_id)).values(**values))

    def _find(self, connection: Connection, table: Table, order_id: str) -> Row[tuple[object, ...]] | None:
        return connection.execute(select(table).where(self._is_order(table, order_id))).one_or_none()

    def _read(self, query: Select[*tuple[object, ...]]) -> list[Row[*tuple[object, ...]]]:
        with self._engine.connect().execution_options(**READ_ONLY) as connection:
            return list(connection.execute(query).all())

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
