"""The ledger's database: its lock, its constraint, and what SQLite and PostgreSQL share."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from coinslot_testkit.ledger_facts import PAY
from coinslot_verifier import open_engine
from coinslot_verifier.ledger_store import GRANTS, METADATA, ORDERS
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
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
    with pytest.raises(ValueError, match="sqlite or postgresql"):
        open_engine(url)


def test_a_missing_driver_is_named(monkeypatch):
    """One line, not a traceback."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ValueError, match="the driver psycopg is not installed"):
        open_engine("postgresql+psycopg://localhost/game")


def test_a_reader_waits_for_no_writer(ledger, engine):
    """The probe answers while a grant is in its transaction, and sees nothing half done."""
    with ledger.begin() as connection:
        ledger.grant(PAY, connection)

        assert ledger.quantities("278") == {}
    assert ledger.quantities("278") == {"1002": 1}


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=str)
def test_the_tables_are_postgresqls_too(table):
    """Times are double precision there, or they would lose their fractions."""
    sql = str(CreateTable(table).compile(dialect=postgresql.dialect()))

    assert "PRIMARY KEY (portal, game_id, " in sql
    assert "FLOAT(53)" in sql or table is ORDERS
