"""Games, players, products and orders over the control port."""

import pytest
from sqlalchemy import event


def test_a_game_is_registered_with_a_key_of_its_own(client):
    """PUT /games: what is left out gets its default."""
    game = client.done("PUT", "/games/9943", {})

    assert len(game.pop("shared_key")) == 32
    assert game == {
        "portal": "jogos",
        "game_id": "9943",
        "callback_url": None,
        "iap_enabled": True,
        "retry": "local",
        "timeout_s": 10.0,
        "ack_rule": "json_code_200",
        "terminal_codes": [],
        "environments": ["production", "test"],
        "paths": {
            "jogos.publicKey": "/publicKey.json",
            "jogos.arrivedorder": "/api/gamepay/webhook/arrivedorder",
            "jogos.getOrders": "/api/gamepay/getOrders",
        },
    }


def test_members_left_out_stay_as_they_are(client):
    """PUT /games changes what it names."""
    before = client.set_game(callback_url="http://localhost:9/x", retry=[1, 2.5], timeout_s=3)

    after = client.set_game(iap_enabled=False)

    assert after == {**before, "iap_enabled": False}
    assert client.set_game(callback_url=None, shared_key=None) == {
        **after,
        "callback_url": None,
        "shared_key": None,
    }


def test_games_are_listed_with_the_default_one_first(client):
    """GET /games."""
    client.done("PUT", "/games/1", {})

    games = client.done("GET", "/games")["games"]

    assert [game["game_id"] for game in games] == [client.game_id, "1"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"callback_url": "https://example.com/notify"}, "callback-url-not-allowed"),
        ({"callback_url": "http://169.254.169.254/latest"}, "callback-url-not-allowed"),
        ({"callback_url": "http://8.8.8.8/"}, "callback-url-not-allowed"),
        ({"callback_url": "ftp://127.0.0.1/"}, "callback-url-not-allowed"),
        ({"callback_url": "http:///path"}, "callback-url-not-allowed"),
        ({"callback_url": "http://127.0.0.1:99999/"}, "callback-url-not-allowed"),
        ({"callback_url": "http://user@127.0.0.1/"}, "callback-url-not-allowed"),
        ({"callback_url": 5}, "field-invalid"),
        ({"retry": "locl"}, "field-invalid"),
        ({"retry": [1, -1]}, "field-invalid"),
        ({"retry": [True]}, "field-invalid"),
        ({"timeout_s": 0}, "field-invalid"),
        ({"timeout_s": True}, "field-invalid"),
        ({"iap_enabled": "yes"}, "field-invalid"),
        ({"shared_key": ""}, "field-invalid"),
        ({"portal": "poki"}, "field-invalid"),
        ({"sharedkey": "x"}, "field-unknown"),
    ],
)
def test_a_game_is_refused_what_it_cannot_have(client, change, code):
    """Each refusal names the member; nothing is changed."""
    before = client.done("GET", "/games")

    assert client.refused("PUT", f"/games/{client.game_id}", change) == (400, code)
    assert client.done("GET", "/games") == before


@pytest.mark.parametrize("game_id", ["abc", "01", "1.5", "-1", "99999999999999999999"])
def test_a_game_id_is_a_whole_number(client, game_id):
    """jogos:iap.1.fields types gameId int."""
    assert client.refused("PUT", f"/games/{game_id}", {}) == (400, "field-invalid")


def test_a_refusal_says_what_was_probably_meant(client):
    """Errors for people."""
    problem = client.control("PUT", "/games/1", {"calback_url": None}).json

    assert problem["try"] == "did you mean 'callback_url'?"
    assert problem["detail"] == "there is no member calback_url"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json-invalid"),
        (b"[]", "json-invalid"),
        (b'{"a":1,"a":2}', "json-invalid"),
        (b"\xff", "json-invalid"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client, body, code):
    """The parser is the product's strict one."""
    url = client.ready["control_url"] + "/_control/v1/players"
    headers = {"Authorization": f"Bearer {client.ready['control_token']}"}

    reply = client.send("POST", url, body=body, headers=headers)

    assert (reply.status, reply.json["code"]) == (400, code)


def test_a_player_is_made_up_from_the_seed(client):
    """Decimal user id within 32 bits, user name of 6 to 20 characters."""
    reply = client.control("POST", "/players")

    player = reply.json
    assert reply.status == 201
    assert 0 < int(player["user_id"]) <= 2_147_483_647
    assert 6 <= len(player["username"]) <= 20
    assert player["picture_url"].startswith("https://")
    assert client.done("GET", "/players")["players"] == [player]


