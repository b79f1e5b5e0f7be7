"""The queue of what is due, across all workspaces: claims, leases, and when something can be claimed next.

One attempt of an order is under way at a time, and an order's deliveries go in the order of their making:
only the first pending one of each order can be claimed. A claim is a lease, so that what a killed process had
in its hands is taken up again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, or_, select, tuple_, update

from coinslot_sandbox.store.post import IS_FIRST
from coinslot_sandbox.store.records import Delivery
from coinslot_sandbox.store.rows import delivery_of
from coinslot_sandbox.store.shelf import WAITS
from coinslot_sandbox.store.tables import DELIVERIES
from coinslot_sandbox.store.tenants import running

LEASE_MAX_S = 60.0
"""A lease that ends later than this was written by a clock that has jumped back since, and counts as over."""

_LEASE = DELIVERIES.c.lease_until_s
_IS_FREE = or_(_LEASE.is_(None), bindparam("now_s") >= _LEASE, bindparam("wrong_s") < _LEASE)
# Put together once: building a statement costs more than running it, and these run for every delivery.
_CLAIM = (
    select(DELIVERIES)
    .where(*WAITS, DELIVERIES.c.due_s <= bindparam("now_s"), _IS_FREE, IS_FIRST)
    .order_by(DELIVERIES.c.due_s, DELIVERIES.c.workspace, DELIVERIES.c.number)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_NEXT_DUE = (
    select(DELIVERIES.c.due_s)
    .where(*WAITS, DELIVERIES.c.due_s.is_not(None), _IS_FREE, IS_FIRST)
    .order_by(DELIVERIES.c.due_s)
    .limit(1)
)

Place = tuple[str, str]
"""Workspace and delivery id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours until its lease ends."""

    workspace: str
    delivery: Delivery

    @property
    def place(self) -> Place:
        """Workspace and delivery id."""
        return self.workspace, self.delivery.delivery_id


def claim(connection: Connection, *, now_s: float, lease_until_s: float, limit: int) -> list[Claimed]:
    """Take up to `limit` deliveries that are due by the machine's clock."""
    rows = connection.execute(_CLAIM, {**_moments(now_s), "most": limit}).mappings()
    found = [Claimed(workspace=row["workspace"], delivery=delivery_of(row)) for row in rows]
    renew(connection, [claimed.place for claimed in found], lease_until_s=lease_until_s)
    return found


def renew(connection: Connection, places: Sequence[Place], *, lease_until_s: float) -> None:
    """Hold deliveries for longer."""
    if places:
        here = tuple_(DELIVERIES.c.workspace, DELIVERIES.c.delivery_id).in_(places)
        connection.execute(update(DELIVERIES).where(here).values(lease_until_s=lease_until_s))


def next_due_s(connection: Connection, *, now_s: float) -> float | None:
    """The machine's time of what can be claimed next; what is under lease is found when that has ended."""
    value = connection.scalar(_NEXT_DUE, _moments(now_s))
    return None if value is None else float(value)


def pull_forward(connection: Connection, *, by_s: float) -> None:
    """Let everything that waits for the machine's clock wait so much less, after that went back."""
    earlier = {"due_s": DELIVERIES.c.due_s - by_s, "next_at_s": DELIVERIES.c.next_at_s - by_s}
    connection.execute(update(DELIVERIES).where(*WAITS, DELIVERIES.c.due_s.is_not(None)).values(earlier))
    held = (*WAITS, DELIVERIES.c.held.is_(True), DELIVERIES.c.workspace.in_(running()))
    connection.execute(update(DELIVERIES).where(*held).values(next_at_s=earlier["next_at_s"]))


def _moments(now_s: float) -> dict[str, float]:
    return {"now_s": now_s, "wrong_s": now_s + LEASE_MAX_S}
