"""Deliveries and attempts of one workspace: what was told to a backend, and what it said.

Times here are the schedule's; each is written beside its moment on the machine's clock, by which the queue
goes. What is due across all workspaces is the queue's matter (`store.due`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    not_,
    null,
    or_,
    select,
    update,
)

from coinslot_sandbox.clock import ScheduleClock
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState, DueDelivery, Outcome
from coinslot_sandbox.store.rows import delivery_of, delivery_values
from coinslot_sandbox.store.shelf import WAITS, Shelf, unless_held
from coinslot_sandbox.store.tables import ATTEMPTS, DELIVERIES

_EARLIER = DELIVERIES.alias("earlier")
IS_FIRST = or_(
    DELIVERIES.c.waits_for.is_not(None),
    ~exists().where(
        _EARLIER.c.order_id == DELIVERIES.c.order_id,
        _EARLIER.c.workspace == DELIVERIES.c.workspace,
        _EARLIER.c.state == "pending",
        _EARLIER.c.mode == "scheduled",
        _EARLIER.c.held.is_(False),
        _EARLIER.c.waits_for.is_(None),
        _EARLIER.c.number < DELIVERIES.c.number,
    ),
)
"""An order's deliveries go in the order of their making: only the first that waits can be attempted.

What is held, or put off or added by a fault, stands aside: disorder is what was asked for.
"""


# What every attempt asks and writes is put together once: building a statement costs more than running it.
_OWN = DELIVERIES.c.workspace == bindparam("own")
_THIS = and_(_OWN, DELIVERIES.c.delivery_id == bindparam("this"))
_FIND = select(DELIVERIES).where(_THIS)
_NEXT = (
    select(*(DELIVERIES.c[name] for name in ("delivery_id", "order_id", "kind", "next_at_s")))
    .where(_OWN, *WAITS, DELIVERIES.c.held.is_(False), IS_FIRST)
    .order_by(DELIVERIES.c.next_at_s, DELIVERIES.c.number)
    .limit(1)
)
_NEXT_UNTIL = _NEXT.where(DELIVERIES.c.next_at_s <= bindparam("until_s"))
_ADD_ATTEMPT = insert(ATTEMPTS)
_COUNTS = DELIVERIES.c.state.in_(bindparam("only_from", expanding=True))


def _settled(name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((_COUNTS, value), else_=DELIVERIES.c[name])


def _bound(name: str) -> ColumnElement[Any]:
    column = DELIVERIES.c[name]
    # cast, because PostgreSQL takes a bare parameter inside of CASE for text
    return cast(bindparam(f"new_{name}", type_=column.type), column.type)


_COUNT = (
    update(DELIVERIES)
    .where(_THIS)
    .values(
        attempts_made=DELIVERIES.c.attempts_made + bindparam("made"),
        scheduled_made=DELIVERIES.c.scheduled_made + bindparam("scheduled"),
    )
    .returning(DELIVERIES.c.attempts_made)
)
_SETTLE = _COUNT.values(
    state=_settled("state", _bound("state")),
    next_at_s=_settled("next_at_s", _bound("next_at_s")),
    due_s=_settled("due_s", unless_held(DELIVERIES.c.held, _bound("due_s"))),
)
_SETTLE_DUE = _SETTLE.values(cause="schedule", waits_for=null(), lease_until_s=null())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are wanted; None means any.

    since_s, until_s  when they were made, on the schedule; both ends included
    after             made after the delivery of this id
    """

    order_id: str | None = None
    game_id: str | None = None
    state: str | None = None
    kind: str | None = None
    held: bool | None = None
    since_s: float | None = None
    until_s: float | None = None
    after: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for a query, but for `after`."""
        columns = {"order_id": self.order_id, "game_id": self.game_id, "state": self.state, "kind": self.kind}
        found = [DELIVERIES.c[name] == value for name, value in columns.items() if value is not None]
        if self.held is not None:
            is_held = and_(DELIVERIES.c.held.is_(True), DELIVERIES.c.state == "pending")
            found.append(is_held if self.held else not_(is_held))
        if self.since_s is not None:
            found.append(DELIVERIES.c.created_at_s >= self.since_s)
        if self.until_s is not None:
            found.append(DELIVERIES.c.created_at_s <= self.until_s)
        return found


class Post:
    """The deliveries of one workspace."""

    def __init__(self, workspace: str, schedule: ScheduleClock) -> None:
        self.workspace = workspace
        self._schedule = schedule
        self._own = DELIVERIES.c.workspace == workspace
        self.shelf = Shelf(workspace, schedule)

    def add(self, connection: Connection, delivery: Delivery) -> None:
        """Write a new delivery, in the transaction of what it tells."""
        row = {
            "workspace": self.workspace,
            "due_s": None if delivery.held else self._machine_s(delivery.next_at_s),
            **delivery_values(delivery),
        }
        connection.execute(insert(DELIVERIES).values(row))

    def find_next(self, connection: Connection, *, until_s: float | None) -> DueDelivery | None:
        """What is attempted next on the schedule, held ones aside; None where nothing is by `until_s`."""
        if until_s is None:
            found = connection.execute(_NEXT, {"own": self.workspace})
        else:
            found = connection.execute(_NEXT_UNTIL, {"own": self.workspace, "until_s": until_s})
        row = found.mappings().first()
        return None if row is None else DueDelivery(**row)

    def follow_schedule(self, connection: Connection, schedule: ScheduleClock) -> None:
        """Write the machine's time of everything that waits, after the schedule was set."""
        offset_s = schedule.state.offset_s
        due = DELIVERIES.c.next_at_s - offset_s if not schedule.is_frozen else null()
        connection.execute(
            update(DELIVERIES).where(self._own, *WAITS, DELIVERIES.c.held.is_(False)).values(due_s=due)
        )

    def find(self, connection: Connection, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        row = connection.execute(_FIND, {"own": self.workspace, "this": delivery_id}).mappings().first()
        return None if row is None else delivery_of(row)

    def list_deliveries(
        self,
        connection: Connection,
        *,
        order_id: str | None = None,
        state: str | None = None,
        limit: int,
    ) -> list[Delivery]:
        """Deliveries in the order of their making."""
        wanted = DeliveryFilter(order_id=order_id, state=state)
        return self.list_matching(connection, wanted, limit=limit)

    def list_matching(
        self, connection: Connection, wanted: DeliveryFilter, *, limit: int, newest_first: bool = False
    ) -> list[Delivery]:
        """Deliveries that a filter takes, in the order of their making, or the reverse."""
        number = DELIVERIES.c.number
        found = select(DELIVERIES).where(self._own, *wanted.conditions())
        if wanted.after is not None:
            here = (self._own, DELIVERIES.c.delivery_id == wanted.after)
            place = func.coalesce(select(number).where(*here).scalar_subquery(), -1)
            found = found.where(number < place if newest_first else number > place)
        ordered = found.order_by(number.desc() if newest_first else number)
        return [delivery_of(row) for row in connection.execute(ordered.limit(limit)).mappings()]

    def list_attempts(self, connection: Connection, delivery_id: str) -> list[AttemptRecord]:
        """The attempts of a delivery, first to last."""
        wanted = (
            select(ATTEMPTS.c.record)
            .where(ATTEMPTS.c.workspace == self.workspace, ATTEMPTS.c.delivery_id == delivery_id)
            .order_by(ATTEMPTS.c.attempt)
        )
        return [json.loads(record) for record in connection.scalars(wanted)]

    def add_attempts(
        self, connection: Connection, delivery_id: str, records: Iterable[AttemptRecord]
    ) -> None:
        """Write attempts that were made."""
        rows = [
            {
                "workspace": self.workspace,
                "delivery_id": delivery_id,
                "attempt": record["attempt"],
                "at_s": record["at_s"],
                "record": json.dumps(record),
            }
            for record in records
        ]
        connection.execute(_ADD_ATTEMPT, rows)

    def settle(
        self,
        connection: Connection,
        delivery_id: str,
        *,
        made: int,
        scheduled: int,
        outcome: Outcome | None,
        only_from: Sequence[DeliveryState],
        was_due: bool,
    ) -> int | None:
        """Count attempts, and write what they led to.

        made       how many there were
        scheduled  how many of them the schedule's retries count from
        outcome    None where they lead to nothing: state and time stay as they are by now
        only_from  the states in which the outcome still counts; one that was cancelled meanwhile stays so
        was_due    it is what the delivery waited for, not something between; the lease ends
        returns    the number of the last of them, None where there is no such delivery any more
        """
        statement, values = (
            _COUNT,
            {
                "own": self.workspace,
                "this": delivery_id,
                "made": made,
                "scheduled": scheduled,
            },
        )
        if outcome is not None:
            state, next_at_s = outcome
            statement = _SETTLE_DUE if was_due else _SETTLE
            values |= {
                "only_from": list(only_from),
                "new_state": state,
                "new_next_at_s": next_at_s,
                "new_due_s": self._machine_s(next_at_s),
            }
        last: int | None = connection.scalar(statement, values)
        return last

    def cancel_of_order(self, connection: Connection, order_id: str) -> int:
        """Cancel what is still pending of an order; how many that were."""
        changed = connection.execute(
            update(DELIVERIES)
            .where(self._own, DELIVERIES.c.order_id == order_id, *WAITS)
            .values(state="cancelled", next_at_s=None, due_s=None, lease_until_s=None)
        )
        return changed.rowcount

    def fail_manual(self, connection: Connection, *, but: Sequence[str]) -> list[Delivery]:
        """Fail what is hand-made and pending, as whoever had it in hand will not settle it.

        but  ids of what somebody has in hand
        """
        here = (DELIVERIES.c.mode == "manual", DELIVERIES.c.state == "pending")
        failed = (
            update(DELIVERIES)
            .where(self._own, *here, DELIVERIES.c.delivery_id.not_in(but))
            .values(state="failed")
            .returning(DELIVERIES)
        )
        return [delivery_of(row) for row in connection.execute(failed).mappings()]

    def clear(self, connection: Connection) -> None:
        """Forget every delivery, attempt and hold of the workspace."""
        self.shelf.clear(connection)
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.workspace == self.workspace))
        connection.execute(delete(DELIVERIES).where(self._own))

    def _machine_s(self, next_at_s: float | None) -> float | None:
        return None if next_at_s is None else self._schedule.machine_s(next_at_s)
