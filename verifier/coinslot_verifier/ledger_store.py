"""The ledger's tables, and where databases differ: how a row is added once, how SQLite begins.

It knows SQL and nothing of grants. The tables have a prefix, because they live in the backend's own database.
Once, and never after a refund, are constraints of the tables: whatever writes to them keeps to that.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from coinslot_contracts.errors import LedgerUnavailable
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

BUSY_TIMEOUT_S: Final = 10
KEPT: Final = 5
"""Connections that stay open."""
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


def _belongs_to(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(_KEY, [f"{table}.{name}" for name in _KEY])


_KEY: Final = ("portal", "game_id", "order_id")

ORDERS: Final = Table(
    "coinslot_orders",
    METADATA,
    *_key(),
    Column("decided", String(8), nullable=False),
    CheckConstraint("decided IN ('granted', 'refunded')", name="coinslot_orders_decided"),
    UniqueConstraint(*_KEY, "decided", name="coinslot_orders_decision"),
)
"""What came first for an order, its payment or its refund: decided once by whoever adds the row, for good."""

GRANTS: Final = Table(
    "coinslot_grants",
    METADATA,
    *_key(),
    Column("user_id", String(255), nullable=False, index=True),
    Column("product_id", String(255), nullable=False),
    Column("granted_at_s", Float(53), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("decided", String(8), nullable=False, server_default=text("'granted'")),
    CheckConstraint("decided = 'granted'", name="coinslot_grants_decided"),
    ForeignKeyConstraint(
        [*_KEY, "decided"],
        [f"coinslot_orders.{name}" for name in (*_KEY, "decided")],
        name="coinslot_grants_decision",
    ),
)
"""Its primary key makes a second grant impossible, its foreign key one after a refund that came first."""

REVOCATIONS: Final = Table(
    "coinslot_revocations",
    METADATA,
    *_key(),
    Column("revoked_at_s", Float(53), nullable=False),
    _belongs_to("coinslot_orders"),
)
"""Refunds, once each, those included that came before their payment."""

OUTBOX: Final = Table(
    "coinslot_outbox",
    METADATA,
    *_key(),
    Column("attempts", Integer, nullable=False),
    Column("due_at_s", Float(53), nullable=False, index=True),
    Column("confirmed_at_s", Float(53)),
    _belongs_to("coinslot_grants"),
)
"""Granted orders, when the portal is to be told next, and whether it acknowledged.

Whoever asks moves due_at_s ahead first, so that nobody else asks meanwhile, and somebody does after a crash.
"""

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
    _belongs_to("coinslot_grants"),
)
"""Granted purchases of portals that tell nobody of a refund, and when to ask about each again."""


def open_engine(url: str, *, threads: int = 15) -> Engine:
    """An engine for the url of a SQLite or PostgreSQL database, as in `sqlite:///game.sqlite`.

    `postgresql://` and `postgres://` mean psycopg 3.

    On SQLite: write-ahead log, foreign keys enforced, up to 10 s of waiting for another writer, and
    transactions that take the write lock when they begin; SQLite's own deferred ones lose updates or fail in
    the middle. On PostgreSQL: read committed unless the server is set to more, and a connection that the
    server has closed meanwhile is replaced when it is taken out of the pool.
    threads  how many may use it at the same time: so many connections are opened when they are needed, of
             which five are kept; who finds none free waits for up to 30 s, then it is LedgerUnavailable
    errors   ValueError for what is no URL, for any other kind of database, and where the database's driver is
             not installed; it never holds a part of the URL
    """
    try:
        where = make_url(url)
    except (ArgumentError, ValueError):  # their words can hold the password
        raise ValueError("the address is no database URL, as sqlite:///game.sqlite is one") from None
    if where.drivername in ("postgres", "postgresql"):
        where = where.set(drivername="postgresql+psycopg")
    backend = where.get_backend_name()
    if backend not in _INSERTS:
        raise ValueError(f"the ledger runs on sqlite or postgresql, not on {backend}")
    try:
        dialect: Any = where.get_dialect()  # the class has more than its stub says
        is_pooled = issubclass(dialect.get_pool_class(where), QueuePool)
        pool = {"pool_size": min(threads, KEPT), "max_overflow": max(threads - KEPT, 0)} if is_pooled else {}
        engine = create_engine(where, pool_pre_ping=backend == "postgresql", **pool)
    except ModuleNotFoundError as error:
        raise ValueError(f"the driver {error.name} is not installed") from None
    for moment, listener in _LISTENERS[backend].items():
        event.listen(engine, moment, listener)
    return engine


def create_tables(engine: Engine) -> None:
    """Create what is missing; processes that start together wait for each other.

    errors   LedgerUnavailable where the database is away
    """
    with outages(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_TABLES_LOCK})"))
        METADATA.create_all(connection)


def add_once(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Add a row unless there is one of its key; whether it was added.

    Waits for a transaction that is adding the same one, and adds it where that one is undone.
    """
    statement = _INSERTS[connection.dialect.name](table).values(**row).on_conflict_do_nothing()
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return bool(done.rowcount == 1)


def is_retryable(error: DBAPIError | PoolTimeout) -> bool:
    """Whether the database undid the transaction for the sake of another, and asks for it to be repeated."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE


@contextmanager
def outages() -> Iterator[None]:
    """Run a block that uses the database; whatever else goes wrong in it leaves as it is.

    errors   LedgerUnavailable where the database is away, full or busy, or no connection to it is free
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if not is_outage(error):
            raise
        raise away(error) from None


def away(error: DBAPIError | PoolTimeout) -> LedgerUnavailable:
    """An outage as an Undecided that names its kind alone, because a driver's words may hold values."""
    kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
    return LedgerUnavailable(f"the ledger's database is away or busy: {kind}")


def is_outage(error: DBAPIError | PoolTimeout) -> bool:
    """Whether the database was away, full or too busy, which says nothing of what was asked of it."""
    if isinstance(error, PoolTimeout):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in _RETRYABLE or state in _BUSY or state[:2] in _AWAY
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_OUTAGES
    return error.connection_invalidated or isinstance(error, OperationalError)


_TABLES_LOCK: Final = 77_117_713
_RETRYABLE: Final = ("40001", "40P01")
"""Serialization failure, deadlock."""
_BUSY: Final = ("55P03", "57014", "25006")
"""A lock or a statement that took longer than the server allows; a server that only reads, as a replica."""
_AWAY: Final = ("08", "53", "57", "58")
"""Classes of states: no connection, no resources, an operator's shutdown, a system that fails under it."""
_SQLITE_OUTAGES: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)
"""Somebody else writes, or the disk, its rights or its folder fail."""

_INSERTS: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


_PRAGMAS: Final = (f"busy_timeout = {BUSY_TIMEOUT_S * 1000}", "foreign_keys = ON")
_LOOK_AGAIN_S: Final = 0.01
_BEGIN_READING: Final = "BEGIN"
_BEGIN_WRITING: Final = "BEGIN IMMEDIATE"


def _prepare_sqlite(dbapi_connection: Any, record: object) -> None:  # noqa: ARG001 - the event's form
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch to the write-ahead log; where somebody else is doing so, SQLite does not wait by itself."""
    ends_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= ends_s:
                raise
        else:
            return
        time.sleep(_LOOK_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("coinslot_read_only")
    connection.exec_driver_sql(_BEGIN_READING if read_only else _BEGIN_WRITING)


_LISTENERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {"connect": _prepare_sqlite, "begin": _begin_sqlite},
    "postgresql": {},
}
