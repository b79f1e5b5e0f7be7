"""A key set that a signature does not fit: asked for once more, whatever the key's id says of its age."""

from dataclasses import replace

import pytest
from coinslot_contracts.errors import KidUnknown
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_seller import NOW_S, good_claims, jwk, jwks, pool_key, purchase_token
from coinslot_testkit.key_endpoint import KeyEndpoint
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import encode
from coinslot_verifier import (
    CachedKeySet,
    PurchaseVerifier,
    RefreshingKeySource,
    StaticKeySet,
    VerifierConfig,
)
from coinslot_verifier.kept_keys import FETCH_EVERY_S, FETCHES_AT_ONCE
from coinslot_verifier.key_doubts import REMEMBERED_FOR_S
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

CONFIG = VerifierConfig(portal="playgama", url="http://portal.example", allow_test_keys=True)
EC = pool_key(0, "p_256")
KIDS = pytest.mark.parametrize("kid", ["k0", None])


@pytest.fixture
def endpoint():
    return KeyEndpoint(WireReply(body=jwks(jwk(pool_key(), kid="k0"))))


@pytest.fixture
def keys(endpoint, clock):
    return CachedKeySet(CONFIG, sender=endpoint, monotonic=clock)


@pytest.fixture
def verifier(keys):
    return PurchaseVerifier(CONFIG, key_source=keys, clock=lambda: NOW_S)


def forged(kid: str | None = "k0", number: int = 0) -> str:
    return f"{purchase_token(kid=kid).rpartition('.')[0]}.{encode(number.to_bytes(256))}"


@KIDS
def test_a_key_that_was_replaced_under_its_id_is_seen_at_once_with_one_fetch(kid, verifier, endpoint):
    """playgama:2, rfc7515:4.1.4: an id is a hint; the portal promises neither one nor a new one."""
    endpoint.publish(jwk(pool_key(), kid=kid))
    verifier.check_token(purchase_token(kid=kid))
    endpoint.publish(jwk(pool_key(1), kid=kid))

    assert verifier.check_token(purchase_token(kid=kid, key=pool_key(1))).order_id == "order-1"
    assert len(endpoint.urls) == 2
    assert code_of(verifier.check_token, purchase_token(kid=kid)) == "signature-mismatch"
    assert len(endpoint.urls) == 3


def test_a_key_that_was_replaced_beside_others_is_seen_as_well(verifier, endpoint):
    """rfc7515:4.1.4: of several keys, those of the token's id are compared; a forgery is asked about once."""
    other = jwk(pool_key(1), kid="k1")
    endpoint.publish(jwk(pool_key(), kid="k0"), other)
    for _ in range(3):
        assert code_of(verifier.check_token, forged()) == "signature-mismatch"
    assert len(endpoint.urls) == 2
    endpoint.publish(jwk(pool_key(2), kid="k0"), other)

    assert verifier.check_token(purchase_token(key=pool_key(2))).order_id == "order-1"
    assert len(endpoint.urls) == 3


@KIDS
def test_a_key_for_another_algorithm_under_the_same_id_is_seen_as_well(kid, verifier, endpoint):
    """sandbox:purchase-header: from RS256 to ES256."""
    endpoint.publish(jwk(pool_key(), kid=kid))
    verifier.check_token(purchase_token(kid=kid))
    early = code_of(verifier.check_token, purchase_token(kid=kid, key=EC))
    endpoint.publish(jwk(EC, kid=kid))

    assert early == "alg-refused"
    assert verifier.check_token(purchase_token(good_claims("order-2"), kid=kid, key=EC)).order_id == "order-2"


def test_a_key_that_was_added_is_tried_for_a_token_without_an_id(verifier, endpoint):
    """rfc7515:4.1.4: then every key of the set is a candidate."""
    verifier.check_token(purchase_token(kid=None))
    endpoint.publish(jwk(pool_key(), kid="k0"), jwk(pool_key(1), kid="k1"))

    assert verifier.check_token(purchase_token(kid=None, key=pool_key(1))).order_id == "order-1"


def test_a_key_that_was_added_is_not_tried_for_a_token_that_names_another(verifier, endpoint):
    """rfc7515:4.1.4: the twin of the test above."""
    verifier.check_token(purchase_token())
    endpoint.publish(jwk(pool_key(), kid="k0"), jwk(pool_key(1), kid="k1"))

    assert code_of(verifier.check_token, purchase_token(kid="k0", key=pool_key(1))) == "signature-mismatch"


def test_a_token_under_an_id_that_left_the_set_is_told_so(keys, verifier, endpoint):
    """rfc7515:4.1.4: found out by its bad signature, since the kept set had the id."""
    tried = keys.keys_for("k0")
    endpoint.publish(jwk(pool_key(1), kid="k1"))

    with pytest.raises(KidUnknown):
        keys.refreshed(tried, evidence=b"first", kid="k0")
    assert len(endpoint.urls) == 2
    assert verifier.check_token(purchase_token(kid="k1", key=pool_key(1))).order_id == "order-1"
    assert len(endpoint.urls) == 2


