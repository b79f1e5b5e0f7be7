"""A ledger on a database of its own for each test."""

import pytest
from coinslot_testkit.ledger_facts import Clock
from coinslot_verifier import Ledger, open_engine


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}")
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine, clock):
    ledger = Ledger(engine, portal="jogos", game_id="1220", clock=clock)
    ledger.create_tables()
    return ledger
