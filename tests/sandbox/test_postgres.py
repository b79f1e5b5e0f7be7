"""A sandbox whose store is a real PostgreSQL: what it does over SQLite it does over a database URL too."""

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient

pytestmark = pytest.mark.tool("postgres")
REFUSAL = Says(status=500)


class _Run:
    """One start of a sandbox over that store."""

    def __init__(self, url):
        self._sandbox = Sandbox(SandboxSettings(port=0, control_port=0, seed=7, store=url))

    def __enter__(self):
        self._sandbox.__enter__()
        self.client = SandboxClient(self._sandbox.ready)
        return self.client

    def __exit__(self, *details):
        self.client.pool.clear()
        self._sandbox.__exit__(*details)


@pytest.fixture
def store(postgres_server):
    """The URL of an empty schema, as --store takes it."""
    return postgres_server.url().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def shop(store, backend):
    """A client of a sandbox over it; nothing of its own went wrong at the end."""
    with _Run(store) as client:
        client.set_game(callback_url=backend.url, retry=[0.1, 3600, 3600])
        yield client
        _check_no_failure(client)


def _check_no_failure(client):
    told = [entry["error"] for entry in client.journal(limit=10_000) if entry["error"]]
    assert [error for error in told if "Traceback" in error or "store-" in error] == []
    assert client.done("GET", "/journal")["trouble"] is None


def test_an_order_is_sold_told_twice_reported_listed_and_refunded(shop, backend):
    """The first attempt is refused, the retry accepted; then arrivedorder, getOrders and a refund."""
    backend.answer_with(REFUSAL, Says())
    made = shop.order(paid=True)
    order_id = made["order"]["order_id"]

    detail = shop.await_delivery(made["delivery"]["delivery_id"], "delivered", attempts=2)
    arrived = shop.arrived(order_id)
    refund = shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})
    shop.await_delivery(refund["delivery"]["delivery_id"], "delivered")

    assert [attempt["ack"]["accepted"] for attempt in detail["attempts"]] == [False, True]
    assert arrived.json["code"] == "200"
    (row,) = shop.orders_page().json["page"]["content"]
    assert (row["orderId"], row["refundStatus"], row["arrivedStatus"]) == (order_id, 1, 1)
    assert [arrival.json["paytype"] for arrival in backend.arrivals] == ["pay", "pay", "refund"]


def test_a_frozen_schedule_is_advanced_and_what_failed_recovers(shop, backend):
    """Every retry in one call; then recover takes it up again, and the next advance delivers it."""
    shop.done("POST", "/clock/freeze")
    backend.answer_with(*[REFUSAL] * 4, Says())
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    fired = shop.advance(until_idle=True)["fired"]
    failed = shop.done("GET", f"/deliveries/{delivery_id}")["state"]
    recovered = shop.done("POST", "/deliveries/recover", {"since_s": 0})["recovered"]
    again = shop.advance(next=True)["fired"]

    assert [one["attempt"] for one in fired] == [1, 2, 3, 4]
    assert failed == "failed"
    assert recovered == [delivery_id]
    assert [one["attempt"] for one in again] == [5]
    assert shop.done("GET", f"/deliveries/{delivery_id}")["state"] == "delivered"


@pytest.mark.parametrize("is_frozen", [True, False], ids=["frozen", "running"])
def test_deliveries_are_held_put_off_reordered_and_released(shop, backend, is_frozen):
    """What a fault does to a schedule, while it stands still and while it runs."""
    if is_frozen:
        shop.done("POST", "/clock/freeze")
    for spec in ({"delay": {"for_s": 0.2}}, {"reorder": {"for_s": 0.2}}):
        shop.done("POST", "/faults", {"at": "delivery", "with": {**spec, "times": 1}})
    orders = [shop.order(paid=True) for _ in range(3)]
    shop.done("POST", "/deliveries/hold")
    held = shop.order(paid=True)["delivery"]["delivery_id"]
    released = shop.done("POST", "/deliveries/release", {"all": True})["released"]
    if is_frozen:
        shop.advance(until_idle=True)

    assert held in released
    for delivery_id in (held, *(made["delivery"]["delivery_id"] for made in orders)):
        shop.await_delivery(delivery_id, "delivered")


def test_a_delivery_is_sent_again_by_hand_and_cancelled(shop, backend):
    """Resend, a hand-made callback, cancel."""
    backend.answer_with(Says(), Says(), Says(), REFUSAL, REFUSAL)
    made = shop.order(paid=True)
    delivery_id, order_id = made["delivery"]["delivery_id"], made["order"]["order_id"]
    shop.await_delivery(delivery_id, "delivered")

    resent = shop.done("POST", f"/deliveries/{delivery_id}/resend", {"mode": "exact"})
    shop.done("POST", "/callbacks", {"order": order_id, "type": "pay"})
    waiting = shop.order(paid=True)["delivery"]["delivery_id"]
    shop.await_delivery(waiting, "pending", attempts=2)

    assert resent["attempts_made"] == 2
    assert shop.done("POST", f"/deliveries/{waiting}/cancel")["state"] == "cancelled"


def test_lists_go_by_pages_and_archived_orders_leave_them(shop):
    """Newest first, after one of them; archive, reset and workspaces are statements of their own."""
    ids = [shop.order_id(paid=True, callback="lost") for _ in range(3)]
    newest = shop.done("GET", f"/orders?sort=newest&after={ids[2]}")["orders"]
    shop.done("POST", "/orders/archive", {"orders": ids[:1]})
    listed = [row["orderId"] for row in shop.orders_page().json["page"]["content"]]
    ada = shop.workspace(name="ada")
    ada.order_id()

    assert [order["order_id"] for order in newest] == ids[1::-1]
    assert sorted(listed) == sorted(ids[1:])
    assert shop.done("DELETE", "/workspaces/ada")
    shop.done("POST", "/reset")
    assert shop.done("GET", "/orders")["orders"] == []


def test_a_second_start_finds_it_all(store, backend):
    """Seed, game, keys, orders, deliveries with their attempts, a frozen clock, and the journal."""
    with _Run(store) as client:
        client.set_game(callback_url=backend.url)
        made = client.order(paid=True)
        delivery_id = made["delivery"]["delivery_id"]
        detail = client.await_delivery(delivery_id, "delivered")
        client.done("POST", "/clock/freeze", {"at_s": 1_800_000_000})
        waiting = client.order(paid=True)["delivery"]["delivery_id"]
        first, keys, last = client.ready, client.done("GET", "/keys"), client.journal()[-1]["seq"]
        orders = client.done("GET", "/orders")
        _check_no_failure(client)

    with _Run(store) as client:
        assert client.ready["jogos"]["game_id"] == first["jogos"]["game_id"]
        assert client.ready["jogos"]["shared_key"] == first["jogos"]["shared_key"]
        assert client.done("GET", "/keys") == keys
        assert client.done("GET", "/orders") == orders
        assert client.done("GET", f"/deliveries/{delivery_id}")["attempts"] == detail["attempts"]
        assert client.journal(limit=10_000)[-1]["seq"] >= last
        assert client.done("GET", "/clock")["schedule"]["now_s"] == 1_800_000_000
        fired = client.advance(until_idle=True)["fired"]
        assert [one["delivery_id"] for one in fired] == [waiting]
        _check_no_failure(client)
