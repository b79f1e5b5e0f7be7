"""The JOSE half of a token, over any portal: signing, lies about the form, and what a reader makes of it.

Parts are put together by hand, because a library refuses to make what we need. What the claims say is the
business of the portal's part; see `tokens` and `purchases`.
clause   the form is RFC 7515 section 7.1
"""

import base64
import hashlib
import hmac
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.errors import (
    AlgRefused,
    CoinslotError,
    KidUnknown,
    SignatureMismatch,
    TokenExpired,
    TokenNotYetValid,
)
from coinslot_contracts.json_bytes import dump_compact

from coinslot_sandbox.key_material import secret_bytes
from coinslot_sandbox.keys import KeyRing
from coinslot_sandbox.store.records import KeyRecord

HOUR_S: Final = 3600
HEADERS_REFUSED: Final = frozenset({"crit", "jwk", "jku", "x5c", "x5u", "b64", "zip"})
"""What a careful reader refuses in a header: options that change how the token is read (RFC 8725, 3.10)."""

Header = dict[str, Any]
Claims = dict[str, Any]


class NoRetiredKey(Exception):
    """A token was asked for under the retired key, but the keys were never rotated."""


class LieInapplicable(Exception):
    """A lie was asked for that this portal's token cannot tell; `known` are those that it can."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.name = name
        self.known = tuple(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWish:
    """What a token is to be; everything left out is as in a good one.

    hostile  name in HOSTILE_TOKENS; alone
    sign     name in TOKEN_SIGNERS
    header, claims, user  members to replace; None drops one; a purchase has no user
    raw      this text instead of a token
    ttl_s    lifetime of a user token from now, negative for one that has expired
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
    header: Header
    claims: Claims
    error: str | None
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """A lie in the making.

    header, good  of the good token
    changed       claims that speak of somebody or something else
    """

    header: Header
    good: Claims
    changed: Claims


Lie = tuple[str, Header, Claims]


class Forge:
    """Signs and forges under one ring.

    algorithms  what a reader of these tokens may allow
    """

    def __init__(self, ring: KeyRing, *, algorithms: Sequence[str]) -> None:
        self._ring = ring
        self._algorithms = tuple(algorithms)

    def lies(self) -> tuple[str, ...]:
        """The lies about the form and the time that tokens of this portal can tell."""
        return form_lies(names_keys=self._ring.names_keys)

    def header(self, sign: str = "current") -> Header:
        """The header of a token that is signed in this way (name in TOKEN_SIGNERS).

        errors  NoRetiredKey
        """
        if sign == "retired":
            return self._ring.token_header(self._retired())
        header = self._ring.token_header(self._ring.current)
        algorithm = {"none": "none", "hs256_public": "HS256"}.get(sign)
        return header if algorithm is None else {**header, "alg": algorithm}

    def signed(self, sign: str, header: Header, claims: Claims) -> str:
        """The token with these parts, signed by a name in TOKEN_SIGNERS.

        errors  NoRetiredKey
        """
        signer = self._signer(sign)
        head = _head(header, claims)
        if signer is not None:
            return f"{head}.{self._signature(head, signer)}"
        return f"{head}." if sign == "none" else f"{head}.{_hs256(head, self._public_pem())}"

    def lie(self, name: str, forgery: Forgery) -> Lie | None:
        """The token of a lie about the form, its header and claims; None where it is no such lie."""
        make = _LIES.get(name)
        return None if make is None else make(self, forgery)

    def error(self, sign: str, header: Header) -> type[CoinslotError] | None:
        """The error that a correct reader gives for form and signature, None where both are good.

        It reads what the portal publishes now, so a token under a key that is published late is refused
        until that key is there.
        """
        if header.get("alg") not in self._algorithms or HEADERS_REFUSED.intersection(header):
            return AlgRefused
        named = header.get("kid") if self._ring.names_keys else None
        found = [key for key in self._ring.readable() if named is None or key.shown_kid == named]
        if not found:
            return KidUnknown if named is not None else SignatureMismatch
        fitting = [key for key in found if key.algorithm == header["alg"]]
        if not fitting:
            return AlgRefused
        signer = self._signer(sign)
        made = signer is not None and any(key.kid == signer.kid for key in fitting)
        return None if made else SignatureMismatch

    def _signer(self, sign: str) -> KeyRecord | None:
        """The key of a name in TOKEN_SIGNERS, None where no key of the portal signs."""
        if sign == "other":
            return self._ring.stranger
        if sign == "retired":
            return self._retired()
        return self._ring.current if sign == "current" else None

    def _retired(self) -> KeyRecord:
        retired = self._ring.retired
        if retired is None:
            raise NoRetiredKey
        return retired

    def _signature(self, head: str, record: KeyRecord) -> str:
        from jwt.algorithms import get_default_algorithms

        if record.kind == "oct":
            return _hs256(head, secret_bytes(record))
        algorithm: Any = get_default_algorithms()[record.algorithm]
        return _b64(algorithm.sign(head.encode(), self._ring.private_key(record)))

    def _public_pem(self) -> bytes:
        """The text of the published key, as a library that mistakes it for a secret would have it.

        A portal that publishes one key publishes its text; the text of a key out of a set is what libraries
        write for it: lines of 64 characters and a newline at the end.
        """
        text = base64.b64encode(self._public_der()).decode()
        if not self._ring.names_keys:
            return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----".encode()
        lines = textwrap.wrap(text, 64)
        return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", "")).encode()

    def _public_der(self) -> bytes:
        return self._ring.public(self._ring.current).spki_der

    # The lies about the form.

    def alg_none(self, forgery: Forgery) -> Lie:
        """No algorithm, no signature."""
        unsigned = {**forgery.header, "alg": "none"}
        return f"{_head(unsigned, forgery.good)}.", unsigned, forgery.good

    def alg_none_kept_sig(self, forgery: Forgery) -> Lie:
        """No algorithm, the good token's signature."""
        unsigned = {**forgery.header, "alg": "none"}
        kept = self._signature(_head(forgery.header, forgery.good), self._ring.current)
        return f"{_head(unsigned, forgery.good)}.{kept}", unsigned, forgery.good

    def sig_empty(self, forgery: Forgery) -> Lie:
        """An empty signature part."""
        return f"{_head(forgery.header, forgery.good)}.", forgery.header, forgery.good

    def sig_dropped(self, forgery: Forgery) -> Lie:
        """No signature part."""
        return _head(forgery.header, forgery.good), forgery.header, forgery.good

    def hs256_pem(self, forgery: Forgery) -> Lie:
        """The key's text as an HMAC secret."""
        return self._hs256_lie(forgery, self._public_pem())

    def hs256_der(self, forgery: Forgery) -> Lie:
        """The key's bytes as an HMAC secret."""
        return self._hs256_lie(forgery, self._public_der())

    def _hs256_lie(self, forgery: Forgery, secret: bytes) -> Lie:
        symmetric = {**forgery.header, "alg": "HS256"}
        head = _head(symmetric, forgery.good)
        return f"{head}.{_hs256(head, secret)}", symmetric, forgery.good

    def other_key(self, forgery: Forgery) -> Lie:
        """A key that the portal never published, under the id of one that it does."""
        return self._strangers(forgery, {**forgery.header, "alg": self._ring.algorithm})

    def payload_changed(self, forgery: Forgery) -> Lie:
        """Other claims under the good token's signature."""
        signature = self._signature(_head(forgery.header, forgery.good), self._ring.current)
        return f"{_head(forgery.header, forgery.changed)}.{signature}", forgery.header, forgery.changed

    def embedded_jwk(self, forgery: Forgery) -> Lie:
        """A key of the attacker's own, offered in the header."""
        stranger = self._ring.public(self._ring.stranger)
        offered = {**stranger.jwk, "use": "sig", "alg": stranger.algorithm}
        return self._strangers(forgery, {**forgery.header, "alg": stranger.algorithm, "jwk": offered})

    def kid_unknown(self, forgery: Forgery) -> Lie:
        """A key that the portal never published, under its own id."""
        stranger = self._ring.stranger
        return self._strangers(forgery, {**self._ring.token_header(stranger), "kid": stranger.kid})

    def _strangers(self, forgery: Forgery, header: Header) -> Lie:
        head = _head(header, forgery.good)
        return f"{head}.{self._signature(head, self._ring.stranger)}", header, forgery.good


