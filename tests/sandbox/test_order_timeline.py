"""One order's story: whole, in order, from what is kept; richer while the journal still knows more."""

import json
import re

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.order_lives import make
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient
from sqlalchemy import event

HOUR_S = 3600


def _events(client, order_id):
    return client.done("GET", f"/orders/{order_id}/timeline")["events"]


def _told(events):
    return [(item["lane"], item["kind"]) for item in events]


@pytest.fixture
def story(shop, backend):
    """An order whose first notification was refused, then resent and reported as delivered; and its id."""
    shop.set_game(retry=[HOUR_S])
    backend.answer_with(Says(status=500), Says())
    player = shop.player(username="someone")
    shop.done("POST", "/tokens", {"player": player})
    order_id = shop.order_id(player=player)
    paid = shop.done("POST", f"/orders/{order_id}/pay")
    delivery_id = paid["delivery"]["delivery_id"]
    shop.await_delivery(delivery_id, "pending", attempts=1)
    return order_id, delivery_id


BEGUN = [
    ("client", "token"),
    ("control", "POST /orders"),
    ("client", "create"),
    ("control", "POST /orders/{id}/pay"),
    ("portal", "pay"),
    ("portal", "notification"),
    ("portal", "attempt"),
    ("backend", "reply"),
]


def test_a_story_has_what_everybody_did_and_what_comes_next(shop, story):
    """sandbox.md, Order timeline: lanes, a red mark where an attempt was refused, the next attempt."""
    order_id, delivery_id = story

    events = _events(shop, order_id)

    assert _told(events) == [*BEGUN, ("portal", "next-attempt")]
    (reply,) = [item for item in events if item["kind"] == "reply"]
    assert (reply["refused"], reply["status"], reply["attempt"]) == (True, 500, 1)
    assert reply["verdict"] == {"code": "200", "reason": "HTTP 500 is not a success"}
    assert "HTTP 500" in reply["title"]
    coming = events[-1]
    assert (coming["future"], coming["attempt"], coming["delivery_id"]) == (True, 2, delivery_id)
    assert HOUR_S - 60 < coming["at_s"] - reply["at_s"] <= HOUR_S + 1
    assert [item for item in events[:-1] if item["future"]] == []


def test_a_story_goes_on_with_the_backend(shop, story):
    """Resent and accepted, reported, listed, refunded: each in its lane, nothing twice."""
    order_id, delivery_id = story
    shop.done("POST", f"/deliveries/{delivery_id}/resend")
    shop.arrived(order_id)
    shop.orders_page()
    make(shop, order_id, "refund:2")

    events = _events(shop, order_id)

    assert _told(events)[len(BEGUN) :] == [
        ("portal", "attempt"),
        ("backend", "reply"),
        ("backend", "jogos.arrivedorder"),
        ("portal", "deliver"),
        ("backend", "jogos.getOrders"),
        ("control", "POST /orders/{id}/refund"),
        ("portal", "refund:2"),
    ]
    steps = [(item["move"], item["from"], item["to"], item["cause"]) for item in events if "move" in item]
    assert steps == [
        ("create", None, "pending", "control"),
        ("pay", "pending", "success", "control"),
        ("deliver", "success", "delivered", "backend"),
        ("refund:2", "delivered", "refund-fail", "control"),
    ]
    assert [item["refused"] for item in events if item["kind"] == "reply"] == [True, False]
    assert [item["at_s"] for item in events] == sorted(item["at_s"] for item in events)


def test_a_listing_without_the_order_is_no_part_of_its_story(shop):
    """The twin: an unpaid order is on no page."""
    order_id = shop.order_id()
    shop.orders_page()

    assert [item for item in _events(shop, order_id) if item["lane"] == "backend"] == []


def test_a_purchase_and_its_verification_are_told(bazaar):
    """Where the client carries the proof: handed over, asked about, taken back by the bank."""
    order = bazaar.order(paid=False)
    bazaar.purchase(order)
    bazaar.verify(order)
    make(bazaar.client, order["order_id"], "pay")
    make(bazaar.client, order["order_id"], "chargeback")

    events = _events(bazaar.client, order["order_id"])

    assert [told for told in _told(events) if told[0] != "control"] == [
        ("client", "create"),
        ("client", "purchase"),
        ("backend", "playgama.verify"),
        ("portal", "pay"),
        ("portal", "chargeback"),
    ]


