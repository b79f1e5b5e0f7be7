"""The ledger's tables, and where databases differ: how an order is locked, how SQLite begins.

It knows SQL and nothing of grants. The tables have a prefix, because they live in the backend's own database.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_S: Final = 10
READ_ONLY: Final[Mapping[str, Any]] = {"coinslot_read_only": True}
"""Execution options of a transaction that only reads, so that on SQLite it waits for no writer."""

METADATA: Final = MetaData()


def _key() -> tuple[Column[str], Column[str], Column[str]]:
    """Order ids are opaque and case-sensitive, and unique for one game at one portal."""
    return (
        Column("portal", String(32), primary_key=True),
        Column("game_id", String(64), primary_key=True),
        Column("order_id", String(255), primary_key=True),
    )


ORDERS: Final = Table("coinslot_orders", METADATA, *_key())
"""One row for each order ever heard of; its lock makes everything else about the order happen one by one."""

GRANTS: Final = Table(
    "coinslot_grants",
    METADATA,
    *_key(),
    Column("user_id", String(255), nullable=False, index=True),
    Column("product_id", String(255), nullable=False),
    Column("granted_at_s", Float(53), nullable=False),
    Column("flagged", Boolean, nullable=False),
)
"""Its primary key is what makes a second grant impossible, whatever the code above it does."""

REVOCATIONS: Final = Table(
    "coinslot_revocations",
    METADATA,
    *_key(),
    Column("revoked_at_s", Float(53), nullable=False),
)
"""Refunds, those included that came before their payment."""

OUTBOX: Final = Table(
    "coinslot_outbox",
    METADATA,
    *_key(),
    Column("attempts", Integer, nullable=False),
    Column("due_at_s", Float(53), nullable=False, index=True),
    Column("confirmed_at_s", Float(53)),
)
"""Granted orders and whether the portal knows of it."""

INTENTS: Final = Table(
    "coinslot_intents",
    METADATA,
    Column("portal", String(32), primary_key=True),
    Column("game_id", String(64), primary_key=True),
    Column("external_id", String(255), primary_key=True),
    Column("user_id", String(255), nullable=False),
    Column("product_id", String(255), nullable=False),
    Column("opened_at_s", Float(53), nullable=False),
)
"""Purchases that a player was allowed to begin: the id that the portal is given, and what it stands for."""

PURCHASES: Final = Table(
    "coinslot_purchases",
    METADATA,
    *_key(),
    Column("external_id", String(1024), nullable=False),
    Column("due_at_s", Float(53), nullable=False, index=True),
)
"""Granted purchases of portals that tell nobody of a refund, and when to ask about each again."""


def open_engine(url: str) -> Engine:
    """An engine for the url of a SQLite or PostgreSQL database, as in `sqlite:///game.sqlite`.

    On SQLite: write-ahead log, up to 10 s of waiting for another writer, and transactions that take the
    write lock when they begin; SQLite's own deferred ones lose updates or fail in the middle.
    errors   ValueError for any other kind of database, and where the database's driver is not installed
    """
    backend = make_url(url).get_backend_name()
    if backend not in _INSERTS:
        raise ValueError(f"the ledger runs on sqlite or postgresql, not on {backend}")
    try:
        engine = create_engine(url)
    except ModuleNotFoundError as error:
        raise ValueError(f"the driver {error.name} is not installed") from None
    for moment, listener in _LISTENERS[backend].items():
        event.listen(engine, moment, listener)
    return engine


def lock_order(connection: Connection, key: Mapping[str, str]) -> None:
    """Make sure that the order has its row, and hold its lock until the transaction ends."""
    statement = _INSERTS[connection.dialect.name](ORDERS).values(**key)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={"order_id": statement.excluded.order_id}
        )
    )


_INSERTS: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _prepare_sqlite(dbapi_connection: Any, record: object) -> None:  # noqa: ARG001 - the event's form
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("coinslot_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


_LISTENERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {"connect": _prepare_sqlite, "begin": _begin_sqlite},
    "postgresql": {},
}
