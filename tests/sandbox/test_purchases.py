"""Purchases over the control port: the object that the client holds, and every lie about its token."""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode

import jwt
import pytest
from coinslot_contracts.portal import discover
from coinslot_contracts.vocabulary import HOSTILE_TOKENS
from coinslot_sandbox.jose import form_lies
from coinslot_testkit.key_set_readers import PyJwtReader
from coinslot_testkit.purchase_shop import JWKS
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LIES = form_lies(names_keys=True)


def _part(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_purchase_is_the_object_that_the_client_library_hands_over(bazaar):
    """playgama:1; sandbox:purchase-members."""
    order = bazaar.order(external_id="intent-1")

    made = bazaar.purchase(order)

    assert made["purchase"] == {
        "id": "gems_100",
        "status": "PAID",
        "orderId": order["order_id"],
        "externalId": "intent-1",
        "amount": 1,
        "currency": "Gam",
        "jwt": made["token"],
    }
    assert made["header"] == {"alg": "RS256", "typ": "JWT", "kid": bazaar.signing_kid()}
    assert set(made["claims"]) == {"orderId", "externalId", "iat"}
    assert (made["expected"], made["error"]) == ("accepted", None)


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_purchase_is_refused_by_a_foreign_library(bazaar, lie):
    """playgama:3.A; the good token of the same order is the twin."""
    order = bazaar.order()

    with PyJwtReader(bazaar.url + JWKS) as reader:
        good = reader.claims(bazaar.purchase(order)["token"])
        made = bazaar.purchase(order, hostile=lie)
        hostile = reader.claims(made["token"])

    assert good is not None
    assert hostile is None
    assert (made["expected"], made["error"]) == ("refused", HOSTILE_TOKENS[lie].expected.code)
    assert made["purchase"]["jwt"] == made["token"]


def test_unsigned_purchases_say_so(bazaar):
    """rfc8725:3.1: what a reader that trusts the header's alg would take."""
    order = bazaar.order()

    parts = {
        lie: bazaar.purchase(order, hostile=lie)["token"].split(".")
        for lie in ("alg-none", "alg-none-kept-sig", "sig-empty", "sig-dropped")
    }

    algorithms = {lie: json.loads(_part(token[0]))["alg"] for lie, token in parts.items()}
    assert algorithms == {
        "alg-none": "none",
        "alg-none-kept-sig": "none",
        "sig-empty": "RS256",
        "sig-dropped": "RS256",
    }
    assert parts["alg-none"][2] == parts["sig-empty"][2] == ""
    assert parts["alg-none-kept-sig"][2]
    assert len(parts["sig-dropped"]) == 2


@pytest.mark.parametrize("lie", ["hs256-pem", "hs256-der"])
def test_a_public_key_as_secret_really_makes_the_signature(bazaar, lie):
    """rfc8725:2.1: a naive reader of the published key would accept this token."""
    token = bazaar.purchase(bazaar.order(), hostile=lie)["token"]
    (entry,) = bazaar.key_set()
    encoding = Encoding.PEM if lie == "hs256-pem" else Encoding.DER
    secret = jwt.PyJWK(entry).key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    head, _, signature = token.rpartition(".")

    assert _part(signature) == hmac.new(secret, head.encode(), hashlib.sha256).digest()


def test_an_embedded_key_really_verifies_its_token(bazaar):
    """rfc8725:3.10: a reader that trusts the header's jwk would accept this token."""
    made = bazaar.purchase(bazaar.order(), hostile="embedded-jwk")

    offered = jwt.PyJWK(made["header"]["jwk"])

    assert jwt.decode(made["token"], offered, algorithms=["RS256"]) == made["claims"]
    assert made["header"]["jwk"]["n"] not in [entry["n"] for entry in bazaar.key_set()]
    assert made["header"]["kid"] == bazaar.signing_kid()


def test_a_stranger_signs_under_a_known_and_under_an_unknown_id(bazaar):
    """A known id is a bad signature; an unknown one is a key to be looked for, in vain."""
    order = bazaar.order()

    known = bazaar.purchase(order, hostile="other-key")
    unknown = bazaar.purchase(order, hostile="kid-unknown")

    assert known["header"]["kid"] == bazaar.signing_kid()
    assert unknown["header"]["kid"] not in [entry["kid"] for entry in bazaar.key_set()]


def test_a_changed_payload_names_another_order_under_the_good_signature(bazaar):
    """playgama:3.A: the ids are read only after the signature."""
    order = bazaar.order()

    made = bazaar.purchase(order, hostile="payload-changed")

    claims = json.loads(_part(made["token"].split(".")[1]))
    assert claims == made["claims"]
    assert claims["orderId"] != order["order_id"]
    assert claims["externalId"] == order["external_id"]


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"header": {"kid": None}}, None),
        ({"header": {"kid": "else"}}, "kid-unknown"),
        ({"header": {"crit": ["exp"]}}, "alg-refused"),
        ({"header": {"alg": "ES256"}}, "alg-refused"),
        ({"claims": {"orderId": None}}, "token-malformed"),
        ({"claims": {"externalId": 5}}, "token-malformed"),
        ({"claims": {"amount": 100, "iss": "anybody"}}, None),
        ({"claims": {"exp": 4_000_000_000}}, None),
        ({"claims": {"exp": 5}}, "token-expired"),
        ({"claims": {"iat": 4_000_000_000}}, "token-not-yet-valid"),
        ({"sign": "other"}, "signature-mismatch"),
        ({"sign": "none"}, "alg-refused"),
        ({"sign": "none", "header": {"alg": "RS256"}}, "signature-mismatch"),
        ({"sign": "hs256_public"}, "alg-refused"),
        ({"raw": "not a token"}, "token-malformed"),
        ({}, None),
    ],
)
def test_a_purchase_made_to_order_says_what_a_correct_reader_makes_of_it(bazaar, wish, error):
    """`expected` and `error` follow what is really in the token."""
    made = bazaar.purchase(bazaar.order(), **wish)

    assert (made["expected"], made["error"]) == ("refused" if error else "accepted", error)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({}, "the order is paid"),
        ({"paid": False}, "the order is created"),
        ({"verify": "charged_back"}, "the order is paid, its verification says charged_back"),
    ],
)
def test_a_purchase_can_be_rehearsed_in_any_state(bazaar, order, says):
    """playgama:4: a good token of an unpaid order is what verification is there for."""
    made = bazaar.purchase(bazaar.order(**order))

    assert made["expected"] == "accepted"
    assert made["says"].endswith(says)


