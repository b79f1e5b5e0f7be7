"""Misdeliveries of bodies that are odd already: compressed, called so, or with numbers beyond all bounds."""

import gzip
import hashlib
import json

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.faults import Fault

KEY = b"the shared key"


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game with a known key and a schedule that stands still, so that times in bodies do too."""
    shop.done("POST", "/reset")
    shop.set_game(shared_key=KEY.decode(), callback_url=backend.url, retry="none")
    shop.done("POST", "/clock/freeze")
    return shop


def _called_back(game, backend, kinds, **call):
    """An order after a hand-made callback, and what the backend got of it."""
    order_id = game.order_id()
    game.done("POST", "/callbacks", {"order": order_id, "type": "pay", "with": kinds, **call})
    return game.done("GET", f"/orders/{order_id}")["order"], backend.arrivals[-1]


def _good(order):
    """What the document's table makes of an order, written by hand."""
    return {
        "paytype": "pay",
        "gameId": int(order["game_id"]),
        "orderId": order["order_id"],
        "arrivedStatus": 0,
        "productId": order["product_id"],
        "createTime": order["created_at_s"],
        "payTime": order["paid_at_s"] or order["created_at_s"],
        "userId": int(order["user_id"]),
        "refundStatus": None,
        "refundTime": None,
    }


@pytest.mark.parametrize(
    ("value", "other"),
    [(0, 1), (257, 256), (-3, -2), (1.5, 2.5), (1e300, 5e299), (10**4300 - 1, 10**4300 - 2)],
    ids=["none", "small", "negative", "fraction", "huge", "as-long-as-can-be-read"],
)
def test_a_number_is_tampered_into_another_that_can_be_written(game, backend, value, other):
    """Whatever number a body is made with."""
    order_id = game.order_id()
    wish = {"order": order_id, "type": "pay", "body": {"set": {"userId": value}}}

    game.done("POST", "/callbacks", {**wish, "with": {"tampered_field": "userId"}})

    assert backend.arrivals[-1].json["userId"] == other


ZIPPED = [{"body": {"encode": "gzip"}, "kinds": {}}, {"kinds": {"altered": "gzip"}}]


@pytest.mark.parametrize("wish", ZIPPED)
def test_a_compressed_body_is_tampered_with_inside(game, backend, wish):
    """Its header still fits: what is sent is what is told."""
    kinds, call = {**wish["kinds"], "tampered_field": "userId"}, {**wish}
    del call["kinds"]

    order, arrival = _called_back(game, backend, kinds, **call)

    good, sent = _good(order), json.loads(gzip.decompress(arrival.body))
    assert {name for name in good if good[name] != sent[name]} == {"userId"}
    assert arrival.header("Content-Encoding") == "gzip"
    compact = json.dumps(good, separators=(",", ":"), ensure_ascii=False).encode()
    signed = hashlib.sha1(gzip.compress(compact, mtime=0) + KEY).hexdigest()
    assert arrival.header("Authorization") == signed
    assert not order["paid"]


@pytest.mark.parametrize("wish", ZIPPED)
def test_a_compressed_body_that_is_respelt_is_compressed_no_more(game, backend, wish):
    """The spelling that was asked for comes last, without the header of the one before."""
    kinds, call = {**wish["kinds"], "resigned_mismatch": "spaced"}, {**wish}
    del call["kinds"]

    order, arrival = _called_back(game, backend, kinds, **call)

    assert arrival.body == json.dumps(_good(order), ensure_ascii=False).encode()
    assert arrival.header("Content-Encoding") is None


@pytest.mark.parametrize(
    ("kinds", "sent"),
    [
        ({"field_shape": "paytype_missing"}, {"paytype"}),
        ({"altered": "sorted"}, set()),
        ({"replay_old": 1}, {"createTime", "payTime"}),
        ({"tampered_field": "userId"}, {"userId"}),
    ],
)
@pytest.mark.parametrize("is_honest", [True, False])
def test_a_resend_reads_what_its_header_calls_compressed(game, backend, kinds, sent, is_honest):
    """A body that is not what its header says is taken as it is."""
    zipped = {"body": {"encode": "gzip"}} if is_honest else {"headers": {"Content-Encoding": "gzip"}}
    order, _ = _called_back(game, backend, {}, **zipped)
    (delivery,) = game.done("GET", f"/deliveries?order={order['order_id']}")["deliveries"]

    game.done("POST", f"/deliveries/{delivery['delivery_id']}/resend", {"with": kinds})

    arrival, good = backend.arrivals[-1], _good(order)
    is_zipped = arrival.header("Content-Encoding") == "gzip"
    body = json.loads(gzip.decompress(arrival.body) if is_zipped else arrival.body)
    assert {name for name in good if name not in body or good[name] != body[name]} == sent
    assert is_zipped is (is_honest and "tampered_field" in kinds)


def test_a_fault_that_cannot_be_sent_uses_up_none_of_its_times(sandbox, game, backend):
    """A failure of our own, as what cannot be encoded is: nothing has left, so nothing has fired."""
    services = sandbox.services
    fault = Fault(
        fault_id="f-1", at="delivery", kind="wrong_content_type", params={"value": "\u20ac"}, times=1
    )
    services.faults.add(fault)
    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]
    with services.ground.database.read() as connection:
        delivery = services.ground.post.find(connection, delivery_id)

    with pytest.raises(UnicodeEncodeError):
        services.dispatch.desk.attempt(delivery, cause="advance")

    (report,) = game.done("GET", "/faults")["faults"]
    assert (report["seen"], report["fired"], report["left"]) == (1, 0, 1)
    assert backend.arrivals == []
