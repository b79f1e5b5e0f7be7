"""Playgama's dialects as pure functions: purchase, token, key set and verification of each variant, whole."""

import json

import pytest
from coinslot_contracts.dialects import plainly
from coinslot_contracts.domain import Order
from coinslot_contracts.portals.playgama import PORTAL
from coinslot_contracts.portals.playgama.purchase import claims, purchase
from coinslot_contracts.portals.playgama.verify import REPLIES, dump_target
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_seller import FakeSeller, pool_key, published
from coinslot_testkit.outcomes import code_of

PART = PORTAL.purchases
ORDER = Order(
    order_id="order-1",
    game_id="",
    user_id="257",
    product_id="gems_100",
    created_at_s=1,
    external_id="intent-1",
)
CLAIMS = {"orderId": "order-1", "externalId": "intent-1", "iat": 100}
PURCHASE = {
    "id": "gems_100",
    "status": "PAID",
    "orderId": "order-1",
    "externalId": "intent-1",
    "amount": 25,
    "currency": "Gam",
    "jwt": "a.b.c",
}


def speaking(**choices):
    """What is chosen."""
    return choices.get


def changed(good, **changes):
    """The members with these changes; None leaves one out."""
    dropped = {name for name, value in changes.items() if value is None}
    return {name: value for name, value in {**good, **changes}.items() if name not in dropped}


def test_by_default_everything_is_told_as_it_is_written():
    """playgama:1: members and their order."""
    good = purchase(order=ORDER, price=25, token="a.b.c")

    assert list(PART.say_purchase(good, plainly).items()) == list(PURCHASE.items())
    assert list(PART.say_restored(good, plainly).items()) == list(PURCHASE.items())
    assert list(PART.say(claims(order=ORDER, issued_at_s=100), ORDER, 25, plainly).items()) == list(
        CLAIMS.items()
    )
    assert PART.manner.header(PART.header("k"), "k", plainly) == {"alg": "RS256", "typ": "JWT", "kid": "k"}
    assert PART.manner.algorithm(plainly) is None
    assert list(PORTAL.dialects["verify_reply"].variants) == list(REPLIES)


@pytest.mark.parametrize(
    ("choice", "changes"),
    [
        ({"token_claims": "ids"}, {"iat": None}),
        ({"token_claims": "extra"}, {"productId": "gems_100", "amount": 25, "userId": "257"}),
        ({"token_lifetime": "one-hour"}, {"exp": 3700}),
        ({"token_lifetime": "one-hour", "token_claims": "ids"}, {"exp": 3700, "iat": None}),
        ({"token_issuer": "iss-aud"}, {"iss": "https://playgama.com", "aud": "game"}),
    ],
)
def test_the_claims_of_a_token_in_each_manner(choice, changes):
    """sandbox:purchase-claims"""
    assert PART.say(CLAIMS, ORDER, 25, speaking(**choice)) == changed(CLAIMS, **changes)


def test_an_end_that_was_chosen_on_purpose_stays():
    """A token that has expired is one in every manner."""
    told = PART.say({**CLAIMS, "exp": 50}, ORDER, 25, speaking(token_lifetime="one-hour"))

    assert told == {**CLAIMS, "exp": 50}


def test_the_header_and_algorithm_in_each_manner():
    """sandbox:purchase-header"""
    good = PART.header("k")

    assert PART.manner.header(good, "k", speaking(token_header="alg-kid")) == {"alg": "RS256", "kid": "k"}
    assert PART.manner.header(good, "k", speaking(token_header="alg-typ")) == {"alg": "RS256", "typ": "JWT"}
    assert PART.manner.algorithm(speaking(token_algorithm="es256")) == "ES256"


@pytest.mark.parametrize(
    ("choice", "changes"),
    [
        ({"purchase_product": "product-id"}, {"id": None, "productId": "gems_100"}),
        ({"purchase_product": "both"}, {"productId": "gems_100"}),
        ({"purchase_external_id": "absent"}, {"externalId": None}),
        ({"purchase_money": "gam-text"}, {"amount": "25"}),
        ({"purchase_money": "usd"}, {"amount": 2.5, "currency": "USD"}),
        ({"purchase_money": "absent"}, {"amount": None, "currency": None}),
    ],
)
def test_the_purchase_in_each_manner(choice, changes):
    """sandbox:purchase-members, sandbox:purchase-money"""
    speak = speaking(**choice)

    assert PART.say_purchase(PURCHASE, speak) == changed(PURCHASE, **changes)
    assert PART.say_restored(PURCHASE, speak) == changed(PURCHASE, **changes)


