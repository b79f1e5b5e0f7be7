"""The Node and the Java backend at Playgama: whose purchase is it, is it genuine, and is it paid?"""

import itertools
import json

import pytest
from coinslot_contracts.portals.playgama.verify import STATES, reply_for
from coinslot_contracts.wire import WireReply
from coinslot_testkit.copied_backends import at_once
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import serve
from coinslot_testkit.fake_seller import (
    FakeSeller,
    good_claims,
    jwk,
    jwks,
    pool_key,
    published,
    purchase_token,
    resigned,
)
from coinslot_testkit.purchase_demonstrations import DEMONSTRATIONS, buyer, token_of

NUMBERS = itertools.count(600)
GRANTED = (200, {"status": "granted", "productId": "gems_100"})


class Purchase:
    """A paid purchase that its player began."""

    def __init__(self, player, **changes):
        self.player = player
        self.order_id = f"order-{next(NUMBERS)}"
        self.external_id = player.pay(self.order_id, **changes)

    @property
    def token(self):
        return token_of(self.order_id, self.external_id)

    def show(self, token=None, **how):
        reply = self.player.show(token or token_of(self.order_id, self.external_id, **how))
        return reply.status, reply.json


@pytest.fixture
def alice(stage):
    return buyer(stage, str(next(NUMBERS)))


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_a_copied_backend_behaves_as_the_flask_one(stage, name):
    """playgama:1, playgama:2, playgama:3.A, playgama:3.B, playgama:4, playgama:practice"""
    assert DEMONSTRATIONS[name](stage)


def test_the_portal_is_asked_about_the_tokens_order_with_encoded_values(seller, alice):
    """playgama:3.B: neither value can add a parameter."""
    external_id = alice.open()
    odd = seller.sell("a&orderId=b c/é", external_id)

    assert alice.show(token_of(odd.order_id, external_id)).status == 200
    assert seller.calls("verify")[-1].query == {"orderId": odd.order_id, "externalId": external_id}


def test_the_product_is_that_of_the_intent_whatever_the_client_says(alice):
    """playgama:1, playgama:4: the purchase object around the token is signed by nobody."""
    bought = Purchase(alice)
    said = {"jwt": bought.token, "productId": "gems_200", "amount": 1, "orderId": "x"}

    assert alice.post("/playgama/purchase", said).json == GRANTED[1]
    assert alice.items() == {"gems_100": 1}


@pytest.mark.parametrize("value", [7, "", [], "someone's"], ids=repr)
def test_an_external_id_that_is_not_the_tokens_is_refused(alice, value):
    """playgama:3.B; afterwards nothing is spent."""
    bought = Purchase(alice)

    reply = alice.post("/playgama/purchase", {"jwt": bought.token, "externalId": value})

    assert (reply.status, reply.json) == (403, {"error": "external-id-mismatch"})
    assert bought.show() == GRANTED


@pytest.mark.parametrize("product", [None, "", "gems_300", "1002", 100, ["gems_100"]], ids=repr)
def test_a_purchase_of_what_is_not_sold_is_not_opened(alice, product):
    """playgama:1"""
    reply = alice.post("/playgama/intents", {"productId": product})

    assert (reply.status, reply.json) == (400, {"error": "product-unknown"})


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic {}", "{}", "Bearer {}x", "é"])
@pytest.mark.parametrize("path", ["/playgama/intents", "/playgama/purchase"])
def test_nothing_happens_without_the_session_of_a_login(alice, path, header):
    """playgama:practice"""
    headers = {} if header is None else {"Authorization": header.format(alice.session)}

    reply = alice.stage.backend.ask("POST", path, b'{"productId":"gems_100"}', headers)

    assert (reply.status, reply.json) == (401, {"error": "session-invalid"})


@pytest.mark.parametrize("state", [state for state in STATES if state != "paid"])
def test_what_the_portal_does_not_confirm_is_not_granted_until_it_does(seller, alice, state):
    """playgama:4"""
    bought = Purchase(alice, verify=state)

    assert bought.show() == (202, {"status": "pending"})
    assert alice.items() == {}
    seller.change(bought.order_id, verify=None)
    assert bought.show() == GRANTED


