"""The ledger's database: its lock, its constraint, and what SQLite and PostgreSQL share."""

import runpy
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
from coinslot_testkit.ledger_facts import PAY
from coinslot_verifier import ledger_store, open_engine
from coinslot_verifier.ledger_store import (
    GRANTS,
    METADATA,
    ORDERS,
    READ_ONLY,
    add_once,
    create_tables,
    is_outage,
    is_retryable,
)
from sqlalchemy import create_engine, create_mock_engine, event, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateTable


def test_the_database_itself_refuses_a_second_grant(ledger, engine):
    """sandbox:at-least-once: a unique constraint, whatever the code above it does."""
    ledger.grant(PAY)
    again = {"portal": "jogos", "game_id": "1220", "order_id": "o1", "user_id": "1", "product_id": "x"}

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(GRANTS).values(**again, granted_at_s=1.0, flagged=False))


def test_a_caller_may_read_before_it_grants(ledger):
    """A transaction that reads first and writes then would fail or lose updates if it began deferred."""
    barrier = threading.Barrier(8)

    def look_and_grant(number: int) -> str:
        barrier.wait(10)
        with ledger.begin() as connection:
            connection.execute(select(GRANTS)).all()
            return ledger.apply(replace(PAY, order_id=f"own{number}"), connection).outcome

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look_and_grant, range(8))) == ["granted"] * 8


@pytest.mark.parametrize("url", ["mysql://x/y", "oracle://x"])
def test_another_kind_of_database_is_refused(url):
    """Where neither locks nor conflicts were tried, no money is kept."""
    kind = url.partition(":")[0]
    with pytest.raises(ValueError, match=f"^the ledger runs on sqlite or postgresql, not on {kind}$"):
        open_engine(url)


@pytest.mark.parametrize("url", ["rubbish", "", "postgresql://user:pa@ss:w0rd@host/game"])
def test_what_is_no_url_is_refused_without_a_word_of_it(url):
    """The library would name the piece that it stumbled over, which can be half a password."""
    with pytest.raises(
        ValueError, match=r"^the address is no database URL, as sqlite:///game\.sqlite is one$"
    ):
        open_engine(url)


def test_a_missing_driver_is_named(monkeypatch):
    """One line, not a traceback."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ValueError, match=r"^the driver psycopg is not installed$"):
        open_engine("postgresql+psycopg://localhost/game")


def test_a_reader_waits_for_no_writer(ledger, engine):
    """The probe answers while a grant is in its transaction, and sees nothing half done."""
    with ledger.begin() as connection:
        ledger.grant(PAY, connection)

        assert ledger.quantities("278") == {}
        assert ledger.find_grant("o1") is None
        assert ledger.find_grant("o1", connection) is not None
    assert ledger.quantities("278") == {"1002": 1}
    assert ledger.find_grant("o1") is not None


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=str)
def test_the_tables_are_postgresqls_too(table):
    """Times are double precision there, or they would lose their fractions."""
    sql = str(CreateTable(table).compile(dialect=postgresql.dialect()))

    assert "PRIMARY KEY (portal, game_id, " in sql
    assert "FLOAT(53)" in sql or table is ORDERS


OUTBOX_DDL = """
CREATE TABLE coinslot_outbox (
	portal VARCHAR(32) NOT NULL,
	game_id VARCHAR(64) NOT NULL,
	order_id VARCHAR(255) NOT NULL,
	attempts INTEGER NOT NULL,
	due_at_s FLOAT(53) NOT NULL,
	confirmed_at_s FLOAT(53),
	PRIMARY KEY (portal, game_id, order_id),
	FOREIGN KEY(portal, game_id, order_id) REFERENCES coinslot_grants (portal, game_id, order_id)
)
"""


def test_the_key_of_every_table_is_word_for_word_what_databases_hold():
    """Tables that exist are never altered, so another length or reference would hold in new databases alone.

    The module is read anew, because a module that was imported is not changed by what is tried on its code.
    """
    tables = runpy.run_path(ledger_store.__file__, run_name=ledger_store.__name__)["METADATA"].tables
    ddl = str(CreateTable(tables["coinslot_outbox"]).compile(dialect=postgresql.dialect()))

    assert ddl.replace(", \n", ",\n").strip() == OUTBOX_DDL.strip()


def test_on_postgresql_the_tables_are_created_under_a_lock():
    """Processes that start together would both find a table missing; SQLite has its write lock."""
    said: list[str] = []
    recorder = create_mock_engine("postgresql+psycopg://", lambda statement, *_: said.append(str(statement)))

    create_tables(SimpleNamespace(begin=lambda: nullcontext(recorder)))

    assert said[0] == "SELECT pg_advisory_xact_lock(77117713)"
    assert "CREATE TABLE coinslot_orders" in said[1]
    assert sum("pg_advisory" in statement for statement in said) == 1


@pytest.mark.parametrize(
    "url", ["postgres://u:p@h/game", "postgresql://u:p@h/game", "postgresql+psycopg://u:p@h/game"]
)
def test_a_postgresql_database_is_opened_with_psycopg_under_either_name(url):
    """Hosting services write postgres://."""
    pytest.importorskip("psycopg")
    engine = open_engine(url)

    assert engine.url.render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h/game"
    assert engine.pool._pre_ping  # SQLAlchemy shows it nowhere else; a server that restarts shows its use


