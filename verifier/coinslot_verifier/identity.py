"""Whether a user token is genuine and meant for our game, and whom it speaks of.

The order of checks is fixed: form, algorithm and header, presence of a signature, key (which may be
Undecided), test key, signature, times, issuer, the portal's user, game. So nothing is fetched for a token
that no key could save, and nothing in it is read before its signature was checked.
clauses   rfc7515:5.2, rfc8725:3.1
"""

import time
from collections.abc import Callable

from coinslot_contracts.domain import Identity
from coinslot_contracts.errors import GameMismatch, SignatureMismatch, TestKeyRefused
from coinslot_contracts.test_keys import test_key_digests

from coinslot_verifier.claims import check_issuer, check_times
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.jws import check_header, check_signature, parse_claims, parse_compact
from coinslot_verifier.key_forms import VerificationKey
from coinslot_verifier.key_source import KeySource


class IdentityVerifier:
    """Verifies user tokens of one game at one portal; may be shared by all threads.

    key_source   by default the portal's key endpoint, asked at every verification
    clock        seconds since 1970
    """

    def __init__(
        self,
        config: VerifierConfig,
        *,
        key_source: KeySource | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._part = config.identity_part()
        self._key_source = key_source or _published_keys(config)
        self._clock = clock

    def verify(self, token: object) -> Identity:
        """The identity that a token proves.

        token    the compact token, str or bytes; anything else is refused as malformed
        errors   TokenMalformed, AlgRefused, SignatureMismatch, TestKeyRefused, FieldMissing, FieldInvalid,
                 TokenExpired, TokenNotYetValid, TokenTooOld, IssuerMismatch, SubInvalid, GameMismatch, all
                 Refused; KeySourceUnavailable, an Undecided: answer 503 and let the player try again
        """
        compact = parse_compact(token)
        check_header(compact, algorithm=self._part.algorithm)
        if not compact.signature:
            raise SignatureMismatch("the token's signature is empty")
        keys = self._key_source.keys_for(compact.kid)
        self._check_keys(keys)
        check_signature(compact, keys, algorithm=self._part.algorithm)
        claims = parse_claims(compact)
        config = self._config
        check_times(claims, now_s=self._clock(), skew_s=config.skew_s, max_age_s=config.max_age_s)
        check_issuer(claims, issuer=config.issuer)
        identity = self._part.parse(claims)
        if identity.game_id != config.game_id:
            raise GameMismatch(f"the token is for game {identity.game_id}, not {config.game_id}")
        return identity

    def _check_keys(self, keys: tuple[VerificationKey, ...]) -> None:
        if self._config.allow_test_keys:
            return
        if any(key.spki_sha256 in test_key_digests() for key in keys):
            raise TestKeyRefused(
                "the key is a published test key; COINSLOT_ALLOW_TEST_KEYS=1 allows it against a sandbox"
            )


def _published_keys(config: VerifierConfig) -> KeySource:
    from coinslot_verifier.http_out import HttpOut
    from coinslot_verifier.key_source import PublishedKeys

    return PublishedKeys(config, sender=HttpOut(timeout_s=config.timeout_s))
