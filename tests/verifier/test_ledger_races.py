"""Several processes and threads at one order, and what the database itself forbids, on both databases."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from coinslot_contracts.errors import LedgerUnavailable
from coinslot_testkit.child_environment import with_testkit
from coinslot_testkit.ledger_facts import LISTED, PAY, REFUND
from coinslot_verifier import Ledger, open_engine
from coinslot_verifier.ledger_store import GRANTS, ORDERS, OUTBOX, REVOCATIONS
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

KEY = {"portal": "jogos", "game_id": "1220", "order_id": "o1"}
POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.tool("postgres"))], indirect=True
)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GRANT = """
import sys
from contextlib import suppress
from dataclasses import replace
from coinslot_testkit.ledger_facts import PAY
from coinslot_verifier import Ledger, open_engine
ledger = Ledger(open_engine(sys.argv[1]), portal="jogos", game_id="1220")
ledger.create_tables()
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    print(ledger.apply(replace(PAY, order_id=f"p{number}")).outcome, flush=True)
"""


def _count(engine, table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_two_processes_with_the_same_orders_grant_each_once(database_url):
    """sandbox:at-least-once; they create the tables at once too."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", GRANT, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=with_testkit(),
        )
        for _ in range(2)
    ]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
        outcomes = [process.communicate("go\n", timeout=60)[0].split() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [sorted(pair) for pair in zip(*outcomes, strict=True)] == [["already-granted", "granted"]] * 25


MAKERS = {
    "Ledger": "from coinslot_verifier import Ledger, open_engine\n"
    "make = Ledger(open_engine(sys.argv[1]), portal='jogos').create_tables",
    "Intents": "from coinslot_verifier import Intents, open_engine\n"
    "make = Intents(open_engine(sys.argv[1]), portal='playgama').create_tables",
    "sidecar": "from coinslot_verifier.sidecar.services import open_ledger\n"
    "make = lambda: open_ledger(sys.argv[1])",
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_processes_that_start_together_all_find_their_tables(database_url, maker):
    """A deployment of several replicas on an empty database; without a lock one finds a table half made."""
    code = f"import sys\n{maker}\nprint('ready', flush=True)\nsys.stdin.readline()\nmake()\nprint('made')"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=with_testkit(),
        )
        for _ in range(4)
    ]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [said for said, _ in ended] == ["made\n"] * 4, ended


def test_two_transactions_over_two_orders_in_turn_do_not_stay_locked(ledger):
    """Each holds what the other wants: one is undone by the database, and done again."""
    both_have_one = threading.Barrier(2, timeout=1)
    names = [("a", "b"), ("b", "a")]

    def work(place: int) -> list[str]:
        tries = []

        def once(connection) -> list[str]:
            tries.append(place)
            first, second = (replace(PAY, order_id=name) for name in names[place])
            outcomes = [ledger.apply(first, connection).outcome]
            if len(tries) == 1:
                with suppress(threading.BrokenBarrierError):  # SQLite lets one transaction in at a time
                    both_have_one.wait()
            return [*outcomes, ledger.apply(second, connection).outcome]

        return ledger.transact(once)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(work, range(2)))

    assert sorted(outcomes) == [["already-granted"] * 2, ["granted"] * 2]


@POSTGRESQL
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_stricter_isolation_ends_the_same_way(ledger, engine, level):
    """A serialization failure is tried again, not told to the portal."""
    strict = Ledger(engine.execution_options(isolation_level=level), portal="jogos", game_id="1220")
    for number in range(5):
        messages = [replace(message, order_id=f"s{number}") for message in (PAY, REFUND) * 4]
        barrier = threading.Barrier(len(messages))

        def apply(message, barrier=barrier) -> str:
            barrier.wait(10)
            return strict.apply(message).outcome

        with ThreadPoolExecutor(len(messages)) as pool:
            outcomes = list(pool.map(apply, messages))

        assert outcomes.count("granted") == outcomes.count("revoked") <= 1
    assert ledger.quantities("278") == {}


@POSTGRESQL
def test_work_that_never_gets_through_is_undecided(ledger):
    """Eight times at most; the twin gets through at the second."""
    tries = []

    def always_fails(connection) -> None:
        tries.append(1)
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$"))

    def fails_once(connection) -> str:
        tries.append(2)
        if tries.count(2) == 1:
            always_fails(connection)
        return ledger.apply(PAY, connection).outcome

    with pytest.raises(LedgerUnavailable, match="SerializationFailure"):
        ledger.transact(always_fails)
    assert len(tries) == 8
    assert ledger.transact(fails_once) == "granted"


