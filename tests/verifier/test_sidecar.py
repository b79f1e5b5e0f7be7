"""What a backend in another language asks of the sidecar, over real HTTP, between two small portals."""

import base64
import json
import time

import pytest
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY
from coinslot_testkit.fake_seller import good_claims, purchase_token
from coinslot_testkit.sidecar_process import sidecar_between_portals
from coinslot_testkit.tokens import GAME_ID, make_token
from coinslot_testkit.tokens import good_claims as user_claims
from coinslot_testkit.waiting import until


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Portals and a sidecar with a ledger; tests have orders and players of their own."""
    with sidecar_between_portals(tmp_path_factory.mktemp("ledger")) as made:
        yield made


@pytest.fixture
def portal(stage):
    yield stage[0]
    stage[0].lies.clear()
    stage[0].orders.clear()


@pytest.fixture
def seller(stage):
    yield stage[1]
    stage[1].lies.clear()


@pytest.fixture
def sidecar(stage):
    return stage[2]


def user_token(**changes):
    return make_token(user_claims(now_s=int(time.time()), **changes))


def notice(order_id, user_id="278", *, signed=None, **fields):
    """A call of /notification; signed rightly unless `signed` says otherwise."""
    body = compact({**notification(order_id, user_id), "gameId": int(GAME_ID), **fields})
    value = signature(body, SHARED_KEY) if signed is None else signed
    return {"body_b64": base64.b64encode(body).decode(), "signature": value}


def code_in(reply):
    """What the reply for the portal says."""
    return json.loads(base64.b64decode(reply["body_b64"]))["code"]


def items(sidecar, user_id, portal="jogos"):
    listed = sidecar.ask("GET", f"/v1/{portal}/players/{user_id}/items").json["items"]
    return {one["product_id"]: one["quantity"] for one in listed}


def test_a_login_is_the_sidecars_word(sidecar, portal):
    """jogos:user.4: the backend forwards the token and learns whom it speaks of."""
    answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token(user_id="9001")})

    assert answer.status == 200
    assert {name: answer.json[name] for name in ("user_id", "game_id", "username")} == {
        "user_id": "9001",
        "game_id": GAME_ID,
        "username": "Player9001",
    }


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "token-malformed"),
        (5, "token-malformed"),
        ("", "token-malformed"),
        ("x" * 1_000_000, "token-malformed"),
        ({"a": 1}, "token-malformed"),
        (make_token(user_claims(now_s=1_700_000_000)), "token-expired"),
        (make_token(user_claims(now_s=int(time.time())), key="other"), "signature-mismatch"),
        (make_token(user_claims(now_s=int(time.time()), game_id="1221")), "game-mismatch"),
        (make_token(user_claims(now_s=int(time.time())), header={"alg": "none"}), "alg-refused"),
    ],
)
def test_whatever_a_client_sent_is_refused_with_its_code(sidecar, portal, token, code):
    """A backend passes on what it got, of whatever type: 422, never 400, for what a player sent."""
    answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": token})

    assert (answer.status, answer.code) == (422, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["try"]


def test_a_silent_portal_is_undecided(sidecar, portal):
    """Nothing was decided: 503 and when to come back; the same token is good a moment later."""
    portal.lies["publicKey"] = lambda: WireReply(status=500)
    token = user_token()

    answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": token})
    portal.lies.clear()

    assert (answer.status, answer.code) == (503, "key-source-unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert sidecar.ask("POST", "/v1/jogos/identity", {"token": token}).status == 200


def test_a_notification_is_checked_granted_and_answered_in_one_call(sidecar):
    """jogos:iap.1: repeated, it grants nothing more."""
    call = notice("order-once", "9101")

    first, second = (sidecar.ask("POST", "/v1/jogos/notification", call).json for _ in range(2))

    assert [first["outcome"], second["outcome"]] == ["granted", "already-granted"]
    assert first["reply"]["status"] == 200
    assert code_in(first["reply"]) == "200"
    assert first["notification"]["order_id"] == "order-once"
    assert items(sidecar, "9101") == {"1002": 1}


@pytest.mark.parametrize("form", ["pairs", "names", "lists"])
def test_headers_may_be_forwarded_whole(sidecar, form):
    """Node's rawHeaders in pairs, Java's map of lists, anybody's plain map."""
    call = notice(f"order-{form}", "9102")
    value = call.pop("signature")
    call["headers"] = {
        "pairs": [["Host", "x"], ["AUTHORIZATION", value]],
        "names": {"authorization": value},
        "lists": {"Host": ["x"], "Authorization": [value]},
    }[form]

    assert sidecar.ask("POST", "/v1/jogos/notification", call).json["outcome"] == "granted"


