"""Our own strict reader of compact JWS tokens, and the two signature algorithms that portals may use.

It judges form and signature only: what the claims mean is `claims` and the portal's business. It must not
know a portal; the caller says which algorithms are allowed, and a key is used with its own one alone.

Why there is a reader of our own, where PyJWT, joserfc and jose exist. It refuses what at least one of them
takes (tests/verifier holds each to it, with those libraries beside):
- a part that is not the one canonical Base64url text of its bytes: padding, white space, the standard
  alphabet, trailing bits. One token then has one spelling, and no table of used tokens can be walked around;
- a member given twice, in header, claims or the user inside `sub`; NaN, Infinity and 1e400; a byte order
  mark; UTF-16 and UTF-32; nesting beyond 64; a token beyond 64 KiB, before anything in it is decoded;
- any of `HEADERS_REFUSED`, whether or not a library would have followed it, and `crit` even where it is
  understood;
- a user token without `exp`, a time that is no number of seconds, a key below 2,048 bits;
- algorithms but RS256 and ES256: no symmetric one exists here, so no public key can serve as a secret.
And it is faster, because a login waits for it: Base64 is judged in C and by its last character instead of
character by character, a header that was seen before is known (its facts are; no token, signature or verdict
is kept anywhere), and claims are read once, after the signature. `make bench` prints V1 to V3 beside the
libraries.
clauses   rfc7515:5.2, rfc7518:3.4, rfc8725:3.1, rfc8725:3.10
"""

import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from coinslot_contracts.errors import AlgRefused, SignatureMismatch, TokenMalformed
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from coinslot_verifier.claims_json import read_base64, read_base64_strictly, read_object
from coinslot_verifier.key_forms import VerificationKey

