"""Playgama's formats: what is written can be read, and what is read is not guessed at."""

import json

import jwt as pyjwt
import pytest
from coinslot_contracts.domain import Order
from coinslot_contracts.errors import FieldInvalid, PurchaseNotPaid, TokenMalformed, VerifyUnavailable
from coinslot_contracts.portals.playgama import PORTAL
from coinslot_contracts.portals.playgama.jwks import KEYS_MAX, dump_jwks, parse_jwks
from coinslot_contracts.portals.playgama.purchase import PURCHASES, claims, parse_claims, purchase
from coinslot_contracts.portals.playgama.verify import REPLIES, STATES, dump_target, parse_reply, reply_for
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_seller import FakeSeller, jwk, pool_key, published, purchase_token
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from hypothesis import given
from hypothesis import strategies as st

ORDER = Order(
    order_id="order-1",
    game_id="",
    user_id="257",
    product_id="gems_100",
    created_at_s=1,
    external_id="intent-1",
)
IDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=60)


@given(IDS, IDS)
def test_a_question_carries_both_ids_and_nothing_else(order_id, external_id):
    """playgama:3.B (lines 49-57)"""
    request = WireRequest(method="GET", target=dump_target(order_id, external_id))

    assert request.path == "/api/v1/payments/verify"
    assert request.query == {"orderId": order_id, "externalId": external_id}


@pytest.mark.parametrize("dialect", [None, *REPLIES])
@pytest.mark.parametrize("state", STATES)
def test_every_answer_is_read_as_it_was_meant(state, dialect):
    """playgama:3.B (line 59), sandbox:verify-reply"""
    reply = reply_for(state, dialect)

    code = code_of(parse_reply, reply.status, reply.body, dialect)

    assert code == (None if state == "paid" else "purchase-not-paid")


@pytest.mark.parametrize("read", REPLIES)
@pytest.mark.parametrize("written", REPLIES)
def test_an_answer_in_another_dialect_is_neither_yes_nor_no(written, read):
    """sandbox:verify-reply"""
    reply = reply_for("paid", written)

    code = code_of(parse_reply, reply.status, reply.body, read)

    assert code == (None if written == read else "verify-unavailable")