@pytest.mark.parametrize("token", ["present", "absent"])
@pytest.mark.parametrize(
    ("row", "members"),
    [
        ("purchase", {name: value for name, value in PURCHASE.items() if name != "jwt"}),
        ("order-as-id", {"id": "order-1", "orderId": "order-1", "externalId": "intent-1"}),
        ("id-only", {"id": "gems_100"}),
    ],
)
def test_a_purchase_that_is_listed_later_in_each_manner(row, members, token):
    """sandbox:restored-purchases"""
    told = PART.say_restored(PURCHASE, speaking(restored_row=row, restored_jwt=token))

    assert told == {**members, **({"jwt": "a.b.c"} if token == "present" else {})}


def ask(name, target="/", **spoken):
    seller = FakeSeller()
    seller.sell()
    seller.sell(order_id="order-2", verify="not_found")
    seller.keys = [published("a", pool_key(0))]
    seller.reply_dialect = spoken.pop("verify_reply", None)
    seller.spoken = spoken
    return PORTAL.endpoint(f"playgama.{name}").answer(WireRequest(method="GET", target=target), seller)


@pytest.mark.parametrize(
    ("choice", "members"),
    [
        ({}, {"use", "alg"}),
        ({"key_members": "use"}, {"use"}),
        ({"key_members": "alg"}, {"alg"}),
        ({"key_members": "kid"}, set()),
    ],
)
def test_a_key_says_of_itself_what_the_manner_has(choice, members):
    """sandbox:jwks-members"""
    (entry,) = json.loads(ask("jwks", **choice).reply.body)["keys"]

    assert set(entry) == {"kty", "n", "e", "kid", *members}


@pytest.mark.parametrize(
    ("choice", "headers"),
    [
        ({}, (("Content-Type", "application/json"),)),
        ({"key_type": "jwk-set"}, (("Content-Type", "application/jwk-set+json"),)),
        (
            {"cache_control": "no-store"},
            (("Content-Type", "application/json"), ("Cache-Control", "no-store")),
        ),
    ],
)
def test_the_key_set_has_its_headers(choice, headers):
    """sandbox:jwks-type, sandbox:jwks-cache-control"""
    assert ask("jwks", **choice).reply.headers == headers


IDS = {"orderId": "order-1", "externalId": "intent-1", "productId": "gems_100"}


@pytest.mark.parametrize(
    ("choice", "status", "body"),
    [
        ({}, 200, {"success": True}),
        ({"verify_value": "text"}, 200, {"success": "true"}),
        ({"verify_value": "number"}, 200, {"success": 1}),
        ({"verify_value": "number", "verify_reply": "verified"}, 200, {"verified": 1}),
        ({"verify_value": "text", "verify_reply": "status"}, 200, {"status": "PAID"}),
        ({"verify_details": "present"}, 200, {"success": True, **IDS}),
        ({"verify_unknown": "http-404"}, 200, {"success": True}),
    ],
)
def test_a_yes_in_each_manner(choice, status, body):
    """sandbox:verify-reply, sandbox:verify-value; only true itself, or PAID, reads as a yes."""
    reply = ask("verify", dump_target("order-1", "intent-1"), **choice).reply

    assert (reply.status, json.loads(reply.body)) == (status, body)
    is_plain = choice.get("verify_value") is None or choice.get("verify_reply") == "status"
    read = code_of(PART.parse_verify, reply.status, reply.body, choice.get("verify_reply"))
    assert read == (None if is_plain else "verify-unavailable")


NO = {"success": False, "errorMessage": "no such purchase"}


@pytest.mark.parametrize(
    ("choice", "ids", "status", "body"),
    [
        ({}, ("order-1", "other"), 200, NO),
        ({"verify_unknown": "http-404"}, ("order-1", "other"), 404, NO),
        ({"verify_unknown": "http-404"}, ("unknown", "intent-1"), 404, NO),
        ({"verify_unknown": "http-404"}, ("order-2", "intent-1"), 404, NO),
        ({"verify_details": "present"}, ("order-2", "intent-1"), 200, NO),
        ({"verify_missing": "http-200"}, ("order-1", ""), 200, NO),
        ({"verify_value": "text"}, ("unknown", "intent-1"), 200, {**NO, "success": "false"}),
    ],
)
def test_a_no_in_each_manner(choice, ids, status, body):
    """sandbox:verify-unknown, sandbox:verify-missing-parameter"""
    answer = ask("verify", dump_target(*ids), **choice)

    assert (answer.reply.status, json.loads(answer.reply.body)) == (status, body)
    assert answer.verdict_code == str(status)