def test_two_signatures_are_one_too_many(sidecar):
    """jogos:iap.1.auth: the sidecar sees both only because all headers are forwarded."""
    call = notice("order-two", "9103")
    value = call.pop("signature")

    answer = sidecar.ask(
        "POST", "/v1/jogos/notification", {**call, "headers": {"Authorization": [value, value]}}
    )

    assert (answer.status, answer.code) == (422, "signature-mismatch")


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (notice("o", signed="0" * 40), "signature-mismatch", "41007"),
        ({"body_b64": notice("o")["body_b64"]}, "signature-missing", "41007"),
        (notice("o", gameId=1221), "game-mismatch", "40001"),
        (notice("o", productId=None), "field-missing", "305"),
        (notice("o", paytype="gift"), "field-invalid", "305"),
    ],
)
def test_a_refused_notification_brings_the_answer_for_the_portal(sidecar, call, code, says):
    """jogos:iap.1.err: whatever became of it, there is something to send."""
    answer = sidecar.ask("POST", "/v1/jogos/notification", call)

    assert (answer.status, answer.code) == (422, code)
    assert code_in(answer.json["reply"]) == says


def test_a_product_that_is_not_sold_is_not_acknowledged(sidecar):
    """Nothing is written, so the same notification is granted once the product is for sale."""
    call = notice("order-unsold", "9104")

    refused = sidecar.ask("POST", "/v1/jogos/notification", {**call, "products": ["1003"]})

    assert (refused.status, refused.code) == (422, "product-unknown")
    assert code_in(refused.json["reply"]) == "500"
    assert items(sidecar, "9104") == {}
    sold = sidecar.ask("POST", "/v1/jogos/notification", {**call, "products": ["1002", "1003"]})
    assert sold.json["outcome"] == "granted"


def test_a_backend_may_verify_first_and_apply_later(sidecar):
    """With `apply: false` nothing is granted until /ledger/apply is told what was verified."""
    seen = sidecar.ask("POST", "/v1/jogos/notification", {**notice("order-later", "9105"), "apply": False})
    before = items(sidecar, "9105")

    applied = sidecar.ask("POST", "/v1/jogos/ledger/apply", {"notification": seen.json["notification"]})

    assert (seen.json["outcome"], before) == (None, {})
    assert applied.json["outcome"] == "granted"
    assert items(sidecar, "9105") == {"1002": 1}
    found = sidecar.ask("GET", "/v1/jogos/ledger/grants/order-later").json
    assert (found["user_id"], found["product_id"]) == ("9105", "1002")


@pytest.mark.parametrize(
    ("status", "name"), [(-1, "minus"), (10**30, "huge"), (0, "none")], ids=["minus", "huge", "none"]
)
def test_what_was_verified_can_be_applied_whatever_status_the_portal_sent(sidecar, status, name):
    """jogos:iap.1.fields bounds no arrivedStatus, and it decides nothing here."""
    order_id = f"order-status-{name}"
    told = notice(order_id, "9109", arrivedStatus=status)
    seen = sidecar.ask("POST", "/v1/jogos/notification", {**told, "apply": False})
    applied = sidecar.ask("POST", "/v1/jogos/ledger/apply", {"notification": seen.json["notification"]})

    assert seen.json["notification"]["arrived_status"] == status
    assert (applied.status, applied.json["outcome"]) == (200, "granted")
    untold = {
        member: value for member, value in seen.json["notification"].items() if member != "arrived_status"
    }
    for fact, expected in ((untold, 200), ({**untold, "arrived_status": "1"}, 400)):
        assert sidecar.ask("POST", "/v1/jogos/ledger/apply", {"notification": fact}).status == expected