@given(st.integers(100, 599), st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_other_answer_is_a_yes(status, body):
    """playgama:4 (line 66)"""
    with pytest.raises((PurchaseNotPaid, VerifyUnavailable)):
        parse_reply(status, body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"success":true,"success":true}'])
def test_what_is_no_object_is_no_answer(body):
    """playgama:4 (line 66)"""
    assert code_of(parse_reply, 200, body) == "verify-unavailable"


@pytest.mark.parametrize("status", [400, 404])
def test_a_no_may_come_with_an_error_status_and_a_yes_may_not(status):
    """sandbox:verify-missing-parameter"""
    assert code_of(parse_reply, status, b'{"success":false}') == "purchase-not-paid"
    assert code_of(parse_reply, status, b'{"success":true}') == "verify-unavailable"


def test_the_claims_of_an_order_are_read_back():
    """playgama:1 (lines 13-17)"""
    written = claims(order=ORDER, issued_at_s=1_757_905_298)

    read = parse_claims(written)

    assert (read.order_id, read.external_id) == ("order-1", "intent-1")
    assert read.claims == written == {"orderId": "order-1", "externalId": "intent-1", "iat": 1_757_905_298}


@pytest.mark.parametrize("name", ["orderId", "externalId"])
@pytest.mark.parametrize("value", [None, "", 7, True, [], {}, "a\x00b", "\ud800", "x" * 1025], ids=repr)
def test_claims_that_are_no_text_are_malformed(name, value):
    """playgama:1 (lines 13-17)"""
    written = {**claims(order=ORDER, issued_at_s=1), name: value}

    with pytest.raises(TokenMalformed):
        parse_claims(written)


def test_the_purchase_object_holds_what_the_client_gets():
    """playgama:1 (lines 7-11), sandbox:purchase-members"""
    assert purchase(order=ORDER, price=40, token="a.b.c") == {
        "id": "gems_100",
        "status": "PAID",
        "orderId": "order-1",
        "externalId": "intent-1",
        "amount": 40,
        "currency": "Gam",
        "jwt": "a.b.c",
    }


def test_a_key_set_is_read_back_with_the_signing_key_last():
    """playgama:2, sandbox:jwks-members — a set has no order; whoever takes the first entry shall notice."""
    body = dump_jwks([published("a", pool_key(0)), published("b", pool_key(0, "p_256"), "ES256")])

    keys = parse_jwks(body)

    assert [key.kid for key in keys] == ["b", "a"]
    assert keys[1].jwk == jwk(pool_key(0), use="sig", alg="RS256", kid="a")
    assert keys[0].jwk == jwk(pool_key(0, "p_256"), use="sig", alg="ES256", kid="b")


def test_a_foreign_reader_finds_each_key_and_reads_its_tokens():
    """playgama:2, sandbox:purchase-header: PyJWT shares no code with us."""
    signers = {"a": (pool_key(0), "RS256"), "b": (pool_key(0, "p_256"), "ES256")}
    body = dump_jwks([published(kid, key, algorithm) for kid, (key, algorithm) in signers.items()])
    foreign = pyjwt.PyJWKSet.from_json(body.decode())

    for kid, (key, algorithm) in signers.items():
        written = claims(order=ORDER, issued_at_s=1)
        token = purchase_token(written, key=key, header={**PURCHASES.header(kid), "alg": algorithm})
        assert pyjwt.decode(token, foreign[kid], algorithms=[algorithm]) == written


def test_the_portal_has_one_site_and_tells_a_backend_where():
    """playgama:2, playgama:3.B"""
    member = PORTAL.addresses("http://127.0.0.1:7711")

    assert member == {"url": "http://127.0.0.1:7711"}
    assert PORTAL.environment(member) == {"PLAYGAMA_URL": "http://127.0.0.1:7711"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[],"keys":[]}'])
def test_what_is_no_key_set_is_invalid(body):
    """rfc7517:5"""
    with pytest.raises(FieldInvalid):
        parse_jwks(body)


def test_a_key_set_has_an_end():
    """rfc7517:5 sets no limit; a portal with more keys than this is a flood."""
    entry = jwk(pool_key(0), kid="a")

    assert len(parse_jwks(json.dumps({"keys": [entry] * KEYS_MAX}).encode())) == KEYS_MAX
    with pytest.raises(FieldInvalid):
        parse_jwks(json.dumps({"keys": [entry] * (KEYS_MAX + 1)}).encode())


def ask(seller: FakeSeller, name: str, **request: object):
    endpoint = PORTAL.endpoint(f"playgama.{name}")
    wire = WireRequest(method=endpoint.method, **request)  # type: ignore[arg-type]
    return endpoint.answer(wire, seller), endpoint.subject(wire)


@pytest.mark.parametrize(
    ("order_id", "external_id", "code"),
    [
        ("order-1", "intent-1", None),
        ("order-1", "intent-2", "purchase-not-paid"),
        ("order-2", "intent-1", "purchase-not-paid"),
    ],
)
def test_get_and_post_verify_agree_about_an_order(order_id, external_id, code):
    """playgama:3.B, sandbox:bridge-verify"""
    seller = FakeSeller()
    seller.sell()
    data = {"orderId": order_id, "externalId": external_id}
    body = json.dumps({"platform": "playgama", "type": "purchase", "data": data}).encode()

    got, got_subject = ask(seller, "verify", target=dump_target(order_id, external_id))
    posted, posted_subject = ask(seller, "bridge_verify", target="/api/v1/bridge/verify", body=body)

    assert got.reply == posted.reply
    assert code_of(PURCHASES.parse_verify, got.reply.status, got.reply.body, None) == code
    assert got_subject == posted_subject
    assert (got_subject.order_id, got_subject.external_id) == (order_id, external_id)


@pytest.mark.parametrize("query", ["", "?orderId=order-1", "?externalId=intent-1", "?orderId=&externalId="])
def test_a_question_without_an_id_is_answered_400(query):
    """sandbox:verify-missing-parameter"""
    seller = FakeSeller()
    seller.sell()

    answer, _ = ask(seller, "verify", target=f"/api/v1/payments/verify{query}")

    assert (answer.reply.status, answer.verdict_code) == (400, "400")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data":[]}', b'{"data":{"orderId":7,"externalId":"x"}}']
)
def test_a_posted_body_without_a_purchase_is_answered_400(body):
    """sandbox:bridge-verify"""
    answer, subject = ask(FakeSeller(), "bridge_verify", target="/api/v1/bridge/verify", body=body)

    assert answer.reply.status == 400
    assert subject.order_id is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "paid"),
        ({"state": "created"}, "pending"),
        ({"state": "failed"}, "failed"),
        ({"verify": "refunded"}, "refunded"),
        ({"refund_status": 1}, "refunded"),
        ({"refund_status": 0}, "paid"),
        ({"state": "created", "verify": "paid"}, "paid"),
    ],
)
def test_what_verification_says_follows_from_the_order_unless_it_is_told(changes, state):
    """playgama:4; sandbox:chargeback-without-callback"""
    seller = FakeSeller()
    seller.reply_dialect = "status"
    seller.sell(**changes)

    answer, _ = ask(seller, "verify", target=dump_target("order-1", "intent-1"))

    assert json.loads(answer.reply.body) == {"status": state.upper()}
