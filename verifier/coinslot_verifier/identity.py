"""Whether a user token is genuine and meant for our game, and whom it speaks of.

The order of checks is fixed: form, algorithm and header, presence of a signature, key (which may be
Undecided), test key, signature, times, issuer, the portal's user, game. So nothing is fetched for a token
that no key could save, and nothing in it is read before its signature was checked.
clauses   rfc7515:5.2, rfc8725:3.1
"""

import time
from collections.abc import Callable

from coinslot_contracts.domain import Identity
from coinslot_contracts.errors import GameMismatch, Refused, SignatureMismatch

from coinslot_verifier.claims import check_issuer, check_times
from coinslot_verifier.claims_json import read_object
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.jws import check_header, check_signature, parse_claims, parse_compact
from coinslot_verifier.key_forms import VerificationKey
from coinslot_verifier.key_source import KeySource, PublishedKeys, newer_keys
from coinslot_verifier.key_trust import check_trusted


class IdentityVerifier:
    """Verifies user tokens of one game at one portal; may be shared by all threads.

    key_source   by default the portal's key endpoint, asked as `config.key_source` says; one that is a
                 `RefreshingKeySource` is asked once for newer keys where a signature does not fit
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
        self._key_source = key_source or _configured_keys(config)
        self._clock = clock
        self._trusted_keys: tuple[VerificationKey, ...] = ()

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
        try:
            check_signature(compact, keys, algorithm=self._part.algorithm)
        except SignatureMismatch:
            newer = newer_keys(self._key_source, keys, evidence=compact.evidence(), kid=compact.kid)
            if newer is None:
                raise
            self._check_keys(newer)
            check_signature(compact, newer, algorithm=self._part.algorithm)
        claims = parse_claims(compact)
        config = self._config
        check_times(claims, now_s=self._clock(), skew_s=config.skew_s, max_age_s=config.max_age_s)
        check_issuer(claims, issuer=config.issuer)
        identity = self._part.parse(claims, read_object)
        if identity.game_id != config.game_id:
            raise GameMismatch(f"the token is for game {identity.game_id}, not {config.game_id}")
        return identity

    def _check_keys(self, keys: tuple[VerificationKey, ...]) -> None:
        if keys is self._trusted_keys:
            return
        for key in keys:
            check_trusted(key, allow_test_keys=self._config.allow_test_keys)
        self._trusted_keys = keys


def identity_or_none(verifier: IdentityVerifier, token: object) -> Identity | None:
    """The identity that a token proves, None where it proves none: the document's literal "empty user".

    Warning: None is not a player. Do not go on with a guest, with id 0 or with the text "undefined": answer
    401 and make no account, or every forged token is let in as the same somebody. `IdentityVerifier.verify`
    cannot be misread in this way, and says why a token was refused: prefer it.

    errors   KeySourceUnavailable, as `verify`: the document speaks of a token that does not decrypt. An
             outage says nothing about the token, so it is no empty user: answer 503
    clause   the portal's own, `IdentityPart.clause`; rfc8725:3.1
    """
    try:
        return verifier.verify(token)
    except Refused:
        return None


def _configured_keys(config: VerifierConfig) -> KeySource:
    from coinslot_verifier.http_out import HttpOut

    sender = HttpOut(timeout_s=config.timeout_s)
    if config.key_source == "cached":
        from coinslot_verifier.key_cache import CachedKeys

        return CachedKeys(config, sender=sender)
    return PublishedKeys(config, sender=sender)