@KIDS
def test_a_forged_token_causes_one_fetch_and_no_second_one(kid, verifier, endpoint, clock):
    """rfc8725:3.10: what was refused under a new set is remembered as a digest, for a while."""
    codes = {code_of(verifier.check_token, forged(kid)) for _ in range(100)}
    clock.now_s += REMEMBERED_FOR_S - 0.5
    codes |= {code_of(verifier.check_token, forged(kid))}
    assert codes == {"signature-mismatch"}
    assert len(endpoint.urls) == 2

    clock.now_s += 0.5
    assert code_of(verifier.check_token, forged(kid)) == "signature-mismatch"
    assert len(endpoint.urls) == 3


@KIDS
def test_a_token_that_the_ration_kept_from_being_asked_about_is_not_remembered(
    kid, verifier, endpoint, clock
):
    """playgama:2: forged tokens used it up, then the key changed; accepted as soon as there is a place."""
    endpoint.publish(jwk(pool_key(), kid=kid))
    verifier.check_token(purchase_token(kid=kid))
    for number in range(FETCHES_AT_ONCE):
        code_of(verifier.check_token, forged(kid, number))
    endpoint.publish(jwk(pool_key(1), kid=kid))
    clock.now_s += 0.25 * FETCH_EVERY_S
    genuine = purchase_token(kid=kid, key=pool_key(1))
    early = code_of(verifier.check_token, genuine)
    asked = len(endpoint.urls)
    clock.now_s += 0.75 * FETCH_EVERY_S

    assert (early, asked) == ("signature-mismatch", 1 + FETCHES_AT_ONCE)
    assert verifier.check_token(genuine).order_id == "order-1"


def test_a_refused_token_is_asked_about_again_where_its_own_keys_changed(verifier, endpoint):
    """Without an id, where any did."""
    for kid in ("k0", None):
        code_of(verifier.check_token, forged(kid))
    endpoint.publish(jwk(pool_key(), kid="k0"), jwk(pool_key(1), kid="k1"))
    verifier.check_token(purchase_token(kid="k1", key=pool_key(1)))
    asked = []
    for kid in ("k0", None):
        before = len(endpoint.urls)
        code_of(verifier.check_token, forged(kid))
        asked.append(len(endpoint.urls) - before)

    assert asked == [0, 1]


def test_keys_that_another_token_brought_meanwhile_are_taken_without_a_fetch(keys, endpoint):
    """A purchase that read the old set and found that it does not fit when the new one was there already."""
    old = keys.keys_for("k0")
    endpoint.publish(jwk(pool_key(1), kid="k0"))
    brought = keys.refreshed(old, evidence=b"first", kid="k0")

    assert keys.refreshed(old, evidence=b"second", kid="k0") == brought == keys.keys_for("k0")
    assert brought != old
    assert len(endpoint.urls) == 2


@KIDS
def test_a_signature_that_does_not_fit_in_an_outage_is_undecided(kid, verifier, endpoint):
    """Nobody knows whether the key has changed; an outage is no forgery, and kept keys stay good."""
    verifier.check_token(purchase_token(kid=kid))
    published, endpoint.reply = endpoint.reply, WireReply(status=503)

    assert code_of(verifier.check_token, forged(kid)) == "key-source-unavailable"
    assert code_of(verifier.check_token, purchase_token(kid=kid)) is None
    endpoint.reply = published
    assert code_of(verifier.check_token, forged(kid)) == "signature-mismatch"


def test_a_key_that_took_the_place_of_a_kept_one_may_be_a_test_key_too(endpoint, keys):
    """The check of trust holds for the key that a second look brings."""
    own = generate_private_key(65537, 2048)
    endpoint.publish(jwk(own, kid="k0"))
    strict = PurchaseVerifier(replace(CONFIG, allow_test_keys=False), key_source=keys, clock=lambda: NOW_S)
    before = code_of(strict.check_token, purchase_token(key=own))
    endpoint.publish(jwk(pool_key(), kid="k0"))

    assert (before, code_of(strict.check_token, purchase_token())) == (None, "test-key-refused")


def test_only_a_source_that_keeps_keys_is_told_of_a_doubt(keys):
    """A set in hand has no others, so its word is the last."""
    static = StaticKeySet(keys.keys_for(None))
    verifier = PurchaseVerifier(CONFIG, key_source=static, clock=lambda: NOW_S)

    assert issubclass(CachedKeySet, RefreshingKeySource)
    assert not issubclass(StaticKeySet, RefreshingKeySource)
    assert verifier.check_token(purchase_token()).order_id == "order-1"
    assert code_of(verifier.check_token, forged()) == "signature-mismatch"
