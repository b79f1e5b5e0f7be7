"""docs/ledger.md: made from the tables, and its recipe does what the ledger does, on both databases."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from coinslot_testkit.ledger_facts import PAY, REFUND
from coinslot_verifier import Ledger, open_engine
from sqlalchemy import inspect, text

ROOT = Path(__file__).resolve().parents[2]
ROW = {"portal": "jogos", "game_id": "1220", "user_id": "278", "product_id": "1002", "now_s": 5.5}


def _tool():
    spec = importlib.util.spec_from_file_location("make_ledger_page", ROOT / "tools/make_ledger_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


@pytest.fixture(
    params=[("SQLite", False), pytest.param(("PostgreSQL", True), marks=pytest.mark.tool("postgres"))],
    ids=["sqlite", "postgresql"],
)
def engine(request, tmp_path):
    """A database made by the page's own statements."""
    name, is_server = request.param
    url = (
        request.getfixturevalue("postgres_server").url()
        if is_server
        else f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"
    )
    engine = open_engine(url)
    with engine.begin() as connection:
        for statement in TOOL.ddl(name).split(";\n\n"):
            connection.execute(text(statement.rstrip(";")))
    yield engine
    engine.dispose()


def test_the_page_is_what_the_tables_make():
    """`make docs` was run after the last change."""
    assert (ROOT / "docs/ledger.md").read_text("utf-8") == TOOL.page()


def _run(engine, name: str, **values) -> int:
    with engine.begin() as connection:
        return connection.execute(text(TOOL.STATEMENTS[name]), {**ROW, **values}).rowcount


def test_what_the_recipe_grants_the_ledger_knows(engine):
    """Both write to the same tables, and either sees what the other did."""
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    ledger.create_tables()

    assert _run(engine, "decide", order_id="o1", decided="granted") == 1
    assert _run(engine, "grant", order_id="o1") == 1
    assert _run(engine, "outbox", order_id="o1") == 1
    assert _run(engine, "decide", order_id="o1", decided="granted") == 0

    assert ledger.apply(PAY).outcome == "already-granted"
    assert [pending.order_id for pending in ledger.pending_confirmations()] == ["o1"]
    assert ledger.apply(REFUND).outcome == "revoked"
    assert _run(engine, "revoke", order_id="o1") == 0


def test_what_the_recipe_revokes_the_ledger_knows(engine):
    """A refund that came first, and one that came later."""
    ledger = Ledger(engine, portal="jogos", game_id="1220")

    assert _run(engine, "decide", order_id="o1", decided="refunded") == 1
    assert _run(engine, "revoke", order_id="o1") == 1

    assert ledger.apply(PAY).outcome == "refunded-before"
    with engine.connect() as connection:
        found = connection.execute(text(TOOL.DECIDED), {**ROW, "order_id": "o1"}).scalar_one()
        owner = connection.execute(text(TOOL.OWNER), {**ROW, "order_id": "o1"}).all()
    assert (found, owner) == ("refunded", [])


@pytest.mark.tool("postgres")
def test_the_pages_claim_takes_ten_orders_of_one_game_those_first_that_were_tried_least(postgres_server):
    """Several games in one database; what is claimed, confirmed or revoked is nobody else's."""
    engine = open_engine(postgres_server.url())
    ledger, other = (Ledger(engine, portal="jogos", game_id=game_id) for game_id in ("1220", "1221"))
    ledger.create_tables()
    for number in range(14):
        for game in (ledger, other):
            game.apply(replace(PAY, order_id=f"o{number:02}", game_id=game.scope["game_id"]))
    ledger.postpone_confirmation("o00", wait_s=-10)
    ledger.mark_confirmed("o01")
    ledger.apply(replace(REFUND, order_id="o02"))

    def claim() -> list[str]:
        with engine.begin() as connection:
            done = connection.execute(text(TOOL.CLAIM), {**ROW, "now_s": ledger.now_s() + 1})
            return sorted(row.order_id for row in done)

    claims = [claim() for _ in range(3)]

    assert claims == [[f"o{number:02}" for number in range(3, 13)], ["o00", "o13"], []]
    assert len(other.claim_confirmations(limit=99, lease_s=1)) == 14
    engine.dispose()


def test_the_pages_tables_are_those_that_the_ledger_makes(engine):
    """Nothing is missing and nothing is left to be made."""
    before = inspect(engine).get_table_names()

    Ledger(engine, portal="jogos", game_id="1220").create_tables()

    assert sorted(inspect(engine).get_table_names()) == sorted(before)
    assert len(before) == 6
