"""The Flask backend's purchases at the edges: bodies, sessions, restarts, and a run without this portal."""

import json
import time

import pytest
from coinslot_testkit.backend_process import start_flask
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller
from coinslot_testkit.purchase_demonstrations import Stage, buyer, token_of
from coinslot_testkit.tokens import good_claims, make_token
from coinslot_verifier import open_engine
from sqlalchemy import text


@pytest.fixture(scope="module")
def portal():
    with serve(FakePortal()) as portal:
        yield portal


@pytest.fixture(scope="module")
def stage(portal):
    with serve(FakeSeller()) as seller, start_flask(portal, PLAYGAMA_URL=seller.url) as backend:
        yield Stage(seller=seller, backend=backend)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"jwt":null}',
        b'{"jwt":[]}',
        b'{"jwt":""}',
        b'{"purchase":"x"}',
        b"\xff",
        b'{"jwt":"\\ud800"}',
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_without_a_token_is_refused_cleanly(body, stage):
    """playgama:1"""
    player = buyer(stage, "601")
    headers = {"Authorization": f"Bearer {player.session}"}

    reply = stage.backend.ask("POST", "/playgama/purchase", body, headers)

    assert (reply.status, reply.json) == (400, {"error": "token-malformed"})


@pytest.mark.parametrize(
    "product", [None, "", "gems_300", "1002", 100, ["gems_100"], {"id": "gems_100"}], ids=repr
)
def test_a_purchase_of_what_is_not_sold_is_not_opened(product, stage):
    """playgama:1"""
    reply = buyer(stage, "602").post("/playgama/intents", {"productId": product})

    assert (reply.status, reply.json) == (400, {"error": "product-unknown"})


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic {}", "{}", "Bearer {}x", "é"]
)
@pytest.mark.parametrize("path", ["/playgama/intents", "/playgama/purchase"])
def test_nothing_happens_without_the_session_of_a_login(path, header, stage):
    """playgama:practice"""
    session = buyer(stage, "603").session
    headers = {} if header is None else {"Authorization": header.format(session)}

    reply = stage.backend.ask("POST", path, b'{"productId":"gems_100"}', headers)

    assert (reply.status, reply.json) == (401, {"error": "session-invalid"})


@pytest.mark.parametrize("value", [7, "", [], "someone's"], ids=repr)
def test_an_external_id_that_is_not_the_tokens_is_refused(value, stage):
    """playgama:1"""
    player = buyer(stage, "604")
    order_id = f"odd-{value!r}"
    token = token_of(order_id, player.pay(order_id))

    reply = player.post("/playgama/purchase", {"jwt": token, "externalId": value})

    assert (reply.status, reply.json) == (403, {"error": "external-id-mismatch"})
    assert player.show(token).status == 200


def test_both_portals_fill_one_inventory_and_equal_order_ids_are_two_orders(stage):
    """sandbox:at-least-once; playgama:practice"""
    player = buyer(stage, "605")
    token = token_of("equal1", player.pay("equal1"))

    stage.backend.notify(compact(notification("equal1", "605")))
    shown = player.show(token)

    assert shown.status == 200
    assert player.items() == {"1002": 1, "gems_100": 1}


def test_a_purchase_that_was_granted_is_confirmed_to_its_player_during_an_outage_too(stage):
    """playgama:practice: a client that did not hear the answer asks again."""
    player = buyer(stage, "606")
    token = token_of("heard1", player.pay("heard1"))
    player.show(token)
    stage.seller.lies["verify"] = lambda _: pytest.fail("the portal need not be asked again")
    try:
        reply = player.show(token)
    finally:
        del stage.seller.lies["verify"]

    assert (reply.status, reply.json) == (200, {"status": "granted", "productId": "gems_100"})


def test_sessions_intents_and_grants_outlast_a_restart(portal, tmp_path):
    """playgama:practice: a purchase that was opened can be shown after the server came back."""
    database = f"sqlite:///{(tmp_path / 'game.sqlite').as_posix()}"
    with serve(FakeSeller()) as seller:
        with start_flask(portal, PLAYGAMA_URL=seller.url, DATABASE_URL=database) as backend:
            player = buyer(Stage(seller=seller, backend=backend), "607")
            first, second = (token_of(f"kept{n}", player.pay(f"kept{n}")) for n in (1, 2))
            player.show(first)
        with start_flask(portal, PLAYGAMA_URL=seller.url, DATABASE_URL=database) as backend:
            again = Stage(seller=seller, backend=backend)
            player = type(player)(stage=again, user_id="607", session=player.session)

            answers = [player.show(token).status for token in (first, second)]

            assert (answers, player.items()) == ([200, 200], {"gems_100": 2})


def test_a_session_ends(portal, tmp_path):
    """playgama:practice: an expired one is none."""
    database = f"sqlite:///{(tmp_path / 'game.sqlite').as_posix()}"
    with (
        serve(FakeSeller()) as seller,
        start_flask(portal, PLAYGAMA_URL=seller.url, DATABASE_URL=database) as backend,
    ):
        player = buyer(Stage(seller=seller, backend=backend), "608")
        token = token_of("late1", player.pay("late1"))
        engine = open_engine(database)
        with engine.begin() as connection:
            connection.execute(text("UPDATE sessions SET expires_at_s = :now"), {"now": time.time()})
        engine.dispose()

        assert player.show(token).status == 401
        assert buyer(player.stage, "608").show(token).status == 200


def test_without_this_portal_the_other_one_works_and_its_addresses_are_unknown(portal):
    """A run of one portal needs nothing of the other."""
    with start_flask(portal) as backend:
        login = backend.log_in(make_token(good_claims(now_s=int(time.time()), user_id="609")))
        headers = {"Authorization": f"Bearer {login.json['session']}"}
        bought = backend.ask("POST", "/playgama/purchase", json.dumps({"jwt": "x"}).encode(), headers)

        assert (login.status, bought.status, backend.sync().status) == (200, 404, 200)


@pytest.mark.parametrize("url", ["playgama.example", "ftp://playgama.example", "http://x?y=1"])
def test_an_unusable_address_of_the_portal_stops_the_start(url, portal):
    """One line that names the setting."""
    with (
        pytest.raises(AssertionError, match="cannot start: url must be an http or https address"),
        start_flask(portal, PLAYGAMA_URL=url),
    ):
        pass
