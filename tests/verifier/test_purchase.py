"""A purchase is genuine, ours and paid, or it is none; and nothing is asked about one that is not genuine."""

import base64
import hashlib
import hmac
import json

import jwt as pyjwt
import pytest
from coinslot_contracts.domain import Purchase, PurchaseClaims
from coinslot_contracts.errors import Refused, Undecided, VerifyUnavailable
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_portal import serve
from coinslot_testkit.fake_seller import (
    NOW_S,
    FakeSeller,
    good_claims,
    jwk,
    pool_key,
    published,
    purchase_token,
    resigned,
)
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import encode
from coinslot_verifier import ConfigInvalid, PurchaseVerifier, VerifierConfig
from coinslot_verifier.jws import HEADERS_REFUSED
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EC = pool_key(0, "p_256")


@pytest.fixture(scope="module")
def running():
    with serve(FakeSeller()) as seller:
        yield seller


@pytest.fixture
def seller(running):
    """The running seller with one paid order and nothing else on its mind."""
    fresh = FakeSeller()
    running.keys, running.lies, running.requests = fresh.keys, {}, []
    running.orders, running.reply_dialect = {}, None
    running.sell()
    return running


def config(seller, **changes: object) -> VerifierConfig:
    defaults = {"portal": "playgama", "url": seller.url, "allow_test_keys": True}
    return VerifierConfig(**{**defaults, **changes})  # type: ignore[arg-type]


@pytest.fixture
def verifier(seller):
    return PurchaseVerifier(config(seller), clock=lambda: NOW_S)


def test_a_genuine_paid_purchase_of_ours_is_one(verifier, seller):
    """playgama:practice"""
    token = purchase_token(good_claims(productId="gems_100"))

    purchase = verifier.verify(token, "intent-1")

    assert purchase == Purchase(order_id="order-1", external_id="intent-1", claims={})
    assert purchase.claims == good_claims(productId="gems_100")
    assert [request.target for request in seller.calls("verify")] == [
        "/api/v1/payments/verify?orderId=order-1&externalId=intent-1"
    ]


def test_one_verifier_fetches_the_key_set_once(verifier, seller):
    """playgama:2; sandbox:jwks-members"""
    for _ in range(3):
        verifier.verify(purchase_token(), "intent-1")

    assert (len(seller.calls("jwks")), len(seller.calls("verify"))) == (1, 3)


def test_es256_is_as_good(verifier, seller):
    """sandbox:purchase-header, rfc7518:3.4"""
    seller.keys = [published("k0", pool_key()), published("e0", EC, "ES256")]

    assert verifier.verify(purchase_token(kid="e0", key=EC), "intent-1").order_id == "order-1"


@pytest.mark.parametrize(("kid", "key"), [("k0", pool_key()), ("e0", EC)])
def test_a_foreign_signers_token_is_read(kid, key, verifier, seller):
    """rfc7515:5.2: made by a library that shares no code with us."""
    seller.keys = [published("k0", pool_key()), published("e0", EC, "ES256")]
    algorithm = "RS256" if kid == "k0" else "ES256"
    token = pyjwt.encode(good_claims(), key, algorithm=algorithm, headers={"kid": kid})

    assert verifier.check_token(token).external_id == "intent-1"


def test_a_token_without_a_kid_is_tried_under_every_key(verifier, seller):
    """rfc7515:4.1.4"""
    seller.keys = [published("k1", pool_key(1)), published("e0", EC, "ES256"), published("k0", pool_key())]

    assert verifier.check_token(purchase_token(kid=None)).order_id == "order-1"
    assert code_of(verifier.check_token, purchase_token(kid=None, key=pool_key(9))) == "signature-mismatch"


def hs256(secret: bytes) -> str:
    signed = f"{encode({'alg': 'HS256', 'typ': 'JWT', 'kid': 'k0'})}.{encode(good_claims())}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def public(encoding: Encoding) -> bytes:
    return pool_key().public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def with_signature(token: str, signature: str) -> str:
    return f"{token.rpartition('.')[0]}.{signature}"