def test_an_existing_player_is_changed(client):
    """POST with a known user_id updates the members that are given."""
    made = client.control("POST", "/players", {"user_id": 257, "username": "Player257"})
    changed = client.control("POST", "/players", {"user_id": "257", "picture_url": "https://x.test/a.png"})

    assert (made.status, changed.status) == (201, 200)
    assert changed.json == {**made.json, "picture_url": "https://x.test/a.png"}


@pytest.mark.parametrize("user_id", ["abc", "0257", -1, 1.5, True, ""])
def test_a_user_id_is_a_whole_number(client, user_id):
    """jogos:iap.1.fields types userId int."""
    assert client.refused("POST", "/players", {"user_id": user_id}) == (400, "field-invalid")


def test_a_product_is_made_and_changed(client):
    """The first one is 1002, as in the document's example."""
    made = client.control("POST", "/products", {})
    changed = client.control("POST", "/products", {"product_id": "1002", "price": 0})

    assert (made.status, made.json["product_id"], changed.status) == (201, "1002", 200)
    assert changed.json == {**made.json, "price": 0}
    assert client.done("GET", "/products")["products"] == [changed.json]


def test_two_products_get_two_ids(client):
    """Ids are drawn in order."""
    client.product("1003")

    assert [client.done("POST", "/products")["product_id"] for _ in range(2)] == ["1002", "1004"]


def test_an_order_alone_is_unpaid(client):
    """POST /orders: 30 alphanumerics, created."""
    made = client.order()

    order = made["order"]
    assert made["delivery"] is None
    assert len(order["order_id"]) == 30
    assert order["order_id"].isalnum()
    assert (order["state"], order["paid"], order["arrivedStatus"], order["refundStatus"]) == (
        "created",
        False,
        0,
        None,
    )


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"player": "1"}, (404, "player-unknown")),
        ({"product": "nope"}, (404, "product-unknown")),
        ({"game": "1"}, (404, "game-unknown")),
        ({"player": None}, (400, "field-missing")),
        ({"product": None}, (400, "field-missing")),
        ({"callback": "never"}, (400, "field-invalid")),
        ({"arrivedStatus": 2}, (400, "field-invalid")),
        ({"refundStatus": 1}, (400, "field-invalid")),
        ({"paid": True, "refundStatus": 4}, (400, "field-invalid")),
        ({"order_id": "a/b"}, (400, "field-invalid")),
        ({"order_id": "a\u0000b"}, (400, "field-invalid")),
        ({"order_id": "\ud800"}, (400, "field-invalid")),
        ({"paid": 1}, (400, "field-invalid")),
        ({"playr": "1"}, (400, "field-unknown")),
    ],
)
def test_an_order_is_refused_what_it_cannot_be(client, wish, expected):
    """Nothing is made."""
    good = {"player": client.player(username="someone"), "product": client.product()}

    assert client.refused("POST", "/orders", {**good, **wish}) == expected
    assert client.done("GET", "/orders")["orders"] == []


def test_an_order_id_is_taken_once(client):
    """An id of one's own is kept as it is; twice is a conflict."""
    assert client.order_id(order_id="Zz9-ü") == "Zz9-ü"
    again = {"player": client.player(), "product": "1002", "order_id": "Zz9-ü"}
    assert client.refused("POST", "/orders", again) == (409, "order-exists")
    assert client.order_id(order_id="zz9-ü") == "zz9-ü"


def test_orders_are_found_by_player_and_state(client):
    """GET /orders, in the order of their making."""
    first, second = client.player(username="first-one"), client.player(username="second-one")
    orders = [client.order_id(player=player) for player in (first, second, first, first)]
    client.done("POST", f"/orders/{orders[2]}/fail")

    def found(query: str) -> list[str]:
        return [order["order_id"] for order in client.done("GET", f"/orders?{query}")["orders"]]

    assert found(f"player={first}") == [orders[0], orders[2], orders[3]]
    assert found("state=failed") == [orders[2]]
    assert found("limit=2") == orders[:2]
    assert found(f"limit=2&after={orders[1]}") == orders[2:]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=10001", "state=odd"])
def test_a_query_is_checked(client, query):
    """The twin is above."""
    assert client.refused("GET", f"/orders?{query}") == (400, "field-invalid")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/orders/none", "order-unknown"),
        ("POST", "/orders/none/pay", "order-unknown"),
        ("POST", "/orders/none/fail", "order-unknown"),
        ("GET", "/deliveries/none", "delivery-unknown"),
        ("POST", "/deliveries/none/resend", "delivery-unknown"),
        ("DELETE", "/faults/none", "fault-unknown"),
        ("GET", "/journal/999999", "entry-unknown"),
        ("GET", "/w/other/keys", "workspace-unknown"),
        ("GET", "/nothing", "address-unknown"),
    ],
)
def test_what_is_not_there_is_404(client, method, path, code):
    """Each thing has its own code."""
    assert client.refused(method, path) == (404, code)


