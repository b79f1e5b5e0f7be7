"""A database that is away, full, read-only or overrun is Undecided, whatever is asked of the ledger."""

import sqlite3
import threading
from dataclasses import replace

import pytest
from coinslot_contracts.domain import Purchase
from coinslot_contracts.errors import LedgerUnavailable
from coinslot_testkit.ledger_facts import LISTED, PAY
from coinslot_verifier import Intents, Ledger, open_engine
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.tool("postgres"))], indirect=True
)
READS = {
    "find_grant": lambda ledger: ledger.find_grant("o1"),
    "quantities": lambda ledger: ledger.quantities("278"),
    "pending_confirmations": lambda ledger: ledger.pending_confirmations(),
    "next_due_at_s": lambda ledger: ledger.next_due_at_s(),
}
WRITES = {
    "apply": lambda ledger: ledger.apply(PAY),
    "settle": lambda ledger: ledger.settle(LISTED, listed_at_s=0),
    "claim": lambda ledger: ledger.claim_confirmations(limit=1, lease_s=1),
    "grant_purchase": lambda ledger: ledger.grant_purchase(
        Purchase(order_id="o1", external_id="e1", claims={}), user_id="1", product_id="gems"
    ),
    "begin": lambda ledger: _in_a_block(ledger),
    "create_tables": lambda ledger: ledger.create_tables(),
}
ALL = {**READS, **WRITES}


def _in_a_block(ledger):
    with ledger.begin() as connection:
        return ledger.apply(PAY, connection)


@pytest.fixture
def rich(engine):
    """A ledger with tables; its engine for tests that take its database away."""
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    ledger.create_tables()
    return ledger


@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
@SQLITE
def test_a_folder_that_went_away_is_an_outage(tmp_path, call, rich, database_url):
    """SQLITE_CANTOPEN; the twin is the same call where the folder is."""
    call(rich)
    away = open_engine(f"sqlite:///{(tmp_path / 'no-such-folder' / 'x.sqlite').as_posix()}")

    with pytest.raises(LedgerUnavailable, match="OperationalError"):
        call(Ledger(away, portal="jogos", game_id="1220"))


@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
def test_no_free_connection_is_an_outage(call, rich, database_url):
    """A pool that stays empty is no error of the driver's; the twin is the call when one is free again."""
    engine = open_engine(database_url, threads=1)
    engine.pool._timeout = 0.01  # SQLAlchemy takes it only where an engine is made
    ledger = Ledger(engine, portal="jogos", game_id="1220")

    with engine.connect(), pytest.raises(LedgerUnavailable, match="TimeoutError"):
        call(ledger)
    call(ledger)
    engine.dispose()


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@POSTGRESQL
def test_a_server_that_only_reads_is_an_outage_for_writers(call, rich, database_url):
    """State 25006, as on a replica after a failover; it still answers readers."""
    rich.apply(replace(PAY, order_id="before"))
    engine = open_engine(f"{database_url}%20-cdefault_transaction_read_only%3Don")
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    is_needed = call not in (WRITES["create_tables"], WRITES["claim"])

    if is_needed:
        with pytest.raises(LedgerUnavailable, match="ReadOnlySqlTransaction"):
            call(ledger)
    assert [read(ledger) is not None for read in READS.values()] == [False, True, True, True]
    engine.dispose()


@SQLITE
def test_a_full_disk_is_an_outage(rich, database_url):
    """SQLITE_FULL: the file may not grow; what was there can be read, and space helps."""
    engine = open_engine(database_url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    granted: list[str] = []

    def fill() -> None:
        while len(granted) < 10_000:
            ledger.apply(replace(PAY, order_id=f"o{len(granted):0200}"))
            granted.append("granted")

    with pytest.raises(LedgerUnavailable):
        fill()

    assert ledger.quantities("278") == ({"1002": len(granted)} if granted else {})
    assert rich.apply(replace(PAY, order_id="o")).outcome == "granted"
    engine.dispose()


@SQLITE
def test_a_file_that_may_not_be_written_is_an_outage(rich, database_url):
    """SQLITE_READONLY."""
    engine = open_engine(database_url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))

    with pytest.raises(LedgerUnavailable):
        Ledger(engine, portal="jogos", game_id="1220").apply(PAY)
    assert rich.apply(PAY).outcome == "granted"
    engine.dispose()


def test_a_block_tells_any_other_error_as_it_is(rich):
    """The caller's own mistake, and what the tables forbid."""
    with pytest.raises(DBAPIError, match="nowhere"), rich.begin() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))
    rich.apply(PAY)
    with pytest.raises(IntegrityError), rich.begin() as connection:
        connection.execute(text("INSERT INTO coinslot_orders VALUES ('jogos', '1220', 'o1', 'granted')"))


def test_a_block_in_the_callers_own_transaction_leaves_it_open(rich):
    """As `transact` with a connection: who began it ends it, and its errors are the caller's."""
    with rich.begin() as outer:
        with rich.begin(outer) as inner:
            rich.apply(PAY, inner)
        assert outer.in_transaction()
        outer.rollback()

    assert rich.find_grant("o1") is None


def test_intents_tell_an_outage_too(tmp_path):
    """A purchase that cannot be opened now may be opened later."""
    away = open_engine(f"sqlite:///{(tmp_path / 'no-such-folder' / 'x.sqlite').as_posix()}")
    intents = Intents(away, portal="playgama")

    for call in (
        intents.create_tables,
        lambda: intents.open("1", "gems"),
        lambda: intents.find("x"),
    ):
        with pytest.raises(LedgerUnavailable):
            call()


@pytest.mark.parametrize("threads", [1, 5, 32])
def test_as_many_threads_as_were_asked_for_hold_a_connection_at_once(rich, database_url, threads):
    """A sidecar's 32, say: none of them waits for another's; the next one would."""
    engine = open_engine(database_url, threads=threads)
    engine.pool._timeout = 0.01
    barrier = threading.Barrier(threads, timeout=30)
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    held: list[int] = []

    def hold() -> None:
        with ledger._reading() as connection:
            held.append(connection.execute(text("SELECT 1")).scalar_one())
            barrier.wait()

    running = [threading.Thread(target=hold) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()

    assert held == [1] * threads
    assert (engine.pool.size(), engine.pool._max_overflow) == (min(threads, 5), max(threads - 5, 0))
    engine.dispose()


def test_a_database_in_memory_has_no_pool_to_measure():
    """It belongs to one thread."""
    engine = open_engine("sqlite://", threads=32)
    with engine.connect() as connection:
        assert isinstance(connection.connection.driver_connection, sqlite3.Connection)
    engine.dispose()
