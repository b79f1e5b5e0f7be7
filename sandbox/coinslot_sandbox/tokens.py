"""User tokens: good ones, and every named lie about them.

The JOSE half of a lie is done here, over any portal; a defect of a portal's own claims comes from
`IdentityPart.claim_defects`. Parts are put together by hand, because a library refuses to make what we need.
clause   the claims are the portal's (`IdentityPart.clause`), the form is RFC 7515 section 7.1
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.domain import Player
from coinslot_contracts.errors import (
    AlgRefused,
    CoinslotError,
    GameMismatch,
    IssuerMismatch,
    SignatureMismatch,
    SubInvalid,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
)
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portal import IdentityPart
from coinslot_contracts.vocabulary import HOSTILE_TOKENS, TOKEN_SIGNERS

from coinslot_sandbox.keys import KeyRing
from coinslot_sandbox.store.records import KeyRecord

HOUR_S: Final = 3600

SIGNER_ERRORS: Final[Mapping[str, type[CoinslotError]]] = {
    "retired": SignatureMismatch,
    "other": SignatureMismatch,
    "none": AlgRefused,
    "hs256_public": AlgRefused,
}


class NoRetiredKey(Exception):
    """A token was asked for under the retired key, but the keys were never rotated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWish:
    """What a token is to be; everything left out is as in a good one.

    hostile  name in HOSTILE_TOKENS; alone
    sign     name in TOKEN_SIGNERS
    header, claims, user  members to replace; None drops one
    raw      this text instead of a token
    ttl_s    lifetime from now, negative for one that has expired
    """

    hostile: str | None = None
    sign: str = "current"
    header: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] | None = None
    user: Mapping[str, Any] | None = None
    raw: str | None = None
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A token and what a correct backend makes of it.

    error  the code with which our verifier refuses it; None where it is to be accepted
    """

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    error: str | None
    says: str


class Mint:
    """Mints the tokens of one portal under its ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._identity: IdentityPart = ring.identity

    def mint(self, wish: TokenWish, *, player: Player, game_id: str, now_s: float, sequence: int) -> Minted:
        """Make the token that is wished for.

        now_s     claims clock, seconds since 1970
        sequence  keeps the token ids of one millisecond apart
        errors    NoRetiredKey
        """
        good = self._identity.claims(
            player=player,
            game_id=game_id,
            issued_at_s=int(now_s),
            expires_at_s=int(now_s) + int(self._identity.lifetime_s if wish.ttl_s is None else wish.ttl_s),
            token_id=self._identity.token_id(int(now_s * 1000), sequence % 4096),
        )
        header = self._identity.header(self._ring.current.kid)
        if wish.hostile is not None:
            return self._hostile(wish.hostile, header, good, now_s=int(now_s))
        return self._custom(wish, header, good, now_s=now_s, game_id=game_id)

    def _custom(
        self, wish: TokenWish, header: dict[str, Any], good: dict[str, Any], *, now_s: float, game_id: str
    ) -> Minted:
        claims = self._identity.change_user(good, wish.user) if wish.user else good
        claims = _merged(claims, wish.claims)
        header = self._signers_header(header, wish.sign)
        header = _merged(header, wish.header)
        token = self._sign_as(wish.sign, header, claims) if wish.raw is None else wish.raw
        error = self._expected(wish, header, claims, now_s=now_s, game_id=game_id)
        return Minted(
            token=token,
            header=header,
            claims=claims,
            error=None if error is None else error.code,
            says="given as raw text" if wish.raw is not None else TOKEN_SIGNERS[wish.sign],
        )

    def _signers_header(self, header: dict[str, Any], signer: str) -> dict[str, Any]:
        algorithm = {"none": "none", "hs256_public": "HS256"}.get(signer)
        return header if algorithm is None else {**header, "alg": algorithm}

    def _sign_as(self, signer: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
        head = _head(header, claims)
        if signer == "none":
            return f"{head}."
        if signer == "hs256_public":
            return f"{head}.{_hs256(head, self._public_pem())}"
        return f"{head}.{self._signature(head, self._signer(signer))}"

    def _signer(self, signer: str) -> KeyRecord:
        if signer == "other":
            return self._ring.stranger
        if signer == "current":
            return self._ring.current
        retired = self._ring.retired
        if retired is None:
            raise NoRetiredKey
        return retired

    def _signature(self, head: str, record: KeyRecord) -> str:
        from jwt.algorithms import get_default_algorithms

        algorithm: Any = get_default_algorithms()[record.algorithm]
        return _b64(algorithm.sign(head.encode(), self._ring.private_key(record)))

    def _hostile(self, name: str, header: dict[str, Any], good: dict[str, Any], *, now_s: int) -> Minted:
        make = _JOSE_LIES.get(name)
        if make is not None:
            token, header, claims = make(self, header, good)
        else:
            claims = self._spoilt(name, good, now_s)
            token = self._sign_as("current", header, claims)
        lie = HOSTILE_TOKENS[name]
        return Minted(token=token, header=header, claims=claims, error=lie.expected.code, says=lie.says)

    def _spoilt(self, name: str, good: dict[str, Any], now_s: int) -> dict[str, Any]:
        if name == "expired":
            return {**good, "iat": now_s - 2 * HOUR_S, "exp": now_s - HOUR_S}
        if name == "not-yet-valid":
            return {**good, "nbf": now_s + HOUR_S}
        return self._identity.claim_defects[name](good)

    def _public_pem(self) -> bytes:
        """The text of the published key, as a library that mistakes it for a secret would have it."""
        der = self._ring.public(self._ring.current).spki_der
        return (
            f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----".encode()
        )

    def _public_der(self) -> bytes:
        return self._ring.public(self._ring.current).spki_der

    def _expected(
        self, wish: TokenWish, header: dict[str, Any], claims: dict[str, Any], *, now_s: float, game_id: str
    ) -> type[CoinslotError] | None:
        """The error that our verifier gives, in the order in which it judges."""
        if wish.raw is not None:
            return TokenMalformed
        if header.get("alg") != self._identity.algorithm:
            return AlgRefused
        if wish.sign != "current":
            return SIGNER_ERRORS[wish.sign]
        return self._claims_error(claims, now_s=now_s, game_id=game_id)

    def _claims_error(
        self, claims: Mapping[str, Any], *, now_s: float, game_id: str
    ) -> type[CoinslotError] | None:
        if claims.get("iss") != self._identity.issuer:
            return IssuerMismatch
        if not _is_time(claims.get("exp")) or claims["exp"] <= now_s:
            return TokenExpired
        if any(_is_time(claims.get(name)) and claims[name] > now_s + 1 for name in ("iat", "nbf")):
            return TokenNotYetValid
        try:
            identity = self._identity.parse(claims)
        except SubInvalid:
            return SubInvalid
        return None if identity.game_id == game_id else GameMismatch

    # The lies about the form; each returns token, header and claims.

    def alg_none(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """No algorithm, no signature."""
        unsigned = {**header, "alg": "none"}
        return f"{_head(unsigned, good)}.", unsigned, good

    def alg_none_kept_sig(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """No algorithm, the good token's signature."""
        unsigned = {**header, "alg": "none"}
        kept = self._signature(_head(header, good), self._ring.current)
        return f"{_head(unsigned, good)}.{kept}", unsigned, good

    def sig_empty(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """An empty signature part."""
        return f"{_head(header, good)}.", header, good

    def sig_dropped(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """No signature part."""
        return _head(header, good), header, good

    def hs256_pem(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """The key's text as an HMAC secret."""
        return self._hs256_lie(header, good, self._public_pem())

    def hs256_der(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """The key's bytes as an HMAC secret."""
        return self._hs256_lie(header, good, self._public_der())

    def _hs256_lie(self, header: dict[str, Any], good: dict[str, Any], secret: bytes) -> "Lie":
        symmetric = {**header, "alg": "HS256"}
        head = _head(symmetric, good)
        return f"{head}.{_hs256(head, secret)}", symmetric, good

    def other_key(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """A key that the portal never published."""
        head = _head(header, good)
        return f"{head}.{self._signature(head, self._ring.stranger)}", header, good

    def payload_changed(self, header: dict[str, Any], good: dict[str, Any]) -> "Lie":
        """Another user under the good token's signature."""
        signature = self._signature(_head(header, good), self._ring.current)
        member = self._identity.user_fields["user_id"]
        now = self._identity.parse(good).user_id
        changed = self._identity.change_user(good, {member: str(int(now) + 1)})
        return f"{_head(header, changed)}.{signature}", header, changed


Lie = tuple[str, dict[str, Any], dict[str, Any]]

_JOSE_LIES: Final[Mapping[str, Callable[[Mint, dict[str, Any], dict[str, Any]], Lie]]] = {
    "alg-none": Mint.alg_none,
    "alg-none-kept-sig": Mint.alg_none_kept_sig,
    "sig-empty": Mint.sig_empty,
    "sig-dropped": Mint.sig_dropped,
    "hs256-pem": Mint.hs256_pem,
    "hs256-der": Mint.hs256_der,
    "other-key": Mint.other_key,
    "payload-changed": Mint.payload_changed,
}


def _merged(good: dict[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    merged = {**good, **(changes or {})}
    dropped = {name for name, value in (changes or {}).items() if value is None}
    return {name: value for name, value in merged.items() if name not in dropped}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _head(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return f"{_b64(dump_compact(header))}.{_b64(dump_compact(claims))}"


def _hs256(head: str, secret: bytes) -> str:
    return _b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