def test_a_refund_of_an_unknown_order_is_404(client):
    """And archiving one."""
    assert client.refused("POST", "/orders/none/refund", {"refundStatus": 1}) == (404, "order-unknown")
    assert client.refused("POST", "/orders/archive", {"orders": ["none"]}) == (404, "order-unknown")


def test_the_workspace_can_be_named(client):
    """/w/default/… is the same."""
    assert client.done("GET", "/w/default/keys") == client.done("GET", "/keys")


def test_a_wrong_method_says_which_are_right(client):
    """RFC 9110 section 15.5.6."""
    reply = client.control("DELETE", "/players")

    assert (reply.status, reply.json["code"], reply.headers["Allow"]) == (
        405,
        "method-not-allowed",
        "GET, POST",
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shared_key": None}, "game-without-shared-key"),
        ({"iap_enabled": False}, "game-without-in-app-purchase"),
        ({"callback_url": None}, "game-without-callback-url"),
    ],
)
def test_a_game_that_may_not_take_payments_says_which_sentence_is_unmet(shop, change, code):
    """jogos:iap.key; the order stays unpaid, and is paid once the remedy was taken."""
    good = next(game for game in shop.done("GET", "/games")["games"] if game["game_id"] == shop.game_id)
    order_id = shop.order_id()
    shop.set_game(**change)

    problem = shop.control("POST", f"/orders/{order_id}/pay").json

    assert (problem["status"], problem["code"], problem["clause"]) == (409, code, "jogos:iap.key")
    assert "line 15" in problem["detail"]
    assert shop.done("GET", f"/orders/{order_id}")["order"]["state"] == "created"
    shop.set_game(**{name: good[name] for name in change})
    assert shop.done("POST", f"/orders/{order_id}/pay")["order"]["state"] == "paid"


@pytest.mark.parametrize("callback", ["lost", "manual"])
def test_no_callback_url_is_needed_where_nothing_is_sent(client, callback):
    """Only that precondition falls away: without a shared key nothing is paid."""
    paid = client.order(paid=True, callback=callback)["order"]
    client.set_game(shared_key=None)

    assert paid["state"] == "paid"
    assert client.refused("POST", f"/orders/{client.order_id()}/pay", {"callback": callback}) == (
        409,
        "game-without-shared-key",
    )


def test_moves_that_the_table_forbids_are_conflicts(shop):
    """orders.py has the table."""
    order_id = shop.order_id(paid=True)
    failed = shop.order_id()
    shop.done("POST", f"/orders/{failed}/fail")

    assert shop.refused("POST", f"/orders/{order_id}/pay") == (409, "order-already-paid")
    assert shop.refused("POST", f"/orders/{order_id}/fail") == (409, "order-move-illegal")
    assert shop.refused("POST", f"/orders/{failed}/pay") == (409, "order-move-illegal")
    assert shop.refused("POST", f"/orders/{failed}/refund", {"refundStatus": 1}) == (409, "order-not-paid")
    shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})
    assert shop.refused("POST", f"/orders/{order_id}/refund", {"refundStatus": 0}) == (
        409,
        "order-move-illegal",
    )


def test_a_workspace_has_its_games_at_every_moment_of_a_reset(shop, sandbox):
    """Whatever reads meanwhile, the environment block or a call without a game, finds the default one."""
    counted = []

    def count(connection):
        seen = connection.exec_driver_sql("SELECT count(*) FROM games WHERE is_default").scalar()
        counted.append(seen)

    engine = sandbox.workspaces.common.database.engine
    event.listen(engine, "begin", count)
    shop.done("POST", "/reset")
    event.remove(engine, "begin", count)

    assert counted
    assert set(counted) == {1}
    assert shop.done("GET", "/env?format=json")["JOGOS_GAME_ID"] == shop.game_id


def test_reset_forgets_everything_but_what_was_there_at_start(shop):
    """Players, products, orders, deliveries, faults and journal go; default game and keys come back."""
    keys = shop.done("GET", "/keys")
    order_id = shop.order_id(paid=True)
    shop.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "replace"})
    shop.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"answer": 503}})
    last = shop.journal()[-1]["seq"]

    assert shop.done("POST", "/reset") == {"seed": 7}

    assert shop.done("GET", "/keys") == keys
    for name in ("players", "products", "orders", "deliveries", "faults"):
        assert shop.done("GET", f"/{name}")[name] == []
    (game,) = shop.done("GET", "/games")["games"]
    assert (game["game_id"], game["shared_key"], game["callback_url"]) == (
        shop.game_id,
        shop.shared_key,
        None,
    )
    assert shop.orders_page().json["page"]["total"] == 0
    assert all(entry["seq"] > last for entry in shop.journal())
    assert shop.order_id() != order_id
