"""GET and PUT /dialects: what is told of a dialect, and when a choice takes effect."""

import json

import pytest
from coinslot_contracts.clauses import get_clause
from coinslot_contracts.portal import discover
from coinslot_testkit.dialect_ears import Ears, read


@pytest.fixture
def ears(client, backend):
    """A sandbox of its own."""
    return Ears(client, backend)


def test_every_dialect_is_told_with_its_variants_and_where_it_comes_from(client):
    """One sentence for each variant, and the assumption's own words."""
    told = client.done("GET", "/dialects")

    assert set(told) == {"dialects", "known"}
    for name, portal in discover().items():
        assert list(told["dialects"][name]) == list(told["known"][name]) == list(portal.dialects)
        for dialect, known in told["known"][name].items():
            assert known["default"] == told["dialects"][name][dialect] == next(iter(known["variants"]))
            assert all(says.endswith(".") for says in known["variants"].values())
            assert known["says"] == get_clause(known["clause"]).says


def test_several_dialects_are_chosen_at_once_and_the_rest_stay(ears):
    """They work together: an old portal that speaks strings and milliseconds."""
    ears.tell("jogos", notice_ids="text", notice_times="milliseconds", notice_empty="absent")
    ears.tell("jogos", notice_paytype="absent")
    order = ears.order()

    members = read(ears.pay(order))

    paid_at_s = ears.now(order)["paid_at_s"]
    assert members == {
        "gameId": order["game_id"],
        "orderId": order["order_id"],
        "arrivedStatus": 0,
        "productId": "1002",
        "createTime": order["created_at_s"] * 1000,
        "payTime": paid_at_s * 1000,
        "userId": "257",
    }


def test_a_notification_keeps_the_manner_in_which_it_was_written(ears):
    """A dialect that is chosen later changes no byte of what is repeated."""
    first = ears.pay(ears.order())
    (delivery,) = ears.client.done("GET", "/deliveries")["deliveries"]
    ears.tell("jogos", notice_spelling="indented", notice_signature="upper-case", notice_content_type="text")

    ears.client.done("POST", f"/deliveries/{delivery['delivery_id']}/resend", {})

    again = ears.backend.wait_for(2)[1]
    assert (again.body, again.headers) == (first.body, first.headers)
    assert ears.pay(ears.order()).body.startswith(b"{\n")


def hand_made(ears, **body):
    order = ears.order()
    call = {"order": order["order_id"], "type": "pay", **body}
    before = len(ears.backend.arrivals)
    made = ears.client.done("POST", "/callbacks", call)
    assert made["delivery"]["state"] == "delivered"
    return ears.backend.wait_for(before + 1)[before], ears.now(order)


def test_what_a_hand_made_callback_leaves_open_is_told_as_the_portal_speaks(ears):
    """Members, spelling, signature and headers; the order becomes paid, for the callback is genuine."""
    ears.tell(
        "jogos",
        notice_ids="text",
        notice_spelling="indented",
        notice_signature="upper-case",
        notice_header_names="lower-case",
    )

    arrival, order = hand_made(ears)

    assert arrival.body.startswith(b'{\n  "paytype"')
    assert read(arrival)["userId"] == "257"
    assert str(arrival.header("Authorization")).isupper()
    assert ("content-type", "application/json") in arrival.headers
    assert order["state"] == "paid"


def test_what_a_hand_made_callback_says_itself_stands(ears):
    """encode, set, signature and headers win over every dialect."""
    ears.tell("jogos", notice_ids="text", notice_spelling="indented", notice_signature="upper-case")

    spelt, _ = hand_made(ears, body={"encode": "compact", "set": {"userId": 257}})
    broken, order = hand_made(ears, signature="truncated", headers={"Content-Type": "text/html"})
    raw, _ = hand_made(ears, body={"raw": "{}"})

    assert b'"userId":257,' in spelt.body
    assert len(str(broken.header("Authorization"))) == 39
    assert not str(broken.header("Authorization")).isupper()
    assert broken.header("Content-Type") == "text/html"
    assert order["state"] == "created"
    assert raw.body == b"{}"