def der_signature(token: str) -> str:
    raw = base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    return with_signature(token, encode(der))


def lengthened(token: str) -> str:
    raw = base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
    return with_signature(token, encode(raw[:32] + b"\0" + raw[32:]))


NONE = {"alg": "none"}
EC_TOKEN = purchase_token(kid="e0", key=EC)
HOSTILE = {
    "alg-none": (with_signature(purchase_token(header=NONE), ""), "alg-refused"),
    "alg-none-kept-sig": (purchase_token(header=NONE), "alg-refused"),
    "alg None": (purchase_token(header={"alg": "None"}), "alg-refused"),
    "alg a list": (purchase_token(header={"alg": ["RS256"]}), "alg-refused"),
    "alg absent": (purchase_token(header={"alg": None}), "alg-refused"),
    "PS256": (purchase_token(header={"alg": "PS256"}), "alg-refused"),
    "sig-empty": (with_signature(purchase_token(), ""), "signature-mismatch"),
    "sig-dropped": (purchase_token().rpartition(".")[0], "token-malformed"),
    "hs256-pem": (hs256(public(Encoding.PEM)), "alg-refused"),
    "hs256-der": (hs256(public(Encoding.DER)), "alg-refused"),
    "other-key": (purchase_token(key=pool_key(9)), "signature-mismatch"),
    "payload-changed": (resigned(purchase_token(), claims=good_claims("order-2")), "signature-mismatch"),
    "kid-unknown": (purchase_token(kid="x", key=pool_key(9)), "kid-unknown"),
    "good key under an unknown kid": (purchase_token(kid="x"), "kid-unknown"),
    "kid in another case": (purchase_token(kid="K0"), "kid-unknown"),
    "good key under another's kid": (purchase_token(kid="k1"), "signature-mismatch"),
    "rs256 under an ec kid": (purchase_token(kid="e0"), "alg-refused"),
    "es256 under an rsa kid": (purchase_token(kid="k0", key=EC), "alg-refused"),
    "es256 as der": (der_signature(EC_TOKEN), "signature-mismatch"),
    "es256 with a zero too many": (lengthened(EC_TOKEN), "signature-mismatch"),
    "es256 of zeros": (with_signature(EC_TOKEN, encode(bytes(64))), "signature-mismatch"),
    "es256 by another key": (purchase_token(kid="e0", key=pool_key(1, "p_256")), "signature-mismatch"),
    "expired": (purchase_token(good_claims(exp=NOW_S - 3600)), "token-expired"),
    "not-yet-valid": (purchase_token(good_claims(nbf=NOW_S + 3600)), "token-not-yet-valid"),
    "exp as text": (purchase_token(good_claims(exp="never")), "field-invalid"),
    "no text": (None, "token-malformed"),
    "an object": ({"jwt": "x"}, "token-malformed"),
    "empty": ("", "token-malformed"),
    "no orderId": (purchase_token({"externalId": "intent-1"}), "token-malformed"),
    "orderId null": (purchase_token(good_claims(orderId=None)), "token-malformed"),
    "orderId an object": (purchase_token(good_claims(orderId={"$ne": 1})), "token-malformed"),
    "orderId a number": (purchase_token(good_claims(orderId=7)), "token-malformed"),
    "orderId of 10 kB": (purchase_token(good_claims("9" * 10_000)), "token-malformed"),
    "externalId empty": (purchase_token(good_claims(externalId="")), "token-malformed"),
    "claims a list": (purchase_token(b"[]"), "token-malformed"),
    "orderId twice": (purchase_token(b'{"orderId":"a","orderId":"b","externalId":"c"}'), "token-malformed"),
}
HOSTILE |= {
    f"header {name}": (purchase_token(header={name: jwk(pool_key())}), "alg-refused")
    for name in sorted(HEADERS_REFUSED)
}
EMBEDDED = purchase_token(key=pool_key(9), header={"jwk": jwk(pool_key(9), kid="k0")})
HOSTILE["embedded-jwk"] = (EMBEDDED, "alg-refused")


