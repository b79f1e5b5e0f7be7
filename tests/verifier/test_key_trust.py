"""A key that anybody can sign with proves nothing, unless it is the sandbox that is asked."""

import pytest
from coinslot_contracts.errors import TestKeyRefused
from coinslot_contracts.portal import PublishedKey
from coinslot_testkit.fake_seller import jwk, pool_key
from coinslot_verifier.key_forms import read_key
from coinslot_verifier.key_trust import check_trusted
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key


@pytest.mark.parametrize("kind", ["rsa_2048", "p_256"])
def test_a_published_test_key_is_refused_and_the_way_out_is_named(kind):
    """rfc8725:3.1: for user tokens and purchases alike."""
    key = read_key(PublishedKey(jwk=jwk(pool_key(3, kind))))
    with pytest.raises(TestKeyRefused) as refused:
        check_trusted(key, allow_test_keys=False)

    check_trusted(key, allow_test_keys=True)
    assert refused.value.detail == (
        "the key is a published test key; COINSLOT_ALLOW_TEST_KEYS=1 allows it against a sandbox"
    )


@pytest.mark.parametrize("allow_test_keys", [True, False])
def test_any_other_key_is_trusted(allow_test_keys):
    """The twin of the test above."""
    key = read_key(PublishedKey(jwk=jwk(generate_private_key(65537, 2048))))

    check_trusted(key, allow_test_keys=allow_test_keys)