def test_an_external_id_is_made_as_the_client_library_makes_it(bazaar):
    """playgama:1: product, milliseconds, eight of base 36; no two alike."""
    made = [bazaar.order()["external_id"] for _ in range(2)]

    assert all(re.fullmatch(r"gems_100_\d{13}_[0-9a-z]{8}", external_id) for external_id in made)
    assert made[0] != made[1]


def test_two_orders_may_share_an_external_id(bazaar):
    """playgama:1: the game chooses it, and may choose badly."""
    first, second = (bazaar.order(external_id="same") for _ in range(2))

    assert first["order_id"] != second["order_id"]
    assert [bazaar.verify(order).json for order in (first, second)] == [{"success": True}] * 2


def test_an_order_without_callbacks_needs_no_game_and_makes_no_delivery(bazaar):
    """The portal has neither games nor preconditions."""
    answer = bazaar.client.done(
        "POST",
        "/orders",
        {
            "portal": "playgama",
            "player": bazaar.client.player(),
            "product": bazaar.client.product("gems_100"),
            "paid": True,
        },
    )

    assert answer["delivery"] is None
    assert (answer["order"]["game_id"], answer["order"]["state"]) == ("", "paid")
    assert bazaar.client.done("GET", "/deliveries")["deliveries"] == []


def test_a_player_is_the_same_at_every_portal(shop, bazaar):
    """Players belong to the workspace."""
    player = shop.player()

    there = bazaar.order(player=player)
    here = shop.order(player=player)["order"]

    assert there["user_id"] == here["user_id"] == player


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"portal": "playgama", "game": "1220"}, "field-invalid"),
        ({"portal": "jogos", "verify": "paid"}, "field-invalid"),
        ({"portal": "playgama", "verify": "charged_bak"}, "field-invalid"),
        ({"portal": "playgame"}, "field-invalid"),
    ],
)
def test_what_a_portal_does_not_have_is_refused(bazaar, order, code):
    """Nothing that was asked for is passed over in silence."""
    body = {"player": bazaar.client.player(), "product": bazaar.client.product(), **order}

    assert bazaar.client.refused("POST", "/orders", body) == (400, code)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"order": "nothing"}, (404, "order-unknown")),
        ({}, (400, "field-missing")),
        ({"order": "x", "jwt": {"hostile": "alg-non"}}, (400, "hostile-unknown")),
        ({"order": "x", "jwt": {"hostile": "alg-none", "raw": ""}}, (400, "field-invalid")),
        ({"order": "x", "jwt": {"user": {}}}, (400, "field-unknown")),
    ],
)
def test_a_purchase_that_cannot_be_made_is_refused(bazaar, body, refused):
    """POST /purchases."""
    assert bazaar.client.refused("POST", "/purchases", body) == refused


def test_a_lie_that_a_token_cannot_tell_is_refused_with_those_that_it_can(bazaar):
    """A user token without kid cannot name an unknown one; a purchase has no user JSON."""
    order = bazaar.order()
    player = bazaar.client.player()

    of_purchase = bazaar.client.control(
        "POST", "/purchases", {"order": order["order_id"], "jwt": {"hostile": "sub-object"}}
    )
    of_token = bazaar.client.control(
        "POST", "/tokens", {"player": player, "token": {"hostile": "kid-unknown"}}
    )

    assert of_purchase.json["code"] == of_token.json["code"] == "hostile-not-applicable"
    assert "kid-unknown" in of_purchase.json["try"]
    assert "sub-object" in of_token.json["try"]


def test_an_order_of_a_portal_with_callbacks_has_no_purchase(shop):
    """Its client hands over no signed purchase."""
    body = {"order": shop.order_id(paid=True)}

    assert shop.refused("POST", "/purchases", body) == (409, "order-without-purchase")


def test_every_lie_applies_somewhere():
    """The vocabulary holds no name that no portal's token can tell."""
    of_users = {
        name
        for portal in discover().values()
        if portal.identity is not None
        for name in (*form_lies(names_keys=False), *portal.identity.claim_defects)
    }

    assert of_users | set(LIES) == set(HOSTILE_TOKENS)


def test_the_journal_keeps_no_signature_of_a_purchase(bazaar):
    """A journal is shown to others; a token in it must not be usable."""
    token = bazaar.token()

    (entry,) = [
        item for item in bazaar.client.journal(dir="control") if item["endpoint"] == "POST /purchases"
    ]

    signature = token.rpartition(".")[2].encode()
    bodies = [urlsafe_b64decode(entry[side]["body_b64"]) for side in ("request", "reply")]
    assert all(signature not in body for body in bodies)
    assert b'"kid"' in bodies[1]