TOKEN_BYTES_MAX: Final = 65_536
ES256_HALF_BYTES: Final = 32
HEADERS_KNOWN_MAX: Final = 256
HEADER_CHARS_KNOWN_MAX: Final = 512
HEADERS_REFUSED: Final = frozenset({"crit", "jwk", "jku", "x5c", "x5u", "b64", "zip"})
"""Header members that bring a key along or change how the token is read; other unknown ones are ignored."""
_PARTS: Final = ("header", "payload", "signature")
_RS256: Final = (PKCS1v15(), SHA256())
_ES256: Final = ECDSA(SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The JOSE header's facts that decide something, read once for all tokens that begin alike.

    members     the header as JSON
    algorithm   `alg`, None where it is absent or no text
    kid         the key id, None where it is absent or no text
    refused     those of HEADERS_REFUSED that it holds
    """

    members: Mapping[str, Any]
    algorithm: str | None
    kid: str | None
    refused: tuple[str, ...]


class CompactToken(NamedTuple):
    """A token taken apart; nothing in it is trusted yet, and the payload has not been read.

    One is made per verification, which is why it is a tuple: as immutable as a frozen class, sooner made.

    head            the JOSE header
    payload         the claims' bytes, to be read after the signature was checked
    signing_input   exactly the bytes that the signature covers
    signature       the signature's bytes, maybe none
    """

    head: Header
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def header(self) -> Mapping[str, Any]:
        """The JOSE header as JSON."""
        return self.head.members

    @property
    def kid(self) -> str | None:
        """The key id that the token names, None where there is none or it is no string."""
        return self.head.kid

    def evidence(self) -> bytes:
        """A SHA-256 digest of the whole token, by which it is known again without being kept."""
        return hashlib.sha256(self.signing_input + b"." + self.signature).digest()


def parse_compact(token: object) -> CompactToken:
    """Take a compact token apart.

    token    str or bytes; any other type is refused like any other malformed token
    errors   TokenMalformed: too long, not ASCII, not three parts, a part that is not canonical Base64url
             without padding, a header that is not one JSON object with each key once
    clause   rfc7515:5.2
    """
    raw = _ascii(token)
    if len(raw) > TOKEN_BYTES_MAX:
        raise TokenMalformed(f"the token is longer than {TOKEN_BYTES_MAX} bytes")
    parts = raw.split(b".")
    if len(parts) != 3:
        raise TokenMalformed(f"the token has {len(parts)} part(s), not 3")
    header_part, payload_part, signature_part = parts
    is_short = len(header_part) <= HEADER_CHARS_KNOWN_MAX
    try:
        return CompactToken(
            _known_header(header_part) if is_short else _read_header(header_part),
            read_base64(payload_part),
            raw[: len(header_part) + 1 + len(payload_part)],
            read_base64(signature_part),
        )
    except ValueError:
        raise TokenMalformed(_coding_problem(parts)) from None


def check_header(token: CompactToken, *, algorithm: str) -> None:
    """Refuse a token that names another algorithm, or an option that we do not follow.

    errors   AlgRefused
    clause   rfc8725:3.1, rfc8725:3.10, rfc7515:4.1.11
    """
    head = token.head
    if head.algorithm != algorithm:
        raise AlgRefused(f"the token's alg is not {algorithm}")
    if head.refused:
        raise AlgRefused(f"the token's header holds {', '.join(head.refused)}")


def choose_algorithm(token: CompactToken, *, allowed: Sequence[str]) -> str:
    """Which of the algorithms that we allow the token names.

    Only asymmetric ones are known here at all, so no public key can ever serve as a secret.
    errors   AlgRefused
    clause   rfc8725:3.1, rfc8725:2.1
    """
    named = token.head.algorithm
    if named is None or named not in allowed or named not in _ALGORITHMS:
        raise AlgRefused(f"the token's alg is not {' or '.join(allowed)}")
    return named


def check_signature(
    token: CompactToken, keys: Sequence[VerificationKey], *, algorithm: str
) -> VerificationKey:
    """The key that made the signature.

    A key of another type, or one that is published for another algorithm, is not tried.
    errors   AlgRefused where none of the keys is for this algorithm; SignatureMismatch
    clause   rfc7515:5.2, rfc8725:3.1
    """
    known = _ALGORITHMS[algorithm]
    is_any_fitting = False
    for key in keys:
        if key.kind == known.kind and key.algorithm in (None, algorithm):
            is_any_fitting = True
            if known.is_made_by(token, key):
                return key
    if not is_any_fitting:
        raise AlgRefused(f"the portal's key is not for {algorithm}")
    raise SignatureMismatch("the token's signature was not made by the portal's key")


def parse_claims(token: CompactToken) -> dict[str, Any]:
    """Read the claims of a token whose signature was checked; TokenMalformed unless a JSON object."""
    try:
        return read_object(token.payload)
    except JsonInvalid as error:
        raise TokenMalformed(f"the token's payload is {error}") from None


def _ascii(token: object) -> bytes:
    if isinstance(token, bytes):
        return token
    if not isinstance(token, str):
        raise TokenMalformed("the token is not text")
    if not token.isascii():  # asked first, since the error of encode() holds the whole token
        raise TokenMalformed("the token holds a character beyond ASCII")
    return token.encode()


def _coding_problem(parts: Sequence[bytes]) -> str:
    """Which part is not canonical Base64url, in words that hold nothing of it."""
    problems = map(_part_problem, parts)
    return next(f"the token's {name} is {said}" for name, said in zip(_PARTS, problems, strict=True) if said)


def _part_problem(part: bytes) -> str:
    try:
        read_base64_strictly(part)
    except binascii.Error:
        return "not Base64url without padding"
    except ValueError:
        return "not the canonical Base64url of its bytes"
    return ""


def _read_header(part: bytes) -> Header:
    try:
        members = parse_json_object(read_base64(part))
    except JsonInvalid as error:
        raise TokenMalformed(f"the token's header is {error}") from None
    algorithm, kid = members.get("alg"), members.get("kid")
    return Header(
        members=MappingProxyType(members),
        algorithm=algorithm if isinstance(algorithm, str) else None,
        kid=kid if isinstance(kid, str) else None,
        refused=tuple(sorted(HEADERS_REFUSED.intersection(members))),
    )


_known_header: Final = lru_cache(maxsize=HEADERS_KNOWN_MAX)(_read_header)
"""Headers met before: results of a pure function. A flood of new ones finds room for 256 short texts."""


def _is_rs256(token: CompactToken, key: VerificationKey) -> bool:
    try:
        cast(RSAPublicKey, key.public).verify(token.signature, token.signing_input, *_RS256)
    except InvalidSignature:
        return False
    return True


def _is_es256(token: CompactToken, key: VerificationKey) -> bool:
    """The signature is r and s, 32 bytes each, not the DER that libraries of cryptography speak.

    clause   rfc7518:3.4
    """
    signature = token.signature
    if len(signature) != 2 * ES256_HALF_BYTES:
        return False
    r, s = int.from_bytes(signature[:ES256_HALF_BYTES]), int.from_bytes(signature[ES256_HALF_BYTES:])
    try:
        cast(EllipticCurvePublicKey, key.public).verify(
            encode_dss_signature(r, s), token.signing_input, _ES256
        )
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Algorithm:
    kind: str
    is_made_by: Callable[[CompactToken, VerificationKey], bool]


_ALGORITHMS: Final[Mapping[str, _Algorithm]] = {
    "RS256": _Algorithm(kind="RSA", is_made_by=_is_rs256),
    "ES256": _Algorithm(kind="EC", is_made_by=_is_es256),
}
ALGORITHMS: Final = tuple(_ALGORITHMS)
"""Every signature algorithm that there is here; a configuration chooses among them."""
