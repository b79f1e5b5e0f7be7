"""Which workspaces there are, and to which of them an id belongs.

These and the queue's are the only queries across workspaces. Every function takes the connection of a
transaction that the caller opened.
"""

from sqlalchemy import Connection, Select, delete, insert, select, update

from coinslot_sandbox.clock import ScheduleState
from coinslot_sandbox.store.records import WorkspaceRecord
from coinslot_sandbox.store.rows import workspace_of, workspace_values
from coinslot_sandbox.store.tables import GAMES, KEYS, METADATA, ORDERS, SEQUENCES, WORKSPACES

_FEW = 2
"""So many owners of an id are looked up: more than one is as good as none."""


def find_workspace(connection: Connection, name: str) -> WorkspaceRecord | None:
    """The workspace of this name."""
    row = connection.execute(select(WORKSPACES).where(WORKSPACES.c.workspace == name)).mappings().first()
    return None if row is None else workspace_of(row)


def list_workspaces(connection: Connection) -> list[WorkspaceRecord]:
    """Every workspace, oldest first."""
    wanted = select(WORKSPACES).order_by(WORKSPACES.c.created_at_s, WORKSPACES.c.workspace)
    return [workspace_of(row) for row in connection.execute(wanted).mappings()]


def add_workspace(connection: Connection, record: WorkspaceRecord) -> None:
    """Lay a workspace; IntegrityError where there is one of this name."""
    connection.execute(insert(WORKSPACES).values(workspace_values(record)))


def delete_workspace(connection: Connection, name: str) -> None:
    """Forget a workspace and every row of it, its counters included."""
    for table in reversed(METADATA.sorted_tables):
        if "workspace" in table.c:
            connection.execute(delete(table).where(table.c.workspace == name))
    connection.execute(delete(SEQUENCES).where(SEQUENCES.c.name.startswith(f"{name}/", autoescape=True)))


def running() -> Select[tuple[str]]:
    """The workspaces whose schedule goes with the machine's clock."""
    return select(WORKSPACES.c.workspace).where(WORKSPACES.c.frozen_at_s.is_(None))


def follow_clock(connection: Connection, *, by_s: float) -> None:
    """Let workspaces end and late keys come when it was promised, after the machine's clock jumped."""
    ends = {"ends_at_s": WORKSPACES.c.ends_at_s + by_s}
    connection.execute(update(WORKSPACES).where(WORKSPACES.c.ends_at_s.is_not(None)).values(ends))
    late = (KEYS.c.publish_at_s.is_not(None), KEYS.c.workspace.in_(running()))
    connection.execute(update(KEYS).where(*late).values(publish_at_s=KEYS.c.publish_at_s + by_s))


def owners_of_order(connection: Connection, order_id: str) -> list[str]:
    """The workspaces that have an order of this id, two at most."""
    wanted = select(ORDERS.c.workspace).where(ORDERS.c.order_id == order_id).limit(_FEW)
    return list(connection.scalars(wanted))


def owners_of_game(connection: Connection, game_id: str) -> list[str]:
    """The workspaces that have a game of this id, two at most."""
    wanted = select(GAMES.c.workspace).where(GAMES.c.game_id == game_id).distinct().limit(_FEW)
    return list(connection.scalars(wanted))


def save_schedule(connection: Connection, name: str, state: ScheduleState) -> None:
    """Write where a workspace's schedule is."""
    values = {"frozen_at_s": state.frozen_at_s, "schedule_offset_s": state.offset_s}
    connection.execute(update(WORKSPACES).where(WORKSPACES.c.workspace == name).values(values))


def save_claims_offset(connection: Connection, name: str, offset_s: float) -> None:
    """Write what a workspace's claims are ahead of the machine's clock."""
    here = WORKSPACES.c.workspace == name
    connection.execute(update(WORKSPACES).where(here).values(claims_offset_s=offset_s))
