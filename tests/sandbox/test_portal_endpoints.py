"""What a game's backend calls, over real sockets."""

import hashlib
import json

import pytest
from coinslot_contracts.portals.jogos.identity import parse_public_key

ARRIVED = "/api/gamepay/webhook/arrivedorder"
GET_ORDERS = "/api/gamepay/getOrders"


def test_the_public_key_is_the_one_that_tokens_are_signed_with(client):
    """jogos:user.3: the key in data, and nothing else is promised."""
    reply = client.send("GET", client.ready["jogos"]["web_url"] + "/publicKey.json")

    (published,) = parse_public_key(reply.body)
    (signing,) = [key for key in client.keys("jogos") if key["signs"]]
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert "".join(published.text.split()) == "".join(signing["public_key_pem"].split())


def test_every_portal_answer_says_that_it_comes_from_a_sandbox(client):
    """X-Coinslot-Sandbox: 1 stands on answers, refusals included."""
    base = client.ready["jogos"]["web_url"]

    replies = [client.send("GET", base + path) for path in ("/publicKey.json", "/nothing", ARRIVED)]
    replies += [client.arrived("unknown")]

    assert [reply.headers.get("X-Coinslot-Sandbox") for reply in replies] == ["1"] * 4


def test_a_reported_order_is_delivered(shop):
    """jogos:iap.2: arrivedStatus becomes 1."""
    order_id = shop.order_id(paid=True)

    reply = shop.arrived(order_id)

    assert reply.body == b'{"code":"200","msg":"Success"}'
    assert shop.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == 1


def test_reporting_again_is_no_error(shop):
    """sandbox:arrived-repeat-ok."""
    order_id = shop.order_id(paid=True)

    codes = [shop.arrived(order_id).json["code"] for _ in range(2)]

    assert codes == ["200", "200"]


def test_arrivedorder_signed_over_another_spacing_is_41007(shop):
    """jogos:iap.sha1: the signature covers the bytes that were sent."""
    order_id = shop.order_id(paid=True)
    value = {"gameId": int(shop.game_id), "orderId": order_id}
    compact = json.dumps(value, separators=(",", ":")).encode()

    wrong = shop.portal(ARRIVED, json.dumps(value).encode(), signed_over=compact)
    right = shop.portal(ARRIVED, json.dumps(value).encode())

    assert (wrong.status, wrong.json["code"]) == (200, "41007")
    assert right.json["code"] == "200"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"gameId": %(game)s}', "305"),
        (b'{"orderId": "x"}', "305"),
        (b'{"gameId": %(game)s, "orderId": 5}', "305"),
        (b"", "305"),
        (b"not json", "305"),
        (b"[]", "305"),
        (b'{"gameId": 1, "orderId": "x"}', "40001"),
        (b'{"gameId": %(game)s, "orderId": "unknown"}', "500"),
    ],
)
def test_arrivedorder_is_judged_in_the_documented_order(client, body, code):
    """sandbox:order-of-judgement; the twin that is right is above."""
    reply = client.portal(ARRIVED, body % {b"game": client.game_id.encode()})

    assert (reply.status, reply.json["code"]) == (200, code)


@pytest.mark.parametrize("state", ["created", "failed"])
def test_an_unpaid_order_cannot_arrive(client, state):
    """sandbox:order-unknown-500."""
    order_id = client.order_id()
    if state == "failed":
        client.done("POST", f"/orders/{order_id}/fail")

    assert client.arrived(order_id).json["code"] == "500"
    assert client.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == 0


def test_the_other_games_order_is_unknown(shop):
    """sandbox:order-unknown-500: an order belongs to its game."""
    shop.done("PUT", "/games/77", {"callback_url": "http://127.0.0.1:1/", "shared_key": "other-key"})
    order_id = shop.order_id(game="77", paid=True, callback="manual")
    body = json.dumps({"gameId": 77, "orderId": order_id}).encode()

    assert shop.arrived(order_id).json["code"] == "500"
    assert shop.portal(ARRIVED, body).json["code"] == "41007"
    assert shop.portal(ARRIVED, body, key="other-key").json["code"] == "200"


def test_a_game_without_a_shared_key_cannot_be_verified(client):
    """jogos:iap.key."""
    client.set_game(shared_key=None)

    assert client.arrived("any").json["code"] == "41007"


def test_31_orders_at_size_5_are_7_pages(client):
    """jogos:iap.3: the document's own figures."""
    client.product()
    player = client.player(username="buyer")
    made = [client.order_id(player=player, paid=True, callback="manual") for _ in range(31)]

    pages = [client.orders_page(page_no=number, page_size=5).json for number in range(1, 9)]

    heads = [{k: v for k, v in page["page"].items() if k != "content"} for page in pages]
    assert heads == [
        {"total": 31, "totalPage": 7, "currentPage": number, "pageSize": 5} for number in range(1, 9)
    ]
    listed = [row["orderId"] for page in pages for row in page["page"]["content"]]
    assert [len(page["page"]["content"]) for page in pages] == [5] * 6 + [1, 0]
    assert sorted(listed) == sorted(made)


