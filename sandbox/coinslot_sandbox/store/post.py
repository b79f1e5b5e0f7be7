"""Deliveries and attempts of one workspace: the queue that callbacks wait in.

One attempt of an order is under way at a time, and an order's deliveries go in the order of their making:
only the first pending one of each order can be claimed. A claim is a lease, so that what a killed process had
in its hands is taken up again.
"""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, case, delete, exists, func, insert, or_, select, update

from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState
from coinslot_sandbox.store.rows import delivery_of, delivery_values
from coinslot_sandbox.store.tables import ATTEMPTS, DELIVERIES

_EARLIER = DELIVERIES.alias("earlier")
_WAITS = (DELIVERIES.c.state == "pending", DELIVERIES.c.mode == "scheduled")
_IS_FIRST = ~exists().where(
    _EARLIER.c.order_id == DELIVERIES.c.order_id,
    _EARLIER.c.state == "pending",
    _EARLIER.c.mode == "scheduled",
    _EARLIER.c.number < DELIVERIES.c.number,
)


class Post:
    """The deliveries of one workspace."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self._own = DELIVERIES.c.workspace == workspace

    def add(self, connection: Connection, delivery: Delivery) -> None:
        """Write a new delivery, in the transaction of what it tells."""
        connection.execute(
            insert(DELIVERIES).values({"workspace": self.workspace, **delivery_values(delivery)})
        )

    def claim(
        self, connection: Connection, *, now_s: float, lease_until_s: float, limit: int
    ) -> list[Delivery]:
        """Take up to `limit` deliveries that are due; they are ours until the lease ends."""
        wanted = (
            select(DELIVERIES)
            .where(
                self._own,
                *_WAITS,
                DELIVERIES.c.next_at_s <= now_s,
                or_(DELIVERIES.c.lease_until_s.is_(None), DELIVERIES.c.lease_until_s <= now_s),
                _IS_FIRST,
            )
            .order_by(DELIVERIES.c.next_at_s, DELIVERIES.c.number)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [delivery_of(row) for row in connection.execute(wanted).mappings()]
        self.renew(connection, [delivery.delivery_id for delivery in found], lease_until_s=lease_until_s)
        return found

    def renew(self, connection: Connection, delivery_ids: Sequence[str], *, lease_until_s: float) -> None:
        """Hold deliveries for longer."""
        if delivery_ids:
            connection.execute(
                update(DELIVERIES)
                .where(DELIVERIES.c.delivery_id.in_(delivery_ids))
                .values(lease_until_s=lease_until_s)
            )

    def next_due_s(self, connection: Connection) -> float | None:
        """When something can be claimed next: the earliest due time, or the end of its lease."""
        at_s = func.coalesce(DELIVERIES.c.lease_until_s, 0)
        due = select(func.min(_later(DELIVERIES.c.next_at_s, at_s))).where(self._own, *_WAITS, _IS_FIRST)
        value = connection.scalar(due)
        return None if value is None else float(value)

    def find(self, connection: Connection, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        wanted = select(DELIVERIES).where(self._own, DELIVERIES.c.delivery_id == delivery_id)
        row = connection.execute(wanted).mappings().first()
        return None if row is None else delivery_of(row)

    def list_deliveries(
        self,
        connection: Connection,
        *,
        order_id: str | None = None,
        state: str | None = None,
        limit: int,
        newest_first: bool = False,
    ) -> list[Delivery]:
        """Deliveries in the order of their making, or the reverse."""
        number = DELIVERIES.c.number
        order = number.desc() if newest_first else number
        wanted = select(DELIVERIES).where(self._own).order_by(order).limit(limit)
        if order_id is not None:
            wanted = wanted.where(DELIVERIES.c.order_id == order_id)
        if state is not None:
            wanted = wanted.where(DELIVERIES.c.state == state)
        return [delivery_of(row) for row in connection.execute(wanted).mappings()]

    def list_attempts(self, connection: Connection, delivery_id: str) -> list[AttemptRecord]:
        """The attempts of a delivery, first to last."""
        wanted = (
            select(ATTEMPTS.c.record)
            .where(ATTEMPTS.c.delivery_id == delivery_id)
            .order_by(ATTEMPTS.c.attempt)
        )
        return [json.loads(record) for record in connection.scalars(wanted)]

    def add_attempts(
        self, connection: Connection, delivery_id: str, records: Iterable[AttemptRecord]
    ) -> None:
        """Write attempts that were made."""
        rows = [
            {
                "delivery_id": delivery_id,
                "attempt": record["attempt"],
                "at_s": record["at_s"],
                "record": json.dumps(record),
            }
            for record in records
        ]
        connection.execute(insert(ATTEMPTS), rows)

    def settle(
        self,
        connection: Connection,
        delivery_id: str,
        *,
        attempts_made: int,
        scheduled_made: int,
        state: DeliveryState,
        next_at_s: float | None,
        only_from: Sequence[DeliveryState],
    ) -> None:
        """Write what attempts led to; the lease ends.

        only_from  the states in which the outcome still counts; one that was cancelled meanwhile stays so
        """
        here = DELIVERIES.c.delivery_id == delivery_id
        made = {
            "attempts_made": attempts_made,
            "scheduled_made": scheduled_made,
            "lease_until_s": None,
        }
        connection.execute(update(DELIVERIES).where(here).values(made))
        connection.execute(
            update(DELIVERIES)
            .where(here, DELIVERIES.c.state.in_(only_from))
            .values(state=state, next_at_s=next_at_s)
        )

    def cancel_of_order(self, connection: Connection, order_id: str) -> int:
        """Cancel what is still pending of an order; how many that were."""
        changed = connection.execute(
            update(DELIVERIES)
            .where(self._own, DELIVERIES.c.order_id == order_id, *_WAITS)
            .values(state="cancelled", next_at_s=None, lease_until_s=None)
        )
        return changed.rowcount

    def clear(self, connection: Connection) -> None:
        """Forget every delivery and attempt of the workspace."""
        ours = select(DELIVERIES.c.delivery_id).where(self._own)
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.delivery_id.in_(ours)))
        connection.execute(delete(DELIVERIES).where(self._own))


def _later(left: ColumnElement[float], right: ColumnElement[float]) -> ColumnElement[float]:
    """The greater of two numbers, spelt as CASE: SQLite and PostgreSQL name that function differently."""
    return case((left > right, left), else_=right)