_LIES: Final[Mapping[str, Callable[[Forge, Forgery], Lie]]] = {
    "alg-none": Forge.alg_none,
    "alg-none-kept-sig": Forge.alg_none_kept_sig,
    "sig-empty": Forge.sig_empty,
    "sig-dropped": Forge.sig_dropped,
    "hs256-pem": Forge.hs256_pem,
    "hs256-der": Forge.hs256_der,
    "other-key": Forge.other_key,
    "payload-changed": Forge.payload_changed,
    "embedded-jwk": Forge.embedded_jwk,
    "kid-unknown": Forge.kid_unknown,
}

_TIME_LIES: Final[Mapping[str, Callable[[Claims, int], Claims]]] = {
    "expired": lambda good, now_s: {**good, "iat": now_s - 2 * HOUR_S, "exp": now_s - HOUR_S},
    "not-yet-valid": lambda good, now_s: {**good, "nbf": now_s + HOUR_S},
}


def form_lies(*, names_keys: bool) -> tuple[str, ...]:
    """The lies about form and time that a portal's tokens can tell, by whether they name their key."""
    return tuple(name for name in (*_LIES, *_TIME_LIES) if name != "kid-unknown" or names_keys)


def at_wrong_time(name: str, good: Claims, *, now_s: int) -> Claims | None:
    """The claims of a genuine token of another time; None where the lie is none about time."""
    make = _TIME_LIES.get(name)
    return None if make is None else make(good, now_s)


def time_error(
    claims: Mapping[str, Any], *, now_s: float, needs_exp: bool
) -> type[TokenExpired | TokenNotYetValid] | None:
    """The error that a correct reader gives for the token's times.

    needs_exp  whether the portal's tokens always say when they end
    """
    ends = claims.get("exp")
    if (ends is None and needs_exp) or (ends is not None and (not is_time(ends) or ends <= now_s)):
        return TokenExpired
    if any(is_time(claims.get(name)) and claims[name] > now_s + 1 for name in ("iat", "nbf")):
        return TokenNotYetValid
    return None


def is_time(value: object) -> bool:
    """Whether a claim is a number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def merged(good: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The good members with changes; None drops one."""
    dropped = {name for name, value in (changes or {}).items() if value is None}
    return {name: value for name, value in {**good, **(changes or {})}.items() if name not in dropped}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _head(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return f"{_b64(dump_compact(header))}.{_b64(dump_compact(claims))}"


def _hs256(head: str, secret: bytes) -> str:
    return _b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())