def test_the_newest_payment_comes_first_and_ties_go_by_id(client):
    """sandbox:orders-newest-first."""
    made = [client.order_id(paid=True, callback="manual") for _ in range(6)]

    rows = client.orders_page().json["page"]["content"]

    keys = [(-row["payTime"], row["orderId"]) for row in rows]
    assert keys == sorted(keys)
    assert len(keys) == len(made)


def test_unpaid_and_archived_orders_are_not_listed(client):
    """jogos:iap.3 lists what was paid; an archived order has left the list."""
    client.order_id()
    archived, kept = (client.order_id(paid=True, callback="manual") for _ in range(2))
    client.done("POST", "/orders/archive", {"orders": [archived]})

    page = client.orders_page().json["page"]

    assert [row["orderId"] for row in page["content"]] == [kept]
    assert page["total"] == 1
    assert client.arrived(archived).json["code"] == "200"


@pytest.mark.parametrize(
    ("page_no", "page_size", "code"),
    [(0, 5, "305"), (1, 0, "305"), ("1", 5, "305"), (1.5, 5, "305"), (1, None, "305"), (1, 100, "200")],
)
def test_pages_are_whole_numbers_from_1(client, page_no, page_size, code):
    """sandbox:page-size-max."""
    assert client.orders_page(page_no=page_no, page_size=page_size).json["code"] == code


def test_a_page_holds_at_most_100(client):
    """sandbox:page-size-max: the answer says what was done."""
    assert client.orders_page(page_size=101).json["page"]["pageSize"] == 100


def test_a_portal_is_served_below_its_workspace_too(client):
    """interface: /w/<workspace>/<portal>/…"""
    base = client.ready["jogos"]["web_url"]

    named = client.send("GET", base + "/w/default/jogos/publicKey.json")
    at_root = client.send("GET", base + "/publicKey.json")

    assert (named.status, named.body) == (200, at_root.body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/publicKey.json/", 404),
        ("GET", "/PublicKey.json", 404),
        ("POST", "/publicKey.json", 405),
        ("GET", ARRIVED, 405),
        ("PUT", GET_ORDERS, 405),
        ("OPTIONS", GET_ORDERS, 405),
        ("GET", "/w/other/jogos/publicKey.json", 421),
        ("GET", "/w/other/none", 421),
        ("GET", "/w/default/none/publicKey.json", 404),
        ("GET", "/_control/v1/keys", 404),
    ],
)
def test_what_no_endpoint_answers_is_refused_in_json(client, method, path, status):
    """A backend that calls the wrong address sees which HTTP status it is, and the journal has it."""
    reply = client.send(method, client.ready["jogos"]["web_url"] + path)

    assert (reply.status, reply.json["code"]) == (status, str(status))
    assert client.journal(endpoint="unmatched")[-1]["verdict"]["code"] == str(status)
    assert status != 405 or reply.headers["Allow"]


def test_a_head_request_is_a_get_without_a_body(client):
    """RFC 9110 section 9.3.2."""
    reply = client.send("HEAD", client.ready["jogos"]["web_url"] + "/publicKey.json")

    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("size", [1_048_577, 3_000_000])
def test_a_body_over_1_mib_is_413(client, size):
    """The body is read to its end, so that the client sees the answer and can go on."""
    replies = [client.portal(ARRIVED, b" " * size), client.orders_page()]

    assert [(reply.status, reply.json["code"]) for reply in replies] == [(413, "413"), (200, "200")]


def test_a_body_of_1_mib_is_read(client):
    """The twin: exactly the limit is allowed."""
    assert client.portal(ARRIVED, b" " * 1_048_576).json["code"] == "305"


def test_a_chunked_body_is_read_whole(client):
    """RFC 9112 section 7.1: the signature covers the body, not its framing."""
    body = json.dumps({"gameId": int(client.game_id), "orderId": "unknown"}).encode()
    signed = client.portal(ARRIVED, body).json["code"]
    signature = hashlib.sha1(body + client.shared_key.encode()).hexdigest()
    chunked = client.send(
        "POST",
        client.ready["jogos"]["api_url"] + ARRIVED,
        body=iter([body[:3], body[3:20], body[20:]]),
        headers={"Authorization": signature, "Transfer-Encoding": "chunked"},
        chunked=True,
    )

    assert (signed, chunked.json["code"]) == ("500", "500")


@pytest.mark.parametrize("spoilt", [str.upper, lambda digest: f"Bearer {digest}", lambda _: ""])
def test_the_raw_authorization_value_is_compared(client, spoilt):
    """jogos:iap.2: forty lowercase digits, bare; a framework that folds case would accept more."""
    body = json.dumps({"gameId": int(client.game_id), "orderId": "unknown"}).encode()
    digest = hashlib.sha1(body + client.shared_key.encode()).hexdigest()
    url = client.ready["jogos"]["api_url"] + ARRIVED

    codes = [
        client.send("POST", url, body=body, headers={"Authorization": value}).json["code"]
        for value in (digest, spoilt(digest))
    ]

    assert codes == ["500", "41007"]