OUTAGES = {
    "429": WireReply(status=429, headers=(("Retry-After", "1"),)),
    "yes-502": WireReply(status=502, body=b'{"success": true}'),
    "yes-404": WireReply(status=404, body=b'{"success": true}'),
    "text-true": WireReply(body=b'{"success": "true"}'),
    "one": WireReply(body=b'{"success": 1}'),
    "other-dialect": reply_for("paid", "status"),
    "null": WireReply(body=b"null"),
    "list": WireReply(body=b'[{"success": true}]'),
    "empty": WireReply(),
}


@pytest.mark.parametrize("case", OUTAGES)
def test_an_outage_delays_a_purchase_and_neither_grants_nor_loses_it(seller, alice, case):
    """playgama:3.B, playgama:4"""
    bought = Purchase(alice)
    seller.lies["verify"] = lambda _: OUTAGES[case]

    assert bought.show() == (503, {"error": "verify-unavailable"})
    assert alice.items() == {}
    seller.lies.clear()
    assert bought.show() == GRANTED


def test_a_confirmation_from_another_host_is_none(seller, alice):
    """playgama:3.B: a redirect is not followed, though the answer there would be yes."""
    bought = Purchase(alice)
    with serve(FakeSeller()) as elsewhere:
        elsewhere.lies["verify"] = lambda _: reply_for("paid", None)
        location = f"{elsewhere.url}/api/v1/payments/verify"
        seller.lies["verify"] = lambda _: WireReply(status=307, headers=(("Location", location),))

        assert bought.show() == (503, {"error": "verify-unavailable"})
        assert elsewhere.requests == []


def test_a_purchase_that_was_granted_is_confirmed_during_an_outage_too(seller, alice):
    """playgama:practice: a client that did not hear the answer asks again."""
    bought = Purchase(alice)
    assert bought.show() == GRANTED
    seller.lies["verify"] = lambda _: WireReply(status=503)

    assert bought.show() == GRANTED


def test_an_outage_takes_nothing_back_that_was_granted(seller, alice):
    """playgama:4; sandbox:chargeback-without-callback: only a no does."""
    assert Purchase(alice).show() == GRANTED
    seller.lies["verify"] = lambda _: WireReply(status=503)

    assert alice.stage.backend.sync().status == 200
    assert alice.items() == {"gems_100": 1}


def test_both_portals_fill_one_inventory_and_equal_order_ids_are_two_orders(alice):
    """sandbox:at-least-once; playgama:practice"""
    bought = Purchase(alice)

    alice.stage.backend.notify(compact(notification(bought.order_id, alice.user_id)))

    assert bought.show() == GRANTED
    assert alice.items() == {"1002": 1, "gems_100": 1}


def test_the_key_is_found_by_its_id_among_noise(seller, alice):
    """playgama:2; RFC 7517 lets a set hold what we cannot use."""
    good = jwk(pool_key(7), kid="n1", use="sig", alg="RS256")
    noise = [
        {"kty": "oct", "kid": "n1", "k": "c2VjcmV0"},
        {"kty": "EC", "kid": "n1", "crv": "P-521", "x": "AA", "y": "AA"},
        {**good, "use": "enc"},
        jwk(pool_key(8), kid="n1"),
        {"kty": "RSA", "kid": "n1", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "kid": "n1"},
        {"kty": "new", "kid": "n1"},
        None,
        good,
    ]
    seller.lies["jwks"] = lambda _: WireReply(body=jwks(*noise))

    assert Purchase(alice).show(kid="n1", key=pool_key(7)) == GRANTED


def test_a_rotated_key_is_fetched_and_the_retired_one_goes(seller, alice):
    """playgama:2: three rotations in a row, each seen at once."""
    for number in (11, 12, 13):
        seller.keys = [published(f"r{number}", pool_key(number))]
        assert Purchase(alice).show(kid=f"r{number}", key=pool_key(number)) == GRANTED

    assert Purchase(alice).show(kid="r12", key=pool_key(12)) == (403, {"error": "kid-unknown"})


def test_invented_key_ids_cause_few_fetches(seller, alice):
    """playgama:3.A: anybody can invent a kid."""
    bought = Purchase(alice)
    token = token_of(bought.order_id, bought.external_id, kid="invented", key=pool_key(9))
    before = len(seller.calls("jwks"))

    answers = at_once(24, lambda: alice.show(token))

    assert {answer.status for answer in answers} == {403}
    assert len(seller.calls("jwks")) - before <= 4
    assert alice.items() == {}


def test_a_key_that_is_missing_at_first_is_found_when_it_is_published(seller, alice):
    """playgama:2: published late."""
    bought = Purchase(alice)

    assert bought.show(kid="late", key=pool_key(14))[0] == 403
    seller.keys = [*seller.keys, published("late", pool_key(14))]
    assert bought.show(kid="late", key=pool_key(14)) == GRANTED


