"""Every status of each portal with every move, over the control API, and what the backend then sees."""

import hashlib
import json

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.order_lives import LIVES, make, order_in
from coinslot_testkit.purchase_shop import PurchaseShop
from coinslot_testkit.sandbox_client import SandboxClient

KEY = "the-other-game's-key"
CODES = {"order-move-illegal", "order-already-paid", "order-not-paid"}
PLACES = [(life.portal, status) for life in LIVES.values() for status in life.recipes]
REFUND_OF = {"refunding": 0, "refunded": 1, "refund-fail": 2, "rejected": 3}
UNPAID_MESSAGES = {
    "created": "the payment is pending",
    "pending": "the payment is pending",
    "failed": "the payment failed",
    "canceled": "the purchase was canceled",
    "refunded": "the purchase was refunded",
    "charged-back": "the purchase was charged back",
}


@pytest.fixture(scope="module")
def client():
    """One sandbox for all tables: each test has a game of its own."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        made = SandboxClient(running.ready)
        yield made
        made.pool.clear()


def _game(client, portal, status):
    """Members of an order: a buyer, and a game that no other test uses, so that its list is short."""
    buyer = {"player": client.player(user_id="700"), "product": client.product()}
    if portal != "jogos":
        return buyer
    game_id = str(50_000 + PLACES.index((portal, status)))
    client.done("PUT", f"/games/{game_id}", {"shared_key": KEY})
    return {**buyer, "game": game_id}


def _order(client, order_id):
    return client.done("GET", f"/orders/{order_id}")["order"]


def _listed(client, game_id):
    """What the game's server is told by getOrders, by order id."""
    body = json.dumps({"gameId": int(game_id), "pageNo": 1, "pageSize": 100}).encode()
    reply = client.portal("/api/gamepay/getOrders", body, key=KEY)
    return {row["orderId"]: row for row in reply.json["page"]["content"]}


def _check_wire(client, life, order):
    """The backend sees of an order what its status says, and nothing else."""
    order_id, status = order["order_id"], order["status"]
    assert order["paid"] is (status in life.paid)
    if life.portal != "jogos":
        _check_verification(client, order)
        return
    row = _listed(client, order["game_id"]).get(order_id)
    assert (row is not None) is order["paid"]
    if row is not None:
        assert row["refundStatus"] == REFUND_OF.get(status)
        assert row["arrivedStatus"] == order["arrivedStatus"]
        assert (row["payTime"], row["refundTime"]) == (order["paid_at_s"], order["refunded_at_s"])
    body = json.dumps({"gameId": int(order["game_id"]), "orderId": order_id}).encode()
    reported = client.portal("/api/gamepay/webhook/arrivedorder", body, key=KEY)
    assert reported.json["code"] == ("200" if order["paid"] else "500")


def _check_verification(client, order):
    reply = PurchaseShop(client).verify(order)
    message = UNPAID_MESSAGES.get(order["status"])
    expected = {"success": True} if message is None else {"success": False, "errorMessage": message}
    assert (reply.status, reply.json) == (200, expected)


@pytest.mark.parametrize(("portal", "status"), PLACES)
def test_legal_moves_lead_on_and_illegal_ones_are_refused(client, portal, status):
    """sandbox:order-moves, sandbox:refund-moves: the whole table, without force."""
    life, game = LIVES[portal], _game(client, portal, status)
    for move in life.forced:
        order_id = order_in(client, life, status, **game)
        before = _order(client, order_id)
        assert before["status"] == status

        reply = make(client, order_id, move)

        after = _order(client, order_id)
        assert after["forced"] is False
        if move == "unpay" and before["state"] in ("created", "pending"):
            assert (reply.status, after) == (200, before), "there is nothing to take back"
        elif move in life.legal[status]:
            assert (reply.status, after["status"]) == (200, life.legal[status][move]), (status, move)
        else:
            assert (reply.status, after) == (409, before), (status, move)
            assert reply.json["code"] in CODES
            named = reply.json["try"].removeprefix("legal now: ").partition(";")[0]
            assert set(named.split(", ")) - {"none"} == set(life.legal[status]), (status, move)
        _check_wire(client, life, after)


@pytest.mark.parametrize(("portal", "status"), PLACES)
def test_force_makes_an_illegal_move_and_marks_it(client, portal, status):
    """On the order, in its timeline and in the journal; a legal move stays unmarked even with force."""
    life, game = LIVES[portal], _game(client, portal, status)
    for move in life.forced:
        order_id = order_in(client, life, status, **game)
        is_nothing = move == "unpay" and status in ("created", "pending")

        reply = make(client, order_id, move, force=True)

        assert reply.status == 200, (status, move, reply.body)
        after = _order(client, order_id)
        is_legal = move in life.legal[status] or is_nothing
        if not is_nothing:
            assert after["status"] == life.forced_to(status, move), (status, move)
        assert after["forced"] is not is_legal, (status, move)
        _check_marks(client, order_id, status, move, is_legal=is_legal)
        _check_wire(client, life, after)


def _check_marks(client, order_id, status, move, *, is_legal):
    events = client.done("GET", f"/orders/{order_id}/timeline")["events"]
    marked = [event for event in events if event.get("forced")]
    verdicts = [entry["verdict"] for entry in client.journal(order_id=order_id, dir="control")]
    said = [verdict for verdict in verdicts if verdict and verdict["code"] == "forced"]
    if is_legal:
        assert (marked, said) == ([], [])
        return
    assert [(event["move"], event["from"]) for event in marked] == [(move, status)]
    (verdict,) = said
    assert f"{move} of an order that was {status}" in verdict["reason"]