def test_a_dialect_is_a_workspaces_own(ears):
    """Another workspace speaks its defaults."""
    ears.client.done("POST", "/workspaces", {"name": "another"})
    ears.tell("jogos", key_document="nested")

    base = ears.client.ready["jogos"]["web_url"]
    there = ears.client.send("GET", f"{base}/w/another/jogos/publicKey.json").json

    assert isinstance(json.loads(ears.key_reply().body)["data"], dict)
    assert isinstance(there["data"], str)


@pytest.mark.parametrize(
    "lie", ["expired", "sub-not-json", "sub-no-user-id", "other-game", "payload-changed"]
)
@pytest.mark.parametrize(
    "choice",
    [
        {"token_times": "milliseconds"},
        {"token_user": "flat"},
        {"token_user": "object", "token_ids": "number"},
        {"token_audience": "game-id", "token_jti": "absent"},
    ],
    ids=str,
)
def test_a_lie_about_a_user_is_told_in_every_manner(ears, lie, choice):
    """The lie is made of the good claims first, then told in the chosen manner."""
    ears.tell("jogos", **choice)

    made = ears.client.done("POST", "/tokens", {"player": ears.player(), "token": {"hostile": lie}})

    assert made["expected"] == "refused"
    if "token_times" in choice:
        assert made["claims"]["iat"] > 10**12


def test_a_single_claim_is_told_as_it_was_wished_for(ears):
    """Wishes come after the manner: `claims` stands, `user` is told as the user is."""
    ears.tell("jogos", token_times="milliseconds", token_user="flat")

    wish = {"claims": {"exp": 5}, "user": {"username": "another", "gameId": None}}
    made = ears.client.done("POST", "/tokens", {"player": ears.player(), "token": wish})

    assert (made["claims"]["exp"], made["claims"]["username"]) == (5, "another")
    assert {"sub", "gameId"}.isdisjoint(made["claims"])


def test_a_wished_lifetime_goes_before_the_dialects(ears):
    """ttl_s of a call is nearer than what the portal does by itself."""
    ears.tell("jogos", token_lifetime="endless")

    endless, short = (
        ears.client.done("POST", "/tokens", {"player": ears.player(), "token": wish})["claims"]
        for wish in ({}, {"ttl_s": 60})
    )

    assert "exp" not in endless
    assert short["exp"] - short["iat"] == 60


def test_a_reset_brings_every_default_back(ears):
    """POST /reset: keys and dialects as at first start, so the signing key's kind too."""
    client = ears.client
    start = client.done("GET", "/dialects")["dialects"]
    ears.tell("playgama", token_algorithm="es256", cache_control="no-store")
    ears.tell("jogos", notice_times="text")

    client.done("POST", "/reset")

    assert client.done("GET", "/dialects")["dialects"] == start
    kinds = {(key["portal"], key["algorithm"]) for key in client.done("GET", "/keys")["keys"]}
    assert kinds == {("jogos", "RS256"), ("playgama", "RS256")}


def test_a_lie_about_the_key_is_readable_where_the_portal_compresses(ears):
    """key_shape: the lie is about the document, not about its encoding."""
    ears.tell("jogos", key_encoding="gzip")
    ears.client.done(
        "POST", "/faults", {"at": "jogos.publicKey", "with": {"key_shape": "nested", "times": 1}}
    )

    lie, honest = (ears.key_reply(Accept_Encoding="gzip") for _ in range(2))

    assert isinstance(json.loads(lie.body)["data"], dict)
    assert lie.headers.get("Content-Encoding") is None
    assert honest.headers["Content-Encoding"] == "gzip"


def test_a_lie_about_the_code_leaves_a_word_alone(ears):
    """code_type: SUCCESS is no number; without the dialect the code becomes one."""
    game = ears.order(paid=True)["game_id"]
    ears.client.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"code_type": "number"}})

    plain = ears.orders(game)["code"]
    ears.tell("jogos", orders_code="word")

    assert (plain, ears.orders(game)["code"]) == (200, "SUCCESS")
