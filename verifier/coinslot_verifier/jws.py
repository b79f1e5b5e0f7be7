"""Our own strict reader of compact JWS tokens, and the two signature algorithms that portals may use.

It judges form and signature only: what the claims mean is `claims` and the portal's business. It must not
know a portal; the caller says which algorithms are allowed, and a key is used with its own one alone.
clauses   rfc7515:5.2, rfc7518:3.4, rfc8725:3.1, rfc8725:3.10
"""

import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.errors import AlgRefused, SignatureMismatch, TokenMalformed
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from coinslot_verifier.jwk import PublicKey
from coinslot_verifier.key_forms import VerificationKey

TOKEN_BYTES_MAX: Final = 65_536
ES256_HALF_BYTES: Final = 32
HEADERS_REFUSED: Final = frozenset({"crit", "jwk", "jku", "x5c", "x5u", "b64", "zip"})
"""Header members that bring a key along or change how the token is read; other unknown ones are ignored."""
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/!!!")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactToken:
    """A token taken apart; nothing in it is trusted yet, and the payload has not been read.

    header          the JOSE header as JSON
    payload         the claims' bytes, to be read after the signature was checked
    signing_input   exactly the bytes that the signature covers
    signature       the signature's bytes, maybe none
    """

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def kid(self) -> str | None:
        """The key id that the token names, None where there is none or it is no string."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


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
    return CompactToken(
        header=_json_object("header", _decode("header", header_part)),
        payload=_decode("payload", payload_part),
        signing_input=header_part + b"." + payload_part,
        signature=_decode("signature", signature_part),
    )


def check_header(token: CompactToken, *, algorithm: str) -> None:
    """Refuse a token that names another algorithm, or an option that we do not follow.

    errors   AlgRefused
    clause   rfc8725:3.1, rfc8725:3.10, rfc7515:4.1.11
    """
    named = token.header.get("alg")
    if named != algorithm:
        raise AlgRefused(f"the token's alg is not {algorithm}")
    refused = HEADERS_REFUSED.intersection(token.header)
    if refused:
        raise AlgRefused(f"the token's header holds {', '.join(sorted(refused))}")


def choose_algorithm(token: CompactToken, *, allowed: Sequence[str]) -> str:
    """Which of the algorithms that we allow the token names.

    Only asymmetric ones are known here at all, so no public key can ever serve as a secret.
    errors   AlgRefused
    clause   rfc8725:3.1, rfc8725:2.1
    """
    named = token.header.get("alg")
    for algorithm in allowed:
        if named == algorithm and algorithm in _ALGORITHMS:
            return algorithm
    raise AlgRefused(f"the token's alg is not {' or '.join(allowed)}")


def check_signature(
    token: CompactToken, keys: Sequence[VerificationKey], *, algorithm: str
) -> VerificationKey:
    """The key that made the signature.

    A key of another type, or one that is published for another algorithm, is not tried.
    errors   AlgRefused where none of the keys is for this algorithm; SignatureMismatch
    clause   rfc7515:5.2, rfc8725:3.1
    """
    known = _ALGORITHMS[algorithm]
    fitting = [
        key for key in keys if isinstance(key.public, known.key_type) and key.algorithm in (None, algorithm)
    ]
    if not fitting:
        raise AlgRefused(f"the portal's key is not for {algorithm}")
    for key in fitting:
        if known.is_made_by(token, key):
            return key
    raise SignatureMismatch("the token's signature was not made by the portal's key")


def parse_claims(token: CompactToken) -> dict[str, Any]:
    """Read the claims of a token whose signature was checked; TokenMalformed unless a JSON object."""
    return _json_object("payload", token.payload)


def _ascii(token: object) -> bytes:
    if isinstance(token, bytes):
        return token
    if not isinstance(token, str):
        raise TokenMalformed("the token is not text")
    if not token.isascii():  # asked first, since the error of encode() holds the whole token
        raise TokenMalformed("the token holds a character beyond ASCII")
    return token.encode("ascii")


def _decode(name: str, part: bytes) -> bytes:
    """Strict Base64url; encoding it again must give the same text, so that one token has one spelling."""
    padded = part.translate(_TO_STANDARD) + b"=" * (-len(part) % 4)
    try:
        decoded = binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        raise TokenMalformed(f"the token's {name} is not Base64url without padding") from None
    if binascii.b2a_base64(decoded, newline=False) != padded:
        raise TokenMalformed(f"the token's {name} is not the canonical Base64url of its bytes")
    return decoded


def _json_object(name: str, text: bytes) -> dict[str, Any]:
    try:
        return parse_json_object(text, bytes_max=TOKEN_BYTES_MAX)
    except JsonInvalid as error:
        raise TokenMalformed(f"the token's {name} is {error}") from None


def _is_rs256(token: CompactToken, key: VerificationKey) -> bool:
    assert isinstance(key.public, RSAPublicKey)
    try:
        key.public.verify(token.signature, token.signing_input, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _is_es256(token: CompactToken, key: VerificationKey) -> bool:
    """The signature is r and s, 32 bytes each, not the DER that libraries of cryptography speak.

    clause   rfc7518:3.4
    """
    assert isinstance(key.public, EllipticCurvePublicKey)
    if len(token.signature) != 2 * ES256_HALF_BYTES:
        return False
    r, s = token.signature[:ES256_HALF_BYTES], token.signature[ES256_HALF_BYTES:]
    der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    try:
        key.public.verify(der, token.signing_input, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Algorithm:
    key_type: type[PublicKey]
    is_made_by: Callable[[CompactToken, VerificationKey], bool]


_ALGORITHMS: Final[Mapping[str, _Algorithm]] = {
    "RS256": _Algorithm(key_type=RSAPublicKey, is_made_by=_is_rs256),
    "ES256": _Algorithm(key_type=EllipticCurvePublicKey, is_made_by=_is_es256),
}
