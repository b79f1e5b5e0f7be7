"""The outbox in SQL: which rows each statement touches, and which it locks where a database can."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from coinslot_testkit.ledger_facts import LISTED, PAY, REFUND, waiting
from coinslot_verifier import Ledger, ledger_outbox
from coinslot_verifier.ledger_store import OUTBOX
from sqlalchemy import create_mock_engine, select
from sqlalchemy.dialects import postgresql

SCOPE = {"portal": "jogos", "game_id": "1220"}
ROW = SimpleNamespace(order_id="o1", attempts=2)


@pytest.fixture
def said():
    return []


@pytest.fixture
def connection(said):
    """PostgreSQL's dialect without a server: each statement is noted, and there is one row for each."""

    def note(statement, *_: object) -> SimpleNamespace:
        said.append(" ".join(str(statement.compile(dialect=postgresql.dialect())).split()))
        return SimpleNamespace(all=lambda: [ROW])

    return create_mock_engine("postgresql+psycopg://", note)


def test_a_claim_locks_what_it_takes_and_passes_over_what_another_is_taking(connection, said):
    """Processes that claim at once neither wait for each other nor get the same orders."""
    claimed = ledger_outbox.claim(connection, SCOPE, now_s=1.0, lease_s=30.0, limit=5, attempts_max=None)

    assert [(one.order_id, one.attempts) for one in claimed] == [("o1", 2)]
    assert said[0].endswith(" FOR UPDATE SKIP LOCKED")
    assert said[1].startswith("UPDATE coinslot_outbox SET due_at_s=")


def test_a_look_locks_nothing(connection, said):
    """The twin of the test above."""
    ledger_outbox.due(connection, SCOPE, now_s=1.0, limit=5)

    assert len(said) == 1
    assert "FOR UPDATE" not in said[0]


def test_equal_dates_are_ordered_by_name_in_the_statement_itself(connection, said):
    """SQLite happens to give them so; a server does not, and processes would meet over the same rows."""
    ledger_outbox.due(connection, SCOPE, now_s=1.0, limit=5)

    order = "coinslot_outbox.attempts, coinslot_outbox.due_at_s, coinslot_outbox.order_id"
    assert f"ORDER BY {order} LIMIT" in said[0]


CALLS = {
    "claim": lambda ledger: ledger.claim_confirmations(limit=1, lease_s=30),
    "release": lambda ledger: ledger.release_confirmations(["o1"]),
    "mark_confirmed": lambda ledger: ledger.mark_confirmed("o1"),
    "postpone": lambda ledger: ledger.postpone_confirmation("o1", wait_s=5),
}


@pytest.fixture
def rows(engine):
    """The outbox by game and order: when each is due, its attempts, and when it was confirmed."""

    def rows() -> dict[tuple[str, str], tuple[float, int, float | None]]:
        with engine.connect() as connection:
            return {
                (row.game_id, row.order_id): (row.due_at_s, row.attempts, row.confirmed_at_s)
                for row in connection.execute(select(OUTBOX))
            }

    return rows


@pytest.fixture
def other_game(engine, clock):
    return Ledger(engine, portal="jogos", game_id="1221", clock=clock)


@pytest.fixture
def filled(ledger, other_game, clock):
    """Two orders of ours and two of another game by the same names, granted a second ago."""
    clock.now_s -= 1
    for order_id in ("o1", "o2"):
        ledger.grant(replace(PAY, order_id=order_id))
        other_game.grant(replace(PAY, order_id=order_id, game_id="1221"))
    clock.now_s += 1
    return ledger


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_change_touches_the_one_order_of_this_game(filled, rows, call):
    """jogos:iap.1.fields: order ids are unique within a game, and another game has the same."""
    before = rows()
    call(filled)
    after = rows()

    assert {key for key in before if before[key] != after[key]} == {("1220", "o1")}


def test_a_lost_confirmation_is_opened_again_for_the_one_order_of_this_game(filled, other_game, clock, rows):
    """jogos:iap.3: as above, for what the list contradicts."""
    for order_id in ("o1", "o2"):
        filled.mark_confirmed(order_id)
        other_game.mark_confirmed(order_id)
    before = rows()
    clock.now_s += 60
    filled.settle(LISTED, listed_at_s=clock.now_s)
    after = rows()

    assert {key for key in before if before[key] != after[key]} == {("1220", "o1")}
    assert after["1220", "o1"] == (clock.now_s, 0, None)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_was_confirmed_is_changed_by_nothing_that_comes_late(filled, clock, rows, call):
    """sandbox:arrived-repeat-ok: a failure, a release or a second yes of a slower process."""
    for order_id in ("o1", "o2"):
        filled.mark_confirmed(order_id)
    before = rows()
    clock.now_s += 60
    call(filled)

    assert rows() == before


def test_the_next_one_due_is_the_earliest_of_this_game(filled, other_game, clock):
    """Whatever its name, and nothing that is confirmed."""
    due_s = {"o1": 30, "o2": 10, "o3": 20}
    filled.grant(replace(PAY, order_id="o3"))
    for order_id, wait_s in due_s.items():
        filled.postpone_confirmation(order_id, wait_s=wait_s)

    assert filled.next_due_at_s() == clock.now_s + 10
    filled.mark_confirmed("o2")
    assert filled.next_due_at_s() == clock.now_s + 20
    assert other_game.next_due_at_s() == clock.now_s - 1


def test_what_is_due_comes_by_its_date_and_then_by_its_name_and_not_before(filled, clock):
    """The longest waiting first of those that were tried as often; due at this very second is due."""
    for order_id in ("b", "a", "c"):
        filled.grant(replace(PAY, order_id=order_id))
    filled.postpone_confirmation("o1", wait_s=-5)
    filled.postpone_confirmation("c", wait_s=0.5)

    assert waiting(filled) == ["o2", "a", "b", "o1"]
    clock.now_s += 0.5
    assert waiting(filled) == ["o2", "a", "b", "o1", "c"]


def test_an_order_that_was_revoked_is_due_no_more_whatever_was_in_flight(filled, other_game, clock):
    """sandbox:arrived-refunded-ok: the portal may refuse it for ever. The other game's stays."""
    filled.postpone_confirmation("o2", wait_s=60)
    filled.revoke(replace(REFUND, order_id="o1"))
    filled.release_confirmations(["o1"])
    other_game.revoke(replace(REFUND, order_id="o2", game_id="1221"))

    assert filled.next_due_at_s() == clock.now_s + 60
    assert waiting(filled) == []
    assert filled.claim_confirmations(limit=9, lease_s=1) == ()
    assert waiting(other_game) == ["o1"]
    clock.now_s += 60
    assert waiting(filled) == ["o2"]


def test_an_order_that_the_list_holds_for_delivered_needs_no_report(filled, clock, rows):
    """jogos:iap.3: the client's SDK told the portal; whoever asks about it meanwhile changes nothing more."""
    filled.settle(replace(LISTED, arrived_status=1), listed_at_s=clock.now_s)
    filled.postpone_confirmation("o1", wait_s=0)

    assert waiting(filled) == ["o2"]
    assert rows()["1220", "o1"][2] == clock.now_s
    assert rows()["1221", "o1"][2] is None