@pytest.mark.parametrize(("token", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_refused_and_the_portal_not_asked_about_it(token, code, verifier, seller):
    """playgama:3.A, playgama:practice, rfc8725:2.1, rfc8725:3.1"""
    seller.keys = [
        published("k0", pool_key()),
        published("k1", pool_key(1)),
        published("e0", EC, "ES256"),
    ]

    with pytest.raises(Refused) as caught:
        verifier.verify(token, "intent-1")

    assert (caught.value.code, seller.calls("verify")) == (code, [])
    assert verifier.verify(purchase_token(), "intent-1").order_id == "order-1"


@pytest.mark.parametrize("name", ["alg-none", "hs256-pem", "sig-empty", "sig-dropped", "embedded-jwk"])
def test_nothing_is_fetched_for_a_token_that_no_key_could_save(name, verifier, seller):
    """rfc8725:3.10: what a stranger sends does not drive our requests."""
    with pytest.raises(Refused):
        verifier.check_token(HOSTILE[name][0])

    assert seller.requests == []


def test_a_key_is_used_with_its_own_algorithm_alone(verifier, seller):
    """rfc8725:3.1, rfc7517:4"""
    seller.lies["jwks"] = lambda _: WireReply(
        body=json.dumps({"keys": [jwk(pool_key(), kid="k0", alg="PS256")]}).encode()
    )

    assert code_of(verifier.check_token, purchase_token()) == "alg-refused"


@pytest.mark.parametrize(
    "claims", [{"exp": NOW_S - 29}, {"nbf": NOW_S + 30}, {"iat": NOW_S + 900}, {"exp": 2e9}]
)
def test_times_within_the_skew_and_the_iat_are_no_reason_to_refuse(claims, verifier):
    """rfc7519:4.1.4, rfc7519:4.1.5; sandbox:purchase-claims: what was paid stays paid."""
    assert verifier.check_token(purchase_token(good_claims(**claims))).order_id == "order-1"


def test_an_issuer_is_compared_where_one_is_configured(seller):
    """sandbox:purchase-claims: by default none is known."""
    strict = PurchaseVerifier(config(seller, issuer="the portal"), clock=lambda: NOW_S)

    assert code_of(strict.check_token, purchase_token()) == "issuer-mismatch"
    assert strict.check_token(purchase_token(good_claims(iss="the portal"))).order_id == "order-1"


def test_test_keys_are_refused_unless_they_are_allowed(seller):
    """Anybody can sign with them."""
    strict = PurchaseVerifier(config(seller, allow_test_keys=False), clock=lambda: NOW_S)

    assert code_of(strict.check_token, purchase_token()) == "test-key-refused"
    assert code_of(strict.check_token, purchase_token(key=pool_key(9))) == "signature-mismatch"


def test_a_test_key_beside_a_real_one_does_not_spoil_it(seller):
    """It is the key that signed that counts."""
    own = generate_private_key(public_exponent=65537, key_size=2048)
    seller.keys = [published("k0", pool_key()), published("own", own)]
    strict = PurchaseVerifier(config(seller, allow_test_keys=False), clock=lambda: NOW_S)

    assert strict.verify(purchase_token(kid="own", key=own), "intent-1").order_id == "order-1"


@pytest.mark.parametrize("external_id", ["intent-2", "", "INTENT-1", "intent-1 "])
def test_the_purchase_of_another_intent_is_refused_unasked(external_id, verifier, seller):
    """playgama:1"""
    assert code_of(verifier.verify, purchase_token(), external_id) == "external-id-mismatch"
    assert seller.calls("verify") == []


def test_ids_cannot_add_a_parameter_to_the_question(verifier, seller):
    """playgama:3.B: whatever they hold, they are values."""
    order_id, external_id = "o&orderId=order-1#/../é ", "i&externalId=x+y%00"
    seller.sell(order_id, external_id)

    assert verifier.verify(purchase_token(good_claims(order_id, external_id)), external_id)
    (asked,) = seller.calls("verify")
    assert asked.query == {"orderId": order_id, "externalId": external_id}
    assert asked.target.count("&") == 1


@pytest.mark.parametrize("state", ["pending", "not_found", "refunded", "charged_back", "canceled", "failed"])
@pytest.mark.parametrize("dialect", [None, "success", "status", "verified"])
def test_what_the_portal_does_not_confirm_is_not_paid(state, dialect, seller):
    """playgama:3.B, playgama:4; sandbox:verify-reply"""
    seller.reply_dialect = dialect
    verifier = PurchaseVerifier(config(seller, verify_reply=dialect), clock=lambda: NOW_S)
    seller.change("order-1", verify=state)

    assert code_of(verifier.verify, purchase_token(), "intent-1") == "purchase-not-paid"
    seller.change("order-1", verify="paid")
    assert verifier.verify(purchase_token(), "intent-1").order_id == "order-1"


UNCLEAR = {
    "503": WireReply(status=503),
    "429": WireReply(status=429, body=b'{"success":true}'),
    "500 with a yes": WireReply(status=500, body=b'{"success":true}'),
    "404 with a yes": WireReply(status=404, body=b'{"success":true}'),
    "201 with a yes": WireReply(status=201, body=b'{"success":true}'),
    "redirect": WireReply(status=302, headers=(("Location", "/.well-known/jwks.json"),)),
    "html": WireReply(body=b"<html>maintenance</html>"),
    "truncated": WireReply(body=b'{"success":tr'),
    "empty": WireReply(),
    "null": WireReply(body=b"null"),
    "list": WireReply(body=b'[{"success":true}]'),
    "text": WireReply(body=b'{"success":"true"}'),
    "one": WireReply(body=b'{"success":1}'),
    "other dialect": WireReply(body=b'{"status":"PAID"}'),
    "twice": WireReply(body=b'{"success":false,"success":true}'),
    "a flood": WireReply(body=b'{"success":true}' + b" " * 100_000),
}


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR)
def test_an_answer_that_is_neither_yes_nor_no_is_undecided(reply, verifier, seller):
    """playgama:4: nothing is granted on it, and the purchase is not lost."""
    seller.lies["verify"] = lambda _: reply

    with pytest.raises(VerifyUnavailable) as caught:
        verifier.verify(purchase_token(), "intent-1")

    assert isinstance(caught.value, Undecided)
    del seller.lies["verify"]
    assert verifier.verify(purchase_token(), "intent-1").order_id == "order-1"


def test_a_portal_that_is_not_there_is_undecided():
    """playgama:4: an outage is no forgery."""
    nowhere = VerifierConfig(portal="playgama", url="http://127.0.0.1:9", allow_test_keys=True)
    verifier = PurchaseVerifier(nowhere)
    claims = PurchaseClaims(order_id="o", external_id="e", claims={})

    assert code_of(verifier.check_token, purchase_token()) == "key-source-unavailable"
    assert code_of(verifier.confirm, claims) == "verify-unavailable"


def test_a_purchase_can_be_confirmed_again_without_its_token(verifier, seller):
    """sandbox:chargeback-without-callback"""
    purchase = verifier.verify(purchase_token(), "intent-1")
    verifier.confirm(purchase)
    seller.change("order-1", verify="charged_back")

    assert code_of(verifier.confirm, purchase) == "purchase-not-paid"


def test_a_portal_without_purchases_has_no_such_verifier():
    """The one error of a configuration."""
    with pytest.raises(ConfigInvalid, match="no signed purchases"):
        PurchaseVerifier(VerifierConfig(portal="jogos", game_id="1220"))


@given(st.text() | st.binary() | JSON_VALUES)
def test_any_value_for_a_token_is_refused(token):
    """rfc7515:5.2: never an exception of another kind, and nothing is fetched for it."""
    verifier = PurchaseVerifier(VerifierConfig(portal="playgama", url="http://127.0.0.1:9"))

    with pytest.raises(Refused):
        verifier.check_token(token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["orderId", "externalId", "exp", "nbf", "iat", "iss"]), JSON_VALUES))
