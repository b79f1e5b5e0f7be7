"""The journal over the control API: reading it, waiting for it, and what a question may be."""

import base64
import json

import pytest


def test_both_directions_and_what_steered_them_are_journalled(shop):
    """dir in, out and control, with raw bytes."""
    order = shop.order(paid=True)
    shop.await_delivery(order["delivery"]["delivery_id"], "delivered")
    order_id, user_id = order["order"]["order_id"], order["order"]["user_id"]
    shop.arrived(order_id)
    shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 0})

    entries = shop.journal(order_id=order_id)

    seen = [
        (entry["dir"], entry["endpoint"], entry["verdict"] and entry["verdict"]["code"]) for entry in entries
    ]
    assert sorted(seen) == [
        ("control", "POST /orders", None),
        ("control", "POST /orders/{id}/refund", None),
        ("in", "jogos.arrivedorder", "200"),
        ("out", "delivery", "200"),
    ]
    inbound = next(entry for entry in entries if entry["dir"] == "in")
    assert (inbound["user_id"], inbound["game_id"], inbound["portal"]) == (user_id, shop.game_id, "jogos")
    sent = {name.lower(): value for name, value in inbound["request"]["headers"]}
    assert len(sent["authorization"]) == 40
    assert json.loads(base64.b64decode(inbound["request"]["body_b64"]))["orderId"] == order_id
    of_user = shop.journal(user_id=user_id)
    assert [entry["dir"] for entry in of_user if entry["dir"] != "control"] == ["out", "in"]
    assert {entry["dir"] for entry in shop.journal(dir="control")} == {"control"}


def test_waiting_over_http_returns_at_once_or_when_time_is_up(client):
    """GET /journal/wait; reads are not journalled, or waiting would wake itself."""
    client.player(username="someone")
    last = client.done("GET", "/journal")["last_seq"]

    at_once = client.done("GET", f"/journal/wait?after={last - 1}&timeout_s=60")
    in_vain = client.done("GET", f"/journal/wait?after={last}&timeout_s=0.05")

    assert [entry["endpoint"] for entry in at_once["entries"]] == ["POST /players"]
    assert in_vain == {"entries": [], "last_seq": last, "dropped": 0, "gaps": [], "trouble": None}


def test_a_limited_list_says_where_to_go_on(client):
    """last_seq of a page that is full is its own last number."""
    for _ in range(5):
        client.player(username="someone")

    page = client.done("GET", "/journal?limit=2")
    rest = client.done("GET", f"/journal?after={page['last_seq']}")

    assert len(page["entries"]) == 2
    assert len(rest["entries"]) == 3


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "dir=up", "after=99999999999999999999"])
def test_a_journal_query_is_checked(client, query):
    """The twins are above."""
    assert client.refused("GET", f"/journal?{query}") == (400, "field-invalid")


@pytest.mark.parametrize("timeout", ["61", "-1", "nan", "x", "inf"])
def test_a_wait_is_bounded(client, timeout):
    """At most a minute."""
    assert client.refused("GET", f"/journal/wait?timeout_s={timeout}") == (400, "field-invalid")


def test_header_names_and_repeats_are_kept_as_sent(client):
    """Raw bytes: nothing is folded."""
    url = client.ready["jogos"]["web_url"] + "/publicKey.json?a=%20b"
    client.send("GET", url, headers={"x-ODD-case": "A  b"})

    (entry,) = client.journal(endpoint="jogos.publicKey")

    assert ["x-ODD-case", "A  b"] in entry["request"]["headers"]
    assert entry["request"]["target"] == "/publicKey.json?a=%20b"