def test_a_refund_takes_back_what_was_granted(sidecar):
    """jogos:iap.4; the grant is not found any more."""
    refund = {"paytype": "refund", "refundStatus": 1, "refundTime": 1_755_660_000}
    sidecar.ask("POST", "/v1/jogos/notification", notice("order-back", "9106"))

    answer = sidecar.ask("POST", "/v1/jogos/notification", notice("order-back", "9106", **refund))

    assert answer.json["outcome"] == "revoked"
    assert items(sidecar, "9106") == {}
    assert sidecar.ask("GET", "/v1/jogos/ledger/grants/order-back").code == "grant-unknown"


def test_the_outbox_reports_what_was_granted(sidecar, portal):
    """jogos:iap.2: what the portal refuses or loses is due again later."""
    portal.add_order("order-told", user_id="9107")
    sidecar.ask("POST", "/v1/jogos/notification", notice("order-told", "9107"))
    portal.lies["arrivedorder"] = lambda: WireReply(status=500)
    lost = sidecar.ask("POST", "/v1/jogos/ledger/outbox/run").json
    portal.lies.clear()

    assert 1 <= len(lost["postponed"]) <= 3, "three failures in a row are an outage: the run ends"
    assert lost["confirmed"] == []
    assert {one["code"] for one in lost["postponed"]} == {"confirm-unavailable"}
    assert lost["next_due_at_s"] > time.time() - 60
    again = {"limit": 100}
    until(lambda: "order-told" in sidecar.ask("POST", "/v1/jogos/ledger/outbox/run", again).json["confirmed"])
    assert portal.orders["order-told"].arrived_status == 1


def test_reconcile_makes_up_for_lost_notifications(sidecar, portal):
    """jogos:iap.3: what is listed and not sold is told, not granted."""
    portal.add_order("order-lost", user_id="9108")
    portal.add_order("order-odd", user_id="9108", product_id="not-sold")

    first = sidecar.ask("POST", "/v1/jogos/ledger/reconcile", {"products": ["1002"]}).json
    second = sidecar.ask("POST", "/v1/jogos/ledger/reconcile", {"products": ["1002"]}).json

    assert [one["order_id"] for one in first["changes"]] == ["order-lost"]
    assert [one["order_id"] for one in first["skipped"]] == ["order-odd"]
    assert (first["orders"], second["changes"]) == (2, [])
    assert items(sidecar, "9108") == {"1002": 1}


def test_orders_and_confirmations_serve_a_backend_with_its_own_ledger(sidecar, portal):
    """jogos:iap.2, jogos:iap.3"""
    for number in range(3):
        portal.add_order(f"listed-{number}", user_id="9109")

    whole = sidecar.ask("GET", "/v1/jogos/orders").json
    cut = sidecar.ask("GET", "/v1/jogos/orders?limit=2").json
    told = sidecar.ask("POST", "/v1/jogos/confirm", {"order_id": "listed-0"})

    assert (len(whole["orders"]), whole["truncated"]) == (3, False)
    assert (len(cut["orders"]), cut["truncated"]) == (2, True)
    assert told.json == {"order_id": "listed-0", "confirmed": True}
    assert portal.orders["listed-0"].arrived_status == 1


def open_purchase(sidecar, user_id="p1", product_id="gems_100"):
    wish = {"user_id": user_id, "product_id": product_id}
    return sidecar.ask("POST", "/v1/playgama/intents", wish).json["external_id"]


def token_of(order_id, external_id):
    return purchase_token(good_claims(order_id, external_id))