@pytest.mark.parametrize(("portal", "status"), PLACES)
def test_an_order_names_the_moves_that_would_change_it(client, portal, status):
    """For whoever draws buttons: each named call succeeds, no other does anything new."""
    life = LIVES[portal]
    order_id = order_in(client, life, status, **_game(client, portal, status))
    legal = {move for move in life.legal[status] if move != "unpay"}
    if status == "delivered":
        legal.discard("deliver")

    assert set(_order(client, order_id)["moves"]) == legal
    assert (
        client.done("POST", f"/orders/{order_id}/change", {})["order"]["moves"]
        == _order(client, order_id)["moves"]
    )


@pytest.mark.parametrize(
    ("portal", "move"), [("jogos", "consume"), ("jogos", "chargeback"), ("playgama", "expire")]
)
def test_a_move_that_a_portal_does_not_know_cannot_be_forced(client, portal, move):
    """There is no status that it could lead to."""
    order_id = client.order_id(portal=portal)
    before = _order(client, order_id)

    for body in ({}, {"force": True}):
        assert client.refused("POST", f"/orders/{order_id}/{move}", body) == (409, "order-move-unknown")

    assert _order(client, order_id) == before


def test_a_late_payment_never_takes_a_refund_back(shop, backend):
    """jogos:iap.4: force pays once more, and the notification says that the money went back."""
    order_id = shop.order_id(paid=True, callback="manual")
    shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1, "callback": "manual"})

    step = shop.done("POST", f"/orders/{order_id}/pay", {"force": True})

    shop.await_delivery(step["delivery"]["delivery_id"], "delivered")
    (arrival,) = backend.arrivals
    assert (arrival.json["paytype"], arrival.json["refundStatus"]) == ("pay", 1)
    assert (step["order"]["status"], step["order"]["forced"]) == ("refunded", True)


def test_a_forced_refund_of_an_unpaid_order_is_told_like_any(shop, backend):
    """jogos:iap.4; the signature is right, so that a backend has to judge the facts."""
    order_id = shop.order_id()

    step = shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1, "force": True})

    shop.await_delivery(step["delivery"]["delivery_id"], "delivered")
    (arrival,) = backend.arrivals
    signed = hashlib.sha1(arrival.body + shop.shared_key.encode()).hexdigest()
    assert arrival.header("Authorization") == signed
    assert (arrival.json["paytype"], arrival.json["refundStatus"]) == ("refund", 1)
    assert step["order"]["paid"] is True
    assert step["order"]["forced"] is True


def test_a_genuine_notification_by_hand_of_a_failed_order_is_marked(shop, backend):
    """It becomes true, as it says, and the order tells that this was no legal move."""
    order_id = shop.order_id()
    shop.done("POST", f"/orders/{order_id}/fail")

    shop.done("POST", "/callbacks", {"order": order_id, "type": "pay"})

    order = _order(shop, order_id)
    assert (order["status"], order["forced"]) == ("success", True)
    other = shop.order_id()
    shop.done("POST", "/callbacks", {"order": other, "type": "refund"})
    assert (_order(shop, other)["status"], _order(shop, other)["forced"]) == ("refunded", False)


ODD = {"created_at_s": 1_755_657_098_000, "paid_at_s": 0, "refunded_at_s": -1}


def test_every_time_of_an_order_can_be_odd(shop, backend):
    """jogos:iap.1.fields: createTime in milliseconds, payTime 0, refundTime before 1970; never now."""
    step = shop.order(paid=True, refundStatus=1, callback="normal", arrivedStatus=1, **ODD)

    bodies = [arrival.json for arrival in backend.wait_for(2)]
    assert [body["createTime"] for body in bodies] == [ODD["created_at_s"]] * 2
    assert [body["payTime"] for body in bodies] == [0, 0]
    assert bodies[1]["refundTime"] == -1
    order = step["order"]
    assert (order["paid_at_s"], order["refunded_at_s"], order["arrivedStatus"]) == (0, -1, 1)


def test_moves_take_the_time_of_what_they_do(shop):
    """The twin: the time is given with the move instead of at creation."""
    order_id = shop.order_id()

    paid = shop.done("POST", f"/orders/{order_id}/pay", {"paid_at_s": 7, "callback": "manual"})
    refunded = shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1, "refunded_at_s": 9})

    assert paid["order"]["paid_at_s"] == 7
    assert (refunded["order"]["paid_at_s"], refunded["order"]["refunded_at_s"]) == (7, 9)


def test_facts_that_no_move_sets_need_force(shop):
    """A portal's record can be falsified on purpose, and says so."""
    order_id = shop.order_id(paid=True, callback="manual")
    path, facts = f"/orders/{order_id}/change", {"arrivedStatus": 1, **ODD}

    assert shop.refused("POST", path, facts) == (400, "field-invalid")
    changed = shop.done("POST", path, {**facts, "force": True})["order"]

    assert {name: changed[name] for name in facts} == facts
    assert changed["forced"] is True


def test_a_refund_at_creation_of_an_unpaid_order_needs_force(shop):
    """The twin without force is refused before anything is made."""
    wish = {"player": shop.player(), "product": shop.product(), "refundStatus": 0}

    assert shop.refused("POST", "/orders", wish) == (400, "field-invalid")
    made = shop.done("POST", "/orders", {**wish, "force": True})["order"]

    assert (made["status"], made["forced"]) == ("refunding", True)


def test_an_unmet_precondition_is_not_a_matter_of_force(client):
    """jogos:iap.key: a game without a callback URL is notified of nothing."""
    client.done("PUT", "/games/49999", {"shared_key": KEY})
    order_id = client.order_id(game="49999")

    refused = client.refused("POST", f"/orders/{order_id}/pay", {"force": True})

    assert refused == (409, "game-without-callback-url")