def test_any_signed_claims_are_claims_or_refused(verifier, claims):
    """playgama:1: a genuine signature makes no value safe."""
    token = purchase_token({**good_claims(), **claims})

    code = code_of(verifier.check_token, token)

    assert code in (None, "token-malformed", "field-invalid", "token-expired", "token-not-yet-valid")


K0 = {"use": "sig", "alg": "RS256"}
ODD_SETS = {
    "one key without a kid, token without": ([jwk(pool_key())], None, None),
    "two keys, token without a kid": ([jwk(pool_key(1), kid="k1"), jwk(pool_key(), kid="k0")], None, None),
    "keys without a kid, token with one": ([jwk(pool_key())], "k0", "kid-unknown"),
    "a kid twice, ours second": ([jwk(pool_key(1), kid="k0"), jwk(pool_key(), kid="k0")], "k0", None),
    "a kid in another case": ([jwk(pool_key(), kid="K0")], "k0", "kid-unknown"),
    "a kid that is a number": ([jwk(pool_key(), kid=0)], "0", "kid-unknown"),
    "use enc alone": ([jwk(pool_key(), kid="k0", use="enc")], "k0", "key-source-unavailable"),
    "use enc beside ours": ([jwk(pool_key(1), kid="k0", use="enc"), jwk(pool_key(), kid="k0")], "k0", None),
    "another alg": ([jwk(pool_key(), kid="k0", alg="RS512")], "k0", "alg-refused"),
    "no use and no alg": ([jwk(pool_key(), kid="k0")], "k0", None),
    "EC under the kid": ([jwk(EC, kid="k0")], "k0", "alg-refused"),
    "oct alone": ([{"kty": "oct", "kid": "k0", "k": "c2VjcmV0"}], "k0", "key-source-unavailable"),
    "oct beside ours": (
        [{"kty": "oct", "kid": "k0", "k": "c2VjcmV0"}, jwk(pool_key(), kid="k0")],
        "k0",
        None,
    ),
    "weak RSA": ([jwk(generate_private_key(65537, 1024), kid="k0")], "k0", "key-source-unavailable"),
    "unknown kty": ([{"kty": "AKP", "kid": "k0", "pub": "AA"}], "k0", "key-source-unavailable"),
    "unknown kty beside ours": ([{"kty": "AKP", "kid": "k0"}, jwk(pool_key(), kid="k0", **K0)], "k0", None),
    "empty": ([], "k0", "key-source-unavailable"),
}


@pytest.mark.parametrize(("entries", "kid", "code"), ODD_SETS.values(), ids=ODD_SETS)
def test_an_odd_key_set_is_read_or_refused_for_its_reason(entries, kid, code, verifier, seller):
    """playgama:2, rfc7517:4, rfc7517:5, rfc7515:4.1.4"""
    seller.lies["jwks"] = lambda _: WireReply(body=json.dumps({"keys": entries}).encode())

    assert code_of(verifier.check_token, purchase_token(kid=kid)) == code


def test_the_configuration_may_allow_fewer_algorithms(seller):
    """rfc8725:3.1, playgama:3.A"""
    seller.keys = [published("k0", pool_key()), published("e0", EC, "ES256")]
    only_es256 = PurchaseVerifier(config(seller, algorithms=("ES256",)), clock=lambda: NOW_S)

    assert code_of(only_es256.check_token, purchase_token()) == "alg-refused"
    assert only_es256.check_token(purchase_token(kid="e0", key=EC)).order_id == "order-1"
