"""The sidecar's calls from close by: what is malformed, what is away, and a mistake of our own."""

import base64
import json
import sqlite3
import time
from contextlib import closing

import pytest
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller, good_claims, purchase_token
from coinslot_testkit.sidecar_app import sidecar_app
from coinslot_testkit.tokens import GAME_ID, make_token
from coinslot_testkit.tokens import good_claims as user_claims

PENDING = 'coinslot_verifier_outbox_pending{portal="jogos"}'
FACT = {
    "kind": "pay",
    "game_id": GAME_ID,
    "order_id": "order-1",
    "user_id": "278",
    "product_id": "1002",
    "refund_status": None,
}


class BrokenKeys:
    """A key source with a bug."""

    def keys_for(self, kid):  # noqa: ARG002 - the form of KeySource
        raise RuntimeError("secret words")


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def sidecar(ledger):
    """With a ledger, between portals that cannot be reached."""
    with sidecar_app(ledger_url=f"sqlite:///{ledger.as_posix()}") as running:
        yield running


def notice(order_id="order-1"):
    body = compact({**notification(order_id, "278"), "gameId": int(GAME_ID)})
    return {"body_b64": base64.b64encode(body).decode(), "signature": signature(body, SHARED_KEY)}


def user_token():
    return make_token(user_claims(now_s=int(time.time())))


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"apply": "yes"}, "apply"),
        ({"apply": 1}, "apply"),
        ({"signature": ["twice", "told"]}, "signature"),
        ({"headers": {"Authorization": 1}, "signature": None}, "headers"),
    ],
)
def test_a_member_of_another_form_is_named(sidecar, members, named):
    """A call of our own backend is 400, never a refusal of what the portal sent."""
    wrong = sidecar.ask("POST", "/v1/jogos/notification", {**notice(), **members})
    right = sidecar.ask("POST", "/v1/jogos/notification", {**notice(), "apply": True})

    assert (wrong.status_code, wrong.json["code"]) == (400, "field-invalid")
    assert wrong.json["detail"].startswith(f"{named} must be")
    assert (right.status_code, right.json["outcome"]) == (200, "granted")


@pytest.mark.parametrize(
    ("told", "code", "named"),
    [
        (None, "field-missing", "notification"),
        ("order-1", "field-invalid", "notification"),
        ({**FACT, "kind": "gift"}, "field-invalid", "notification.kind"),
        ({**FACT, "game_id": "another"}, "field-invalid", "notification.game_id"),
        ({**FACT, "refund_status": 4}, "field-invalid", "notification.refund_status"),
        ({**FACT, "refund_status": True}, "field-invalid", "notification.refund_status"),
        ({**FACT, "user_id": None}, "field-missing", "notification.user_id"),
        ({**FACT, "product_id": 1002}, "field-invalid", "notification.product_id"),
        ({**FACT, "paid_at_s": -1}, "field-invalid", "notification.paid_at_s"),
    ],
)
def test_a_fact_that_no_notification_proves_is_not_applied(sidecar, told, code, named):
    """What /notification answered is told back as it was; nothing is granted for anything else."""
    wrong = sidecar.ask("POST", "/v1/jogos/ledger/apply", {"notification": told})
    before = sidecar.ask("GET", "/v1/jogos/ledger/grants/order-1")
    right = sidecar.ask("POST", "/v1/jogos/ledger/apply", {"notification": FACT})

    assert (wrong.status_code, wrong.json["code"]) == (400, code)
    assert named in wrong.json["detail"]
    assert before.json["code"] == "grant-unknown"
    assert right.json["outcome"] == "granted"


def test_an_unknown_address_is_told_to_who_may_ask(sidecar):
    """Without the token nobody learns which addresses there are."""
    stranger = sidecar.ask("GET", "/v1/nowhere", headers={})
    caller = sidecar.ask("GET", "/v1/nowhere")

    assert (stranger.status_code, stranger.json["code"]) == (401, "token-wrong")
    assert (caller.status_code, caller.json["code"]) == (404, "address-unknown")


def test_what_the_framework_does_not_understand_is_a_400_in_json(sidecar):
    """No HTML, whatever is asked: here a connection that wants to speak another protocol."""
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}

    strange = sidecar.ask("GET", "/health", headers=headers)
    plain = sidecar.ask("GET", "/health", headers={})

    assert (strange.status_code, strange.json["code"]) == (400, "request-malformed")
    assert (plain.status_code, plain.json) == (200, {"alive": True})