JUNK_SETS = {
    "503": WireReply(status=503),
    "html": WireReply(body=b"<html>"),
    "no-keys": WireReply(body=b'{"keys": []}'),
    "no-set": WireReply(body=b"{}"),
}


@pytest.mark.parametrize("case", JUNK_SETS)
def test_an_outage_of_the_key_set_is_no_forgery_and_spoils_no_known_key(seller, alice, case):
    """playgama:2"""
    assert Purchase(alice).show() == GRANTED
    seller.lies["jwks"] = lambda _: JUNK_SETS[case]
    bought = Purchase(alice)

    assert bought.show(kid="new", key=pool_key(15)) == (503, {"error": "key-source-unavailable"})
    assert Purchase(alice).show() == GRANTED
    seller.lies.clear()
    seller.keys = [published("new", pool_key(15))]
    assert bought.show(kid="new", key=pool_key(15)) == GRANTED


def test_a_token_signed_with_an_elliptic_curve_is_taken(seller, alice):
    """playgama:2; sandbox:purchase-header: the document names no algorithm."""
    key = pool_key(0, "p_256")
    seller.keys = [published("ec", key, "ES256")]

    assert Purchase(alice).show(kid="ec", key=key) == GRANTED


def test_a_token_without_a_kid_is_taken_only_where_there_is_one_key(seller, alice):
    """playgama:2"""
    bought = Purchase(alice)

    seller.keys = [published("w1", pool_key()), published("w2", pool_key(1))]
    assert Purchase(alice).show(kid="w1") == GRANTED
    assert bought.show(kid=None)[0] == 403
    seller.keys = [published("w3", pool_key())]
    assert Purchase(alice).show(kid="w3") == GRANTED
    assert bought.show(kid=None) == GRANTED


HOSTILE = {
    "alg-none-kept-sig": lambda ids: purchase_token(good_claims(*ids), header={"alg": "none"}),
    "sig-empty": lambda ids: token_of(*ids).rpartition(".")[0] + ".",
    "sig-dropped": lambda ids: token_of(*ids).rpartition(".")[0],
    "payload-changed": lambda ids: resigned(token_of("another", ids[1]), claims=good_claims(*ids)),
    "no-order": lambda ids: purchase_token({"externalId": ids[1]}),
    "order-object": lambda ids: purchase_token({"orderId": {"a": 1}, "externalId": ids[1]}),
    "order-long": lambda ids: purchase_token(good_claims("x" * 10_000, ids[1])),
    "expired": lambda ids: purchase_token(good_claims(*ids, exp=1_757_905_298)),
    "not-yet-valid": lambda ids: purchase_token(good_claims(*ids, nbf=4_000_000_000)),
    "crit": lambda ids: token_of(*ids, header={"crit": ["exp"]}),
    "more-parts": lambda ids: token_of(*ids) + ".x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_grants_nothing_and_the_portal_is_not_asked(seller, alice, name):
    """playgama:3.A, playgama:4; rfc8725:3.1; before and after, a genuine one is taken."""
    assert Purchase(alice).show() == GRANTED
    bought = Purchase(alice)
    before = len(seller.calls("verify"))

    status, _ = bought.show(HOSTILE[name]((bought.order_id, bought.external_id)))

    assert status in (400, 403)
    assert len(seller.calls("verify")) == before
    assert alice.items() == {"gems_100": 1}
    assert bought.show() == GRANTED


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff", b"[" * 50_000, b'{"jwt":5}', b'{"jwt":"x"}'])
def test_a_body_without_a_token_is_refused_cleanly(alice, body):
    """playgama:1"""
    headers = {"Authorization": f"Bearer {alice.session}"}

    reply = alice.stage.backend.ask("POST", "/playgama/purchase", body, headers)

    assert (reply.status, reply.json) == (400, {"error": "token-malformed"})


def test_what_the_portal_publishes_as_json_is_read_with_unknown_members(seller, alice):
    """playgama:2: members that are added later are no outage."""
    document = {"keys": [jwk(pool_key(16), kid="m1", alg="RS256", x5t="x")], "more": {"a": 1}}
    seller.lies["jwks"] = lambda _: WireReply(body=json.dumps(document).encode())

    assert Purchase(alice).show(kid="m1", key=pool_key(16)) == GRANTED