def test_a_refused_call_and_a_refused_report_are_red(shop):
    """What somebody said no to is marked, whoever it was."""
    order_id = shop.order_id()
    make(shop, order_id, "deliver")
    shop.arrived(order_id)

    red = [(item["kind"], item["status"]) for item in _events(shop, order_id) if item["refused"]]

    assert red == [("POST /orders/{id}/deliver", 409), ("jogos.arrivedorder", 200)]


def test_a_story_outlives_its_journal_and_the_process(tmp_path, backend):
    """The store alone tells the whole story of the money, with the very same words."""
    settings = SandboxSettings(port=0, control_port=0, seed=7, store=tmp_path / "kept.sqlite")
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=backend.url, retry=[HOUR_S])
        backend.answer_with(Says(status=500), Says())
        step = client.order(paid=True)
        order_id, delivery_id = step["order"]["order_id"], step["delivery"]["delivery_id"]
        client.await_delivery(delivery_id, "pending", attempts=1)
        client.done("POST", f"/deliveries/{delivery_id}/resend")
        client.arrived(order_id)
        make(client, order_id, "refund:1")
        before = _events(client, order_id)
        running.services.journal.clear()
        cleared = _events(client, order_id)
        client.pool.clear()
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        after = _events(client, order_id)
        client.pool.clear()

    durable = [item for item in before if item["kind"] in DURABLE]
    assert cleared == after == durable
    assert [item["kind"] for item in durable if "move" in item] == ["create", "pay", "deliver", "refund:1"]
    assert len(before) > len(durable), "the journal had more to tell"


DURABLE = {"create", "pay", "deliver", "refund:1", "notification", "attempt", "reply"}


def test_a_frozen_schedule_shows_both_times(shop, backend):
    """What happened happened by the machine's clock; what it says is the schedule's."""
    backend.answer_with(Says(status=500))
    shop.done("POST", "/clock/freeze", {"at_s": 1_000_000})
    order_id = shop.order_id(paid=True)
    shop.done("POST", "/clock/advance", {"next": True})

    events = _events(shop, order_id)

    moves = [item for item in events if "move" in item]
    assert {item["schedule_at_s"] for item in moves} == {1_000_000}
    assert min(item["at_s"] for item in moves) > 1_700_000_000
    assert _told(events)[-1] == ("portal", "next-attempt")
    assert 1_000_000 <= events[-1]["schedule_at_s"] < 1_000_100


def test_an_unknown_order_has_no_story(client):
    """Its twin is every other test here."""
    assert client.refused("GET", "/orders/none/timeline") == (404, "order-unknown")


TABLES = ("orders", "order_events", "deliveries", "attempts")


def test_telling_a_story_and_moving_an_order_read_by_the_orders_id(sandbox, shop, backend):
    """The cost is that of the order, not of how many there are: no query looks at other orders' rows."""
    step = shop.order(paid=True)
    order_id = step["order"]["order_id"]
    shop.await_delivery(step["delivery"]["delivery_id"], "delivered")
    statements = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    engine = sandbox.services.ground.database.engine
    event.listen(engine, "before_cursor_execute", note)
    _events(shop, order_id)
    make(shop, order_id, "refund:0")
    event.remove(engine, "before_cursor_execute", note)

    plans = {}
    with engine.connect() as connection:
        for statement, parameters in statements:
            if re.match(r"\s*(SELECT|UPDATE|DELETE)", statement) and any(
                f" {t}" in statement for t in TABLES
            ):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans[statement] = [row[3] for row in rows]
    by_id = re.compile(
        r"SEARCH (orders|order_events|deliveries|attempts|earlier) .*(order_id|delivery_id)=\?"
    )
    told = {match.group(1) for plan in plans.values() for step in plan if (match := by_id.match(step))}
    assert set(TABLES) <= told, json.dumps(plans, indent=1)
    poor = [step for plan in plans.values() for step in plan if re.match(rf"SCAN ({'|'.join(TABLES)})", step)]
    assert poor == [], json.dumps(plans, indent=1)