@POSTGRESQL
@pytest.mark.parametrize("state", ["55P03", "57014", "53300"])
def test_a_busy_server_is_undecided_at_once(ledger, state):
    """A lock or a statement that took too long, too many connections."""
    with pytest.raises(LedgerUnavailable):
        ledger.transact(
            lambda c: c.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))
        )


@POSTGRESQL
def test_a_connection_that_the_server_cut_is_undecided_and_the_next_call_works(ledger, engine):
    """An administrator ends it, or the server restarts."""
    cut = text("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(LedgerUnavailable, match="AdminShutdown"):
        ledger.transact(lambda connection: connection.execute(cut))
    assert ledger.apply(PAY).outcome == "granted"


@pytest.mark.tool("postgres")
def test_a_server_that_is_not_there_is_undecided():
    """Nothing listens on port 1."""
    ledger = Ledger(open_engine("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"), portal="x")

    with pytest.raises(LedgerUnavailable, match="away or busy"):
        ledger.revoke_purchase("o1")


@SQLITE
def test_a_file_that_stays_locked_is_undecided(ledger, engine):
    """After BUSY_TIMEOUT_S; without waiting here."""
    other = open_engine(str(engine.url))
    event.listen(other, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 0"))
    impatient = Ledger(other, portal="jogos", game_id="1220")

    with ledger.begin(), pytest.raises(LedgerUnavailable):
        impatient.apply(PAY)
    assert impatient.apply(PAY).outcome == "granted"
    other.dispose()


def test_any_other_error_of_the_database_is_told_as_it_is(ledger):
    """A mistake in the caller's SQL is no outage."""
    with pytest.raises(DBAPIError, match="nowhere"):
        ledger.transact(lambda connection: connection.execute(text("SELECT 1 FROM nowhere")))


def test_in_the_callers_own_transaction_errors_are_the_callers(ledger, engine):
    """Nothing is tried again there, because the caller's part would be lost."""
    calls = []

    def work(connection) -> None:
        calls.append(1)
        raise OperationalError("x", {}, Exception("x"))

    with ledger.begin() as connection, pytest.raises(OperationalError):
        ledger.transact(work, connection)
    assert calls == [1]


def _grant_row(**changes):
    return insert(GRANTS).values(
        **{**KEY, **changes}, user_id="1", product_id="x", granted_at_s=1.0, flagged=False
    )


@pytest.mark.parametrize(
    "statement",
    [
        _grant_row(),
        _grant_row(order_id="o2"),
        _grant_row(order_id="o3"),
        insert(ORDERS).values(**KEY, decided="refunded"),
        insert(ORDERS).values(**{**KEY, "order_id": "o9"}, decided="maybe"),
        insert(REVOCATIONS).values(**{**KEY, "order_id": "o2"}, revoked_at_s=1.0),
        insert(REVOCATIONS).values(**{**KEY, "order_id": "o3"}, revoked_at_s=1.0),
        insert(OUTBOX).values(**{**KEY, "order_id": "o2"}, attempts=0, due_at_s=1.0),
        update(ORDERS).where(ORDERS.c.order_id == "o1").values(decided="refunded"),
        delete(ORDERS).where(ORDERS.c.order_id == "o1"),
        delete(GRANTS).where(GRANTS.c.order_id == "o1"),
    ],
    ids=[
        "a second grant",
        "a grant after a refund that came first",
        "a grant of an order that was never decided",
        "a second decision",
        "no decision",
        "a second revocation",
        "a revocation of an order that was never decided",
        "a confirmation of what was not granted",
        "a decision taken back under a grant",
        "a decision removed under a grant",
        "a grant removed under its confirmation",
    ],
)
def test_what_the_tables_forbid_whoever_writes(ledger, engine, statement):
    """sandbox:at-least-once: o1 was granted, o2 refunded first, o3 never heard of."""
    ledger.grant(PAY)
    ledger.revoke(replace(REFUND, order_id="o2"))

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(statement)


def test_a_grant_made_by_somebody_elses_code_counts(ledger, engine):
    """docs/ledger.md: a backend in another language writes to the same tables."""
    with engine.begin() as connection:
        connection.execute(insert(ORDERS).values(**KEY, decided="granted"))
        connection.execute(_grant_row())

    assert ledger.apply(PAY).outcome == "already-granted"
    assert ledger.apply(REFUND).outcome == "revoked"
    assert ledger.settle(LISTED, listed_at_s=0).outcome == "already-granted"
    assert _count(engine, GRANTS) == 1
