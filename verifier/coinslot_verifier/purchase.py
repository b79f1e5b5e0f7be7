"""Whether a purchase that a client shows us is genuine, is the one that we opened, and is paid.

Two steps, and neither is enough: the token's signature says who issued it, only the portal's own word says
that it is paid. Whose purchase it is, and of what, is the intent's business; giving it is the ledger's.
clauses   rfc7515:5.2, rfc7515:4.1.4, rfc8725:3.1
"""

import time
from collections.abc import Callable
from typing import Protocol

from coinslot_contracts.domain import Purchase, PurchaseClaims
from coinslot_contracts.errors import AlgRefused, ExternalIdMismatch, SignatureMismatch
from coinslot_contracts.wire import WireReply

from coinslot_verifier.claims import check_issuer, check_window
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.jws import (
    CompactToken,
    check_header,
    check_signature,
    choose_algorithm,
    parse_claims,
    parse_compact,
)
from coinslot_verifier.key_forms import VerificationKey
from coinslot_verifier.key_source import KeySource, newer_keys
from coinslot_verifier.key_trust import check_trusted


class VerdictSender(Protocol):
    """One question about one purchase; `http_out.HttpOut` is the real one."""

    def get_verdict(self, url: str, *, attempts_max: int) -> WireReply:
        """GET; raises VerifyUnavailable where there is no whole answer, a redirect included."""
        ...


class PurchaseVerifier:
    """Verifies purchases of one portal; keep one and share it, for it keeps the portal's key set.

    key_source   by default the portal's key set, kept as `CachedKeySet` says; one that is a
                 `RefreshingKeySource` is asked once for newer keys where a signature does not fit
    sender       by default HTTP with the configuration's time limit
    clock        seconds since 1970
    """

    def __init__(
        self,
        config: VerifierConfig,
        *,
        key_source: KeySource | None = None,
        sender: VerdictSender | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._part = config.purchase_part()
        self._algorithms = config.algorithms or self._part.algorithms
        self._key_source = key_source or _key_set(config)
        self._sender = sender
        self._clock = clock

    def verify(self, jwt: object, external_id: str) -> Purchase:
        """The purchase that a token proves and the portal confirms as paid.

        The portal is asked only about a genuine token of the purchase that was opened.
        jwt          as for `check_token`
        external_id  the id of the intent that our own player opened; never taken from the client unchecked
        errors       those of `check_token`; ExternalIdMismatch, a Refused; those of `confirm`
        """
        claims = self.check_token(jwt)
        if claims.external_id != external_id:
            raise ExternalIdMismatch("the token is of another purchase than the one that was opened")
        self.confirm(claims)
        return Purchase(order_id=claims.order_id, external_id=claims.external_id, claims=claims.claims)

    def check_token(self, jwt: object) -> PurchaseClaims:
        """What a genuine token says; not that it is paid, nor whose it is.

        jwt      the compact token, str or bytes; anything else is refused as malformed
        errors   TokenMalformed, AlgRefused, SignatureMismatch, KidUnknown, TestKeyRefused, FieldInvalid,
                 TokenExpired and TokenNotYetValid (exp and nbf count where they are present),
                 IssuerMismatch where the configuration names an issuer, all Refused;
                 KeySourceUnavailable, an Undecided: answer 503 and let the client try again
        clauses  rfc7515:5.2, rfc8725:3.1, rfc8725:3.10
        """
        compact = parse_compact(jwt)
        algorithm = choose_algorithm(compact, allowed=self._algorithms)
        check_header(compact, algorithm=algorithm)
        if not compact.signature:
            raise SignatureMismatch("the token's signature is empty")
        check_trusted(self._signer(compact, algorithm), allow_test_keys=self._config.allow_test_keys)
        claims = parse_claims(compact)
        check_window(claims, now_s=self._clock(), skew_s=self._config.skew_s)
        check_issuer(claims, issuer=self._config.issuer)
        return self._part.parse_claims(claims)

    def confirm(self, purchase: PurchaseClaims | Purchase) -> None:
        """Ask the portal; returns where it says that this purchase is paid now. Repeating it is harmless.

        errors   PurchaseNotPaid, a Refused of this moment: a pending purchase may be paid later, a paid one
                 refunded; VerifyUnavailable, an Undecided, where the portal says neither yes nor no
        """
        config = self._config
        target = self._part.verify_target(purchase.order_id, purchase.external_id)
        url = config.site_url(self._part.verify_endpoint) + target
        sender = self._sender or _http_out(config)
        reply = sender.get_verdict(url, attempts_max=config.attempts_max)
        self._part.parse_verify(reply.status, reply.body, config.verify_reply)

    def _signer(self, compact: CompactToken, algorithm: str) -> VerificationKey:
        """The key that made the signature, be it one that has only just taken the place of a kept one."""
        keys = self._key_source.keys_for(compact.kid)
        try:
            return check_signature(compact, keys, algorithm=algorithm)
        except (SignatureMismatch, AlgRefused):
            newer = newer_keys(self._key_source, keys, evidence=compact.evidence(), kid=compact.kid)
            if newer is None:
                raise
        return check_signature(compact, newer, algorithm=algorithm)


def _key_set(config: VerifierConfig) -> KeySource:
    from coinslot_verifier.http_out import HttpOut
    from coinslot_verifier.key_set import CachedKeySet

    return CachedKeySet(config, sender=HttpOut(timeout_s=config.timeout_s))


def _http_out(config: VerifierConfig) -> VerdictSender:
    from coinslot_verifier.http_out import HttpOut

    return HttpOut(timeout_s=config.timeout_s)