def test_a_purchase_is_granted_once_to_whoever_opened_it(sidecar, seller):
    """playgama:practice: another player with the same token gets nothing."""
    external_id = open_purchase(sidecar, "p1")
    seller.sell("buy-1", external_id)
    call = {"jwt": token_of("buy-1", external_id), "user_id": "p1"}

    first, second = (sidecar.ask("POST", "/v1/playgama/purchase", call).json for _ in range(2))
    thief = sidecar.ask("POST", "/v1/playgama/purchase", {**call, "user_id": "p2"})

    assert [first["outcome"], second["outcome"]] == ["granted", "already-granted"]
    assert first["settlement"]["product_id"] == "gems_100"
    assert (thief.status, thief.code) == (422, "external-id-mismatch")
    assert items(sidecar, "p1", "playgama") == {"gems_100": 1}
    assert sidecar.ask("GET", f"/v1/playgama/intents/{external_id}").json["user_id"] == "p1"
    assert sidecar.ask("GET", "/v1/playgama/intents/never-opened").code == "intent-unknown"


def test_a_purchase_that_is_not_paid_is_refused_for_now(sidecar, seller):
    """playgama:3.B"""
    external_id = open_purchase(sidecar, "p3")
    seller.sell("buy-2", external_id, state="pending", paid_at_s=None)
    call = {"jwt": token_of("buy-2", external_id), "user_id": "p3", "external_id": external_id}

    before = sidecar.ask("POST", "/v1/playgama/purchase", call)
    seller.change("buy-2", state="paid", paid_at_s=1)
    after = sidecar.ask("POST", "/v1/playgama/purchase", call)

    assert (before.status, before.code) == (422, "purchase-not-paid")
    assert after.json["outcome"] == "granted"


def test_a_client_that_names_another_purchase_is_refused(sidecar, seller):
    """The token's own id counts, and the client's word must agree with it."""
    external_id = open_purchase(sidecar, "p4")
    seller.sell("buy-3", external_id)
    call = {"jwt": token_of("buy-3", external_id), "user_id": "p4"}

    answer = sidecar.ask("POST", "/v1/playgama/purchase", {**call, "external_id": "other"})

    assert answer.code == "external-id-mismatch"
    assert sidecar.ask("POST", "/v1/playgama/purchase", call).status == 200


def test_a_backend_with_its_own_intents_asks_by_external_id(sidecar, seller):
    """Nothing is granted then: the answer has no outcome."""
    seller.sell("buy-4", "own-intent")
    call = {"jwt": token_of("buy-4", "own-intent"), "external_id": "own-intent"}

    answer = sidecar.ask("POST", "/v1/playgama/purchase", call)
    foreign = sidecar.ask("POST", "/v1/playgama/purchase", {**call, "external_id": "other"})

    assert (answer.status, answer.json["order_id"], answer.json["outcome"]) == (200, "buy-4", None)
    assert foreign.code == "external-id-mismatch"
    assert sidecar.ask("POST", "/v1/playgama/purchase", {"jwt": call["jwt"]}).code == "field-missing"


def test_reconcile_takes_back_what_was_charged_back(sidecar, seller):
    """playgama:practice: nobody tells of it, so the purchase is asked about again."""
    external_id = open_purchase(sidecar, "p5")
    seller.sell("buy-5", external_id)
    bought = {"jwt": token_of("buy-5", external_id), "user_id": "p5"}
    sidecar.ask("POST", "/v1/playgama/purchase", bought)
    seller.change("buy-5", charged_back=True)

    run = sidecar.ask("POST", "/v1/playgama/ledger/reconcile", {"every_s": 0}).json

    assert [(one["order_id"], one["outcome"]) for one in run["changes"]] == [("buy-5", "revoked")]
    assert items(sidecar, "p5", "playgama") == {}
    again = sidecar.ask("POST", "/v1/playgama/purchase", bought)
    assert again.code in {"purchase-not-paid", None}
    assert items(sidecar, "p5", "playgama") == {}
