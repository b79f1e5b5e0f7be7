"""Whether a key that the configured address publishes may be trusted: any but the sandbox's published ones.

The same rule for every kind of token. It must not know a portal, nor read a configuration or the environment.
clause   rfc8725:3.1
"""

from coinslot_contracts.errors import TestKeyRefused
from coinslot_contracts.test_keys import test_key_digests

from coinslot_verifier.key_forms import VerificationKey


def check_trusted(key: VerificationKey, *, allow_test_keys: bool) -> None:
    """Refuse a key that anybody can sign with.

    allow_test_keys   as in VerifierConfig
    errors            TestKeyRefused
    """
    if not allow_test_keys and key.spki_sha256 in test_key_digests():
        raise TestKeyRefused(
            "the key is a published test key; COINSLOT_ALLOW_TEST_KEYS=1 allows it against a sandbox"
        )