def test_a_sqlite_database_is_opened_as_the_ledger_needs_it(tmp_path):
    """Every setting that SQLite keeps for a connection, asked of SQLite itself."""
    engine = open_engine(f"sqlite:///{(tmp_path / 'x.sqlite').as_posix()}")
    said: list[str] = []
    event.listen(engine, "connect", lambda connection, _: connection.set_trace_callback(said.append))
    names = ("busy_timeout", "journal_mode", "foreign_keys")
    with engine.connect() as connection:
        settings = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        connection.exec_driver_sql("SELECT 1")
    said_of_ours = [one for one in said if not one.startswith("PRAGMA")]
    raw = engine.raw_connection()
    raw.execute("CREATE TABLE of_the_backend (x)")
    raw.execute("INSERT INTO of_the_backend VALUES (1)")
    began_itself = raw.driver_connection.in_transaction
    raw.close()
    engine.dispose()

    assert not began_itself
    assert settings == {"busy_timeout": 10_000, "journal_mode": "wal", "foreign_keys": 1}
    assert said_of_ours == [
        "BEGIN IMMEDIATE",
        "ROLLBACK",
        "BEGIN",
        "SELECT 1",
        "ROLLBACK",
    ]


def test_a_pool_without_a_free_connection_is_an_outage():
    """It is no error of the driver, so it has neither state nor code; asking again at once is of no use."""
    error = PoolTimeout("QueuePool limit")

    assert (is_outage(error), is_retryable(error)) == (True, False)


def test_a_row_is_added_once(engine, ledger):
    """Whether it was added, not whether it is there."""
    row = {"portal": "p", "game_id": "g", "order_id": "o", "decided": "granted"}
    with engine.begin() as connection:
        assert [add_once(connection, ORDERS, row) for _ in range(2)] == [True, False]
        assert add_once(connection, ORDERS, {**row, "order_id": "o2"}) is True


class ForgetfulCursor(sqlite3.Cursor):
    """What PEP 249 allows a driver: a cursor that was closed knows nothing any more."""

    rowcount = property(lambda self: -1 if self.is_closed else super().rowcount)
    is_closed = False

    def close(self) -> None:
        super().close()
        self.is_closed = True


class ForgetfulConnection(sqlite3.Connection):
    """Its cursors forget."""

    def cursor(self) -> sqlite3.Cursor:
        return super().cursor(ForgetfulCursor)


def test_whether_a_row_was_added_is_known_although_the_driver_forgets_it():
    """SQLAlchemy closes the cursor of an INSERT at once."""
    engine = create_engine("sqlite://", connect_args={"factory": ForgetfulConnection})
    create_tables(engine)
    row = {"portal": "p", "game_id": "g", "order_id": "o", "decided": "granted"}

    with engine.begin() as connection:
        assert [add_once(connection, ORDERS, row) for _ in range(2)] == [True, False]
    engine.dispose()


class DriverError(Exception):
    """What a driver raises: PostgreSQL's name a state, SQLite's a code of their own."""

    def __init__(self, *, sqlstate: str | None = None, sqlite_errorcode: int | None = None) -> None:
        super().__init__("said the driver")
        if sqlstate is not None:
            self.sqlstate = sqlstate
        if sqlite_errorcode is not None:
            self.sqlite_errorcode = sqlite_errorcode


