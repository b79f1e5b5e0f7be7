"""Ten thousand forged tokens in 100 seconds: what they make us fetch, and when a rotated key is seen."""

import hashlib

import pytest
from coinslot_contracts.portals.jogos.identity import dump_public_key
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_seller import jwk, jwks, pool_key, purchase_token
from coinslot_testkit.key_endpoint import KeyEndpoint, besiege
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import GAME_ID, NOW_S, encode, make_token, spki
from coinslot_verifier import CachedKeys, CachedKeySet, IdentityVerifier, PurchaseVerifier, VerifierConfig
from coinslot_verifier.kept_keys import FETCH_EVERY_S

SELLER = VerifierConfig(
    portal="playgama", url="http://portal.example", allow_test_keys=True, key_max_age_s=3_600.0
)


def forged(genuine: str, number: int) -> str:
    """The token under a signature of its own that fits no key."""
    return f"{genuine.rpartition('.')[0]}.{encode(hashlib.sha512(str(number).encode()).digest() * 4)}"


def is_refused(code, verify, token):
    assert code_of(verify, token) == code


def purchases(endpoint, clock) -> PurchaseVerifier:
    keys = CachedKeySet(SELLER, sender=endpoint, monotonic=clock)
    return PurchaseVerifier(SELLER, key_source=keys, clock=lambda: NOW_S)


@pytest.fixture
def report(record_property, capsys):
    """Tells figures: in the report of the run, and at once."""

    def tell(name, table):
        record_property(name, table)
        with capsys.disabled():
            print(f"\n  {name}: {table}")  # noqa: T201 - the table is the point

    return tell


def test_bad_signatures_cause_a_bounded_number_of_fetches_and_a_rotation_is_seen(clock, report):
    """rfc8725:3.10, jogos:user.2: 10,000 forged tokens in 100 seconds, and a key that changes meanwhile."""
    config = VerifierConfig(
        portal="jogos",
        game_id=GAME_ID,
        web_url="http://portal.example",
        allow_test_keys=True,
        key_max_age_s=3_600.0,
    )
    endpoint = KeyEndpoint(WireReply(body=dump_public_key(spki())))
    keys = CachedKeys(config, sender=endpoint, monotonic=clock)
    verifier = IdentityVerifier(config, key_source=keys, clock=lambda: NOW_S)
    good, rotated = make_token(), make_token(key="other")
    verifier.verify(good)
    siege = besiege(
        endpoint,
        clock,
        refuse=lambda number: is_refused("signature-mismatch", verifier.verify, forged(good, number)),
        rotated=WireReply(body=dump_public_key(spki("other"))),
        is_seen=lambda: code_of(verifier.verify, rotated) is None,
    )

    report("signatures that fit no key, cached", siege.table())
    assert siege.fetches <= siege.fetches_max
    assert siege.seen_after_s <= FETCH_EVERY_S + 0.011
    assert verifier.verify(rotated).user_id == "257"


def test_unknown_ids_cause_a_bounded_number_of_fetches_and_a_rotation_is_seen(clock, report):
    """rfc8725:3.10, playgama:2: the same for a key set, by forged key ids."""
    endpoint = KeyEndpoint(WireReply(body=jwks(jwk(pool_key(), kid="k0"))))
    verifier = purchases(endpoint, clock)
    verifier.check_token(purchase_token())
    signed = purchase_token().split(".", 1)[1]
    rotated = purchase_token(kid="k1", key=pool_key(1))

    def forged_id(number):
        return f"{encode({'alg': 'RS256', 'kid': f'forged-{number}'})}.{signed}"

    siege = besiege(
        endpoint,
        clock,
        refuse=lambda number: is_refused("kid-unknown", verifier.check_token, forged_id(number)),
        rotated=WireReply(body=jwks(jwk(pool_key(1), kid="k1"))),
        is_seen=lambda: code_of(verifier.check_token, rotated) is None,
    )

    report("key ids that nobody published, key set", siege.table())
    assert siege.fetches <= siege.fetches_max
    assert siege.seen_after_s <= FETCH_EVERY_S + 0.011


@pytest.mark.parametrize("kid", ["k0", None])
def test_bad_signatures_on_a_key_set_cause_a_bounded_number_of_fetches_and_a_rotation_is_seen(
    kid, clock, report
):
    """rfc8725:3.10, playgama:2: and a key that is replaced under its id, or has none."""
    endpoint = KeyEndpoint(WireReply(body=jwks(jwk(pool_key(), kid=kid))))
    verifier = purchases(endpoint, clock)
    good, rotated = purchase_token(kid=kid), purchase_token(kid=kid, key=pool_key(1))
    verifier.check_token(good)
    siege = besiege(
        endpoint,
        clock,
        refuse=lambda number: is_refused("signature-mismatch", verifier.check_token, forged(good, number)),
        rotated=WireReply(body=jwks(jwk(pool_key(1), kid=kid))),
        is_seen=lambda: code_of(verifier.check_token, rotated) is None,
    )

    report(f"signatures that fit no key, key set, kid {kid}", siege.table())
    assert siege.fetches <= siege.fetches_max
    assert siege.seen_after_s <= FETCH_EVERY_S + 0.011
    assert verifier.check_token(rotated).order_id == "order-1"