def test_a_mistake_of_ours_is_a_500_that_tells_nothing():
    """It is logged by its kind and place, counted as a fault, and no word of it reaches caller or log."""
    with sidecar_app(portals=("jogos",), keys=BrokenKeys()) as sidecar:
        answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token()})
        probe = sidecar.ask("GET", "/ready")
        good = sidecar.ask("POST", "/v1/jogos/notification", notice())
        faults = sidecar.metric(
            'coinslot_verifier_calls_total{portal="jogos",call="identity",outcome="fault",code="sidecar-failed"}'
        )
        log = sidecar.log()

    assert (answer.status_code, answer.json["code"]) == (500, "sidecar-failed")
    assert (probe.status_code, probe.json["code"]) == (500, "sidecar-failed")
    assert good.status_code == 200
    assert faults == 1
    assert [line["error"] for line in log if line["event"] == "fault"] == ["RuntimeError", "RuntimeError"]
    assert "secret words" not in answer.text + probe.text + json.dumps(log)


@pytest.mark.parametrize(
    ("is_away", "status", "state", "pending"),
    [(False, 200, "ok", 0), (True, 503, "ledger-unavailable", -1)],
)
def test_a_ledger_that_is_away_is_seen_by_probe_and_gauge(ledger, is_away, status, state, pending):
    """sandbox:at-least-once: a replica that can grant nothing says so before the portal comes to it."""
    url = f"sqlite:///{ledger.as_posix()}"
    with (
        serve(FakePortal()) as portal,
        sidecar_app({"jogos": portal.url}, portals=("jogos",), ledger_url=url) as sidecar,
    ):
        if is_away:
            with closing(sqlite3.connect(ledger)) as connection:
                connection.execute("ALTER TABLE coinslot_outbox RENAME TO gone")
        probe = sidecar.ask("GET", "/ready?only=ledger", headers={})
        gauge = sidecar.metric(PENDING)

    assert probe.status_code == status
    assert probe.json["portals"] == {"jogos": {"keys": "ok", "ledger": state}}
    assert gauge == pending


def test_questions_for_keys_are_counted_by_how_they_end():
    """What the portal does not answer is counted as failed, and the caller may try again."""
    fetches = 'coinslot_verifier_key_fetches_total{portal="jogos",result="%s"}'
    counts = {}
    with serve(FakePortal()) as portal:
        for name, urls in (("answering", {"jogos": portal.url}), ("dead", {})):
            with sidecar_app(urls, portals=("jogos",)) as sidecar:
                answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token()})
                counted = [sidecar.metric(fetches % result) for result in ("ok", "failed")]
                counts[name] = (answer.status_code, *counted)

    assert counts == {"answering": (200, 1, 0), "dead": (503, 0, 1)}


def test_a_purchase_for_a_player_needs_the_ledger():
    """Without one nobody knows who opened it; by its external id it is checked all the same."""
    call = {"jwt": purchase_token(good_claims("buy-1", "own-1")), "external_id": "own-1"}
    with serve(FakeSeller()) as seller:
        seller.sell("buy-1", "own-1")
        with sidecar_app({"playgama": seller.url}, portals=("playgama",)) as sidecar:
            missing = sidecar.ask("POST", "/v1/playgama/purchase", {**call, "user_id": "p1"})
            checked = sidecar.ask("POST", "/v1/playgama/purchase", call)

    assert (missing.status_code, missing.json["code"]) == (409, "ledger-missing")
    assert (checked.status_code, checked.json["outcome"]) == (200, None)


def test_an_order_that_another_player_was_given_is_refused(ledger):
    """playgama:practice: an order is one player's, whatever external ids its tokens name."""
    with (
        serve(FakeSeller()) as seller,
        sidecar_app({"playgama": seller.url}, ledger_url=f"sqlite:///{ledger.as_posix()}") as sidecar,
    ):
        mine, theirs = (
            sidecar.ask("POST", "/v1/playgama/intents", {"user_id": who, "product_id": "gems"}).json[
                "external_id"
            ]
            for who in ("p1", "p2")
        )
        seller.sell("buy-1", mine)
        first, second = (
            sidecar.ask(
                "POST",
                "/v1/playgama/purchase",
                {"jwt": purchase_token(good_claims("buy-1", external_id)), "user_id": who},
            )
            for who, external_id in (("p1", mine), ("p2", theirs))
        )

    assert (first.status_code, first.json["outcome"]) == (200, "granted")
    assert (second.status_code, second.json["code"]) == (422, "external-id-mismatch")
