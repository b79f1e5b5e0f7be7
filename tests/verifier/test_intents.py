"""An intent is an id of our own making, bound to one player and one product."""

import pytest
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_verifier import Intent, Intents, Ledger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError


@pytest.fixture
def intents(engine):
    intents = Intents(engine, portal="playgama", clock=lambda: 1_000.5)
    intents.create_tables()
    return intents


def test_what_was_opened_is_found_with_its_player_and_product(intents):
    """playgama:1: the portal's token says neither."""
    external_id = intents.open("257", "gems_100")

    assert intents.find(external_id) == Intent(
        external_id=external_id, user_id="257", product_id="gems_100", opened_at_s=1_000.5
    )


def test_every_id_is_new_and_cannot_be_guessed(intents):
    """24 random bytes, in characters that survive a query."""
    opened = {intents.open("257", "gems_100") for _ in range(50)}

    assert len(opened) == 50
    assert all(len(external_id) == 32 and external_id.isascii() for external_id in opened)
    assert all(
        set(external_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        for external_id in opened
    )


def test_an_id_is_compared_exactly(intents):
    """Opaque and case-sensitive."""
    external_id = intents.open("257", "gems_100")

    assert [intents.find(near) for near in (external_id.swapcase(), external_id + " ", external_id[:-1])] == [
        None,
        None,
        None,
    ]


def test_another_portals_and_another_games_intents_are_not_ours(engine, intents):
    """Several may share a database."""
    external_id = intents.open("257", "gems_100")

    assert Intents(engine, portal="other").find(external_id) is None
    assert Intents(engine, portal="playgama", game_id="7").find(external_id) is None


def test_an_id_that_was_made_before_is_never_bound_anew(engine, intents):
    """A broken source of chance must not hand one player's purchase to another."""
    broken = Intents(engine, portal="playgama", make_id=lambda: "same")
    broken.open("257", "gems_100")

    with pytest.raises(IntegrityError):
        broken.open("258", "gems_200")
    found = broken.find("same")
    assert found is not None
    assert found.user_id == "257"


def test_intents_and_ledger_share_their_tables(engine):
    """Either creates what both need."""
    Ledger(engine, portal="playgama").create_tables()

    assert Intents(engine, portal="playgama").open("257", "gems_100")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text() | JSON_VALUES | st.binary())
def test_any_value_that_is_no_id_of_ours_finds_nothing(intents, value):
    """What a client or a token names may be anything, NUL and half surrogate pairs included."""
    assert intents.find(value) is None
