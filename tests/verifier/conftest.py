"""A ledger on a database of its own for each test, on SQLite and on PostgreSQL."""

import pytest
from coinslot_testkit.ledger_facts import Clock
from coinslot_verifier import Ledger, open_engine


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.tool("postgres"))])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_server").url()
    return f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine, clock):
    ledger = Ledger(engine, portal="jogos", game_id="1220", clock=clock)
    ledger.create_tables()
    return ledger
