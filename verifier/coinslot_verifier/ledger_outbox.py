"""The ledger's outbox in SQL: what is due to be confirmed, claimed by one process at a time.

A claim is a date: whoever asks the portal moves the row's due date ahead first, so that nobody else asks
meanwhile, and somebody does when the asker dies. An order that was revoked is due no more, as nothing is
delivered any more that could be reported. It must not ask the portal, nor decide when to ask again.
clauses   sandbox:arrived-repeat-ok, sandbox:arrived-refunded-ok
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select, update

from coinslot_verifier.ledger_store import OUTBOX, REVOCATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """A granted order that the portal has not been told of, or has not acknowledged."""

    order_id: str
    attempts: int


def due(
    connection: Connection, scope: Mapping[str, str], *, now_s: float, limit: int
) -> tuple[PendingConfirmation, ...]:
    """What may be asked about now, the least often asked about first, then the longest waiting."""
    return _read(connection, _due(scope, now_s=now_s, limit=limit))


def claim(
    connection: Connection,
    scope: Mapping[str, str],
    *,
    now_s: float,
    lease_s: float,
    limit: int,
    attempts_max: int | None,
) -> tuple[PendingConfirmation, ...]:
    """As `due`, and nobody else's until lease_s has passed; what another process is claiming is left out."""
    query = _due(scope, now_s=now_s, limit=limit)
    if attempts_max is not None:
        query = query.where(OUTBOX.c.attempts < attempts_max)
    claimed = _read(connection, query.with_for_update(skip_locked=True))
    if not claimed:
        return ()
    ids = [pending.order_id for pending in claimed]
    connection.execute(
        update(OUTBOX).where(_ours(scope), OUTBOX.c.order_id.in_(ids)).values(due_at_s=now_s + lease_s)
    )
    return claimed


def release(connection: Connection, scope: Mapping[str, str], *, order_ids: list[str], now_s: float) -> None:
    """Give claimed orders back that were not asked about."""
    connection.execute(
        update(OUTBOX)
        .where(_ours(scope), OUTBOX.c.order_id.in_(order_ids), OUTBOX.c.confirmed_at_s.is_(None))
        .values(due_at_s=now_s)
    )


def acknowledge(connection: Connection, scope: Mapping[str, str], *, order_id: str, now_s: float) -> None:
    """The portal acknowledged; what was acknowledged before keeps its time."""
    row = and_(_ours(scope), OUTBOX.c.order_id == order_id)
    connection.execute(
        update(OUTBOX)
        .where(row, OUTBOX.c.confirmed_at_s.is_(None))
        .values(confirmed_at_s=now_s, attempts=OUTBOX.c.attempts + 1)
    )


def postpone(connection: Connection, scope: Mapping[str, str], *, order_id: str, until_s: float) -> None:
    """The portal did not acknowledge; one more attempt is counted."""
    row = and_(_ours(scope), OUTBOX.c.order_id == order_id)
    connection.execute(
        update(OUTBOX)
        .where(row, OUTBOX.c.confirmed_at_s.is_(None))
        .values(due_at_s=until_s, attempts=OUTBOX.c.attempts + 1)
    )


def reopen(
    connection: Connection, scope: Mapping[str, str], *, order_id: str, listed_at_s: float, now_s: float
) -> None:
    """Only what was confirmed before the list was made is contradicted by it."""
    row = and_(_ours(scope), OUTBOX.c.order_id == order_id)
    connection.execute(
        update(OUTBOX)
        .where(row, OUTBOX.c.confirmed_at_s < listed_at_s)
        .values(confirmed_at_s=None, due_at_s=now_s, attempts=0)
    )


def next_due_at_s(connection: Connection, scope: Mapping[str, str]) -> float | None:
    """When the next one is due; None where nothing is pending."""
    query = select(OUTBOX.c.due_at_s).where(_pending(scope)).order_by(OUTBOX.c.due_at_s).limit(1)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else float(found)


def _due(scope: Mapping[str, str], *, now_s: float, limit: int) -> Select[tuple[str, int]]:
    return (
        select(OUTBOX.c.order_id, OUTBOX.c.attempts)
        .where(_pending(scope), OUTBOX.c.due_at_s <= now_s)
        .order_by(OUTBOX.c.attempts, OUTBOX.c.due_at_s, OUTBOX.c.order_id)
        .limit(limit)
    )


def _read(connection: Connection, query: Select[tuple[str, int]]) -> tuple[PendingConfirmation, ...]:
    rows = connection.execute(query).all()
    return tuple(PendingConfirmation(order_id=row.order_id, attempts=row.attempts) for row in rows)


def _pending(scope: Mapping[str, str]) -> ColumnElement[bool]:
    """Neither acknowledged nor revoked."""
    keys = [*scope, "order_id"]
    is_revoked = exists().where(and_(*(OUTBOX.c[key] == REVOCATIONS.c[key] for key in keys)))
    return and_(_ours(scope), OUTBOX.c.confirmed_at_s.is_(None), ~is_revoked)


def _ours(scope: Mapping[str, str]) -> ColumnElement[bool]:
    return and_(*(OUTBOX.c[name] == value for name, value in scope.items()))
