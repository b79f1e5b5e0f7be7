"""Deliveries that do not go by their schedule alone: held, put off by a fault, cancelled, taken up again.

What is held, and which orders' coming deliveries will be, is in the store: a sandbox that is started anew
holds what was held. A delivery that is put off has a last moment all the same, so that none is forgotten.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    cast,
    delete,
    insert,
    null,
    or_,
    select,
    update,
)

from coinslot_sandbox.clock import ScheduleClock
from coinslot_sandbox.store.records import Delivery, DeliveryState
from coinslot_sandbox.store.tables import DELIVERIES, HOLDS

EVERY_ORDER: Final = ""
"""Stands in `holds` for all orders of the workspace."""
WAITS: Final = (DELIVERIES.c.state == "pending", DELIVERIES.c.mode == "scheduled")
"""What waits to be attempted by itself."""
_FAILED: Final[tuple[DeliveryState, ...]] = ("failed",)
_ENDED: Final[tuple[DeliveryState, ...]] = ("failed", "lost", "cancelled", "delivered")


def unless_held(is_held: ColumnElement[bool], due_s: Any) -> ColumnElement[float]:
    """When it is due: never by itself where it is held, or where `due_s` is None or its parameter.

    Cast, because PostgreSQL takes a bare NULL or parameter inside of CASE for text.
    """
    of_due = DELIVERIES.c.due_s.type
    value = null() if due_s is None else due_s
    return case((is_held, cast(null(), of_due)), else_=cast(value, of_due))


_SOMETHING_WAITS: Final = (
    select(DELIVERIES.c.delivery_id)
    .where(DELIVERIES.c.workspace == bindparam("own"), DELIVERIES.c.waits_for.in_(("kind", "order")))
    .limit(1)
)


class Shelf:
    """The deliveries of one workspace that wait for something else than their time."""

    def __init__(self, workspace: str, schedule: ScheduleClock) -> None:
        self._workspace = workspace
        self._schedule = schedule
        self._own = DELIVERIES.c.workspace == workspace

    def is_held(self, connection: Connection, order_id: str) -> bool:
        """Whether a new delivery of this order is to be held."""
        wanted = select(HOLDS.c.order_id).where(
            HOLDS.c.workspace == self._workspace, HOLDS.c.order_id.in_((order_id, EVERY_ORDER))
        )
        return connection.execute(wanted).first() is not None

    def hold(self, connection: Connection, order_id: str | None) -> list[str]:
        """Hold what is pending and what will come, of one order or of all; ids of what was free before."""
        key = {"workspace": self._workspace, "order_id": order_id or EVERY_ORDER}
        known = select(HOLDS.c.order_id).filter_by(**key)
        if connection.execute(known).first() is None:
            connection.execute(insert(HOLDS).values(key))
        wanted = [self._own, *WAITS, DELIVERIES.c.held.is_(False)]
        if order_id is not None:
            wanted.append(DELIVERIES.c.order_id == order_id)
        ids = self._ids(connection, wanted)
        self._change(connection, ids, held=True, due_s=None)
        return ids

    def release(
        self,
        connection: Connection,
        *,
        count: int | None = None,
        delivery_id: str | None = None,
        order_id: str | None = None,
    ) -> list[str]:
        """Let go held deliveries, oldest first: so many, one, those of an order (with its hold), or all.

        returns  ids of what was held and is not any more
        """
        wanted = [self._own, *WAITS, DELIVERIES.c.held.is_(True)]
        if delivery_id is not None:
            wanted.append(DELIVERIES.c.delivery_id == delivery_id)
        elif order_id is not None:
            wanted.append(DELIVERIES.c.order_id == order_id)
        if count is None and delivery_id is None:
            self._lift(connection, order_id)
        ids = self._ids(connection, wanted, limit=count)
        self._change(connection, ids, held=False, due_s=self._due())
        return ids

    def put_off(
        self, connection: Connection, delivery_id: str, *, until_s: float, waits_for: str, fault_id: str
    ) -> None:
        """Attempt a delivery later: at `until_s` of the schedule, or before when what it waits for comes.

        waits_for  "time", "arrived" (the backend reports the order), "kind" (another delivery of the order
                   was attempted) or "order" (one of another order was)
        """
        here = (self._own, DELIVERIES.c.delivery_id == delivery_id, *WAITS)
        values = {
            "next_at_s": until_s,
            "due_s": unless_held(DELIVERIES.c.held, self._schedule.machine_s(until_s)),
            "waits_for": waits_for,
            "fault_id": fault_id,
            "lease_until_s": None,
        }
        connection.execute(update(DELIVERIES).where(*here).values(values))

    def arrived(self, connection: Connection, order_id: str) -> None:
        """What waited for the backend's report of this order waits no longer."""
        self._call(connection, DELIVERIES.c.waits_for == "arrived", DELIVERIES.c.order_id == order_id)

    def attempted(self, connection: Connection, delivery: Delivery) -> None:
        """What waited for an attempt of something else waits no longer."""
        if connection.execute(_SOMETHING_WAITS, {"own": self._workspace}).first() is None:
            return
        waits, same_order = DELIVERIES.c.waits_for, DELIVERIES.c.order_id == delivery.order_id
        of_order = and_(waits == "kind", same_order, DELIVERIES.c.delivery_id != delivery.delivery_id)
        self._call(
            connection, waits.in_(("kind", "order")), or_(of_order, and_(waits == "order", ~same_order))
        )

    def cancel(self, connection: Connection, delivery_id: str) -> bool:
        """Cancel a delivery that waits; False where it does not."""
        return self._end(connection, delivery_id, "cancelled")

    def fail(self, connection: Connection, delivery_id: str) -> bool:
        """Let a delivery that waits have failed; False where it does not wait."""
        return self._end(connection, delivery_id, "failed")

    def _end(self, connection: Connection, delivery_id: str, state: DeliveryState) -> bool:
        here = (self._own, DELIVERIES.c.delivery_id == delivery_id, *WAITS)
        values = {"state": state, "next_at_s": None, "due_s": None, "lease_until_s": None}
        return connection.execute(update(DELIVERIES).where(*here).values(values)).rowcount > 0

    def take_up(
        self, connection: Connection, *, since_s: float, until_s: float | None, only_failed: bool
    ) -> list[str]:
        """Let deliveries that have ended begin anew, retries and all; ids, oldest first.

        since_s, until_s  when they were made, on the schedule; the end is included
        only_failed       else those that were lost, cancelled or delivered too; hand-made ones never are
        """
        wanted = [
            self._own,
            DELIVERIES.c.state.in_(_FAILED if only_failed else _ENDED),
            DELIVERIES.c.mode != "manual",
            DELIVERIES.c.url.is_not(None),
            DELIVERIES.c.created_at_s >= since_s,
        ]
        if until_s is not None:
            wanted.append(DELIVERIES.c.created_at_s <= until_s)
        ids, now_s = self._ids(connection, wanted), self._schedule.now_s()
        is_held = self._held_orders()
        self._change(
            connection,
            ids,
            state="pending",
            mode="scheduled",
            scheduled_made=0,
            cause="recover",
            waits_for=None,
            held=is_held,
            next_at_s=now_s,
            due_s=unless_held(is_held, self._schedule.machine_s(now_s)),
            lease_until_s=None,
        )
        return ids

    def clear(self, connection: Connection) -> None:
        """Hold nothing that comes."""
        connection.execute(delete(HOLDS).where(HOLDS.c.workspace == self._workspace))

    def _lift(self, connection: Connection, order_id: str | None) -> None:
        """End the hold of one order, or every hold."""
        gone = delete(HOLDS).where(HOLDS.c.workspace == self._workspace)
        connection.execute(gone if order_id is None else gone.where(HOLDS.c.order_id == order_id))

    def _held_orders(self) -> ColumnElement[bool]:
        return (
            select(HOLDS.c.order_id)
            .where(
                HOLDS.c.workspace == self._workspace,
                or_(HOLDS.c.order_id == EVERY_ORDER, HOLDS.c.order_id == DELIVERIES.c.order_id),
            )
            .exists()
        )

    def _call(self, connection: Connection, *wanted: ColumnElement[bool]) -> None:
        now_s = self._schedule.now_s()
        due = unless_held(DELIVERIES.c.held, self._schedule.machine_s(now_s))
        connection.execute(
            update(DELIVERIES)
            .where(self._own, *WAITS, *wanted)
            .values(waits_for="time", next_at_s=now_s, due_s=due)
        )

    def _ids(
        self, connection: Connection, wanted: Sequence[ColumnElement[bool]], *, limit: int | None = None
    ) -> list[str]:
        found = select(DELIVERIES.c.delivery_id).where(*wanted).order_by(DELIVERIES.c.number).limit(limit)
        return list(connection.scalars(found))

    def _change(self, connection: Connection, ids: Sequence[str], **values: Any) -> None:
        """Change deliveries, in portions that every database takes."""
        for start in range(0, len(ids), 500):
            here = DELIVERIES.c.delivery_id.in_(ids[start : start + 500])
            connection.execute(update(DELIVERIES).where(self._own, here).values(values))

    def _due(self) -> Any:
        state = self._schedule.state
        return DELIVERIES.c.next_at_s - state.offset_s if state.frozen_at_s is None else null()
