"""From a key in any of the forms in which portals publish one to a key that can verify.

As text: PEM with any line breaks or none, PKCS#1 or SPKI, bare Base64, breaks written as backslash-n: the
label and white space are taken off and the DER is read anew. As an entry of a key set: see `jwk`.
It must not decide whether the key is trusted.
clauses   sandbox:key-form, rfc7517:4
"""

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal

from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portal import PublishedKey
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from coinslot_verifier.jwk import PublicKey, load_jwk

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
KEY_TEXT_CHARS_MAX: Final = 16_384
_LABELS: Final = ("PUBLIC KEY", "RSA PUBLIC KEY")
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """An RSA key of 2,048 to 8,192 bits, or an elliptic one on P-256.

    kind          "RSA" or "EC"
    spki_sha256   SHA-256 of its SubjectPublicKeyInfo (DER), lowercase hex: the key's own name
    kid           the id under which the portal publishes it, None where it has none
    algorithm     the one algorithm that the portal says it is for, None where it says nothing
    """

    public: PublicKey
    kind: Literal["RSA", "EC"]
    spki_sha256: str
    kid: str | None = None
    algorithm: str | None = None


def read_key(published: PublishedKey) -> VerificationKey:
    """Make a key of what a portal published.

    errors   KeySourceUnavailable where it is no RSA public key of a safe size, nor an entry of a key set for
             such a key or one on P-256: the portal's fault or an outage's, never the token's
    """
    if published.jwk is None:
        key: object = _load(_der(_key_text(published)))
        if not isinstance(key, RSAPublicKey):
            raise KeySourceUnavailable("the published key is not an RSA key")
        return _named(key, published)
    return _named(load_jwk(published.jwk), published)


def _named(key: PublicKey, published: PublishedKey) -> VerificationKey:
    if isinstance(key, RSAPublicKey) and not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        raise KeySourceUnavailable(
            f"the published key has {key.key_size} bits, not {RSA_BITS_MIN} to {RSA_BITS_MAX}"
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return VerificationKey(
        public=key,
        kind="RSA" if isinstance(key, RSAPublicKey) else "EC",
        spki_sha256=hashlib.sha256(spki).hexdigest(),
        kid=published.kid,
        algorithm=(published.jwk or {}).get("alg"),
    )


def _key_text(published: PublishedKey) -> str:
    if published.text is None:
        raise KeySourceUnavailable("the published key has no text")
    if len(published.text) > KEY_TEXT_CHARS_MAX:
        raise KeySourceUnavailable(f"the published key is longer than {KEY_TEXT_CHARS_MAX} characters")
    return published.text.replace("\\r", "\r").replace("\\n", "\n").strip()


def _der(text: str) -> bytes:
    body = text
    if text.startswith("-----"):
        match = _PEM.fullmatch(text)
        if match is None or match[1] != match[3] or match[1] not in _LABELS:
            raise KeySourceUnavailable("the published key is not PEM of a public key")
        body = match[2]
    try:
        return binascii.a2b_base64("".join(body.split()), strict_mode=True)
    except ValueError:
        raise KeySourceUnavailable("the published key is not Base64") from None


def _load(der: bytes) -> object:
    try:
        return load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise KeySourceUnavailable("the published key cannot be read") from None