@pytest.mark.parametrize(
    ("state", "outage", "retryable"),
    [
        ("40001", True, True),  # serialization failure
        ("40P01", True, True),  # deadlock
        ("40002", False, False),  # an integrity constraint, found late
        ("55P03", True, False),  # a lock was not to be had
        ("55006", False, False),  # an object is in use
        ("57014", True, False),  # a statement was cancelled
        ("57P01", True, False),  # an administrator's shutdown
        ("53300", True, False),  # too many connections
        ("08006", True, False),  # the connection broke
        ("25006", True, False),  # a server that only reads
        ("25001", False, False),  # a transaction within one
        ("53100", True, False),  # the disk is full
        ("58030", True, False),  # the system's own input or output failed
        ("23505", False, False),  # a unique constraint
        ("42P01", False, False),  # no such table
    ],
)
def test_what_a_state_of_postgresql_means(state, outage, retryable):
    """An outage says nothing of what was asked; a mistake does. A state decides before the kind of error."""
    for kind in (OperationalError, IntegrityError):
        error = kind("SELECT 1", {}, DriverError(sqlstate=state))

        assert (is_outage(error), is_retryable(error)) == (outage, retryable)


@pytest.mark.parametrize(
    ("code", "outage"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_LOCKED, True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, True),
        (sqlite3.SQLITE_ERROR, False),
        (sqlite3.SQLITE_READONLY, True),
        (sqlite3.SQLITE_READONLY_DBMOVED, True),
        (sqlite3.SQLITE_IOERR, True),
        (sqlite3.SQLITE_IOERR_FSYNC, True),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_CANTOPEN, True),
        (sqlite3.SQLITE_CORRUPT, False),
        (sqlite3.SQLITE_NOTADB, False),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, False),
    ],
)
def test_what_a_code_of_sqlite_means(code, outage):
    """Its extended codes hold the plain one in their lowest byte; nothing is worth repeating."""
    error = OperationalError("SELECT 1", {}, DriverError(sqlite_errorcode=code))

    assert (is_outage(error), is_retryable(error)) == (outage, False)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (OperationalError("SELECT 1", {}, DriverError()), True),
        (InterfaceError("SELECT 1", {}, DriverError()), False),
        (InterfaceError("SELECT 1", {}, DriverError(), connection_invalidated=True), True),
    ],
    ids=["operational", "interface", "interface, connection lost"],
)
def test_where_the_driver_names_neither_the_kind_of_error_decides(error: DBAPIError, outage):
    """A server that cannot be reached has given no state yet."""
    assert (is_outage(error), is_retryable(error)) == (outage, False)


def test_fifteen_threads_may_use_an_engine_unless_more_are_asked_for(tmp_path):
    """Who comes then finds no connection free."""
    for threads, more in ((15, {}), (2, {"threads": 2})):
        engine = open_engine(f"sqlite:///{(tmp_path / 'many.sqlite').as_posix()}", **more)
        engine.pool._timeout = 0.01
        with ExitStack() as stack:
            for _ in range(threads):
                stack.enter_context(engine.connect())
            with pytest.raises(PoolTimeout):
                engine.connect()
        engine.dispose()


class WalCursor:
    """A cursor of SQLite that fails with these codes, and then switches."""

    def __init__(self, *codes):
        self.codes = list(codes)
        self.said = []

    def execute(self, statement):
        self.said.append(statement)
        if self.codes:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.codes.pop(0)
            raise error


@pytest.mark.parametrize("busy", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_a_log_that_somebody_else_is_switching_to_is_waited_for(busy):
    """SQLite answers BUSY at once there, whatever its time-out is."""
    cursor = WalCursor(busy, busy)

    ledger_store._write_ahead(cursor)

    assert cursor.said == ["PRAGMA journal_mode = WAL"] * 3


def test_a_log_that_stays_locked_is_given_up(monkeypatch):
    """After BUSY_TIMEOUT_S; and anything but BUSY at once."""
    monkeypatch.setattr(ledger_store, "BUSY_TIMEOUT_S", 0.05)
    locked = WalCursor(*[sqlite3.SQLITE_BUSY] * 100_000)
    broken = WalCursor(*[sqlite3.SQLITE_IOERR] * 2)

    for cursor in (locked, broken):
        with pytest.raises(sqlite3.OperationalError):
            ledger_store._write_ahead(cursor)

    assert 2 <= len(locked.said) < 100
    assert len(broken.said) == 1

    monkeypatch.setattr(ledger_store, "BUSY_TIMEOUT_S", 0)
    monkeypatch.setattr(ledger_store, "time", SimpleNamespace(monotonic=lambda: 100.0, sleep=lambda _: None))
    last = WalCursor(sqlite3.SQLITE_BUSY)
    with pytest.raises(sqlite3.OperationalError):
        ledger_store._write_ahead(last)
