"""Which key made a token's signature, by trying every key that is known; whose each is, is the caller's word.

The arithmetic is `cryptography`'s. Nothing here is shared with the production verifier, on purpose.
clause   the form is RFC 7515; rfc7518:3.4 for ES256
"""

import base64
import hmac
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from coinslot_sandbox.diagnosis.token_text import Parts, decode

FAMILIES: Final = {"RS256": "rsa", "ES256": "ec"}
ES256_BYTES: Final = 64
NUMBER_BYTES_MAX: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key and what is known of it.

    role     published, given (by whoever asks), previous, unpublished, never-published, other-portal,
             other-environment, sandbox
    owner    how it is called in sentences
    kid      its id as published, None where it has none
    can_sign whether a correct reader of the published set uses it for signatures
    """

    role: str
    owner: str
    spki_der: bytes
    kid: str | None = None
    can_sign: bool = True


def find_signer(parts: Parts, keys: Sequence[KnownKey]) -> KnownKey | None:
    """The first key under which the token's signature is right."""
    return next((key for key in keys if _verifies(parts, key.spki_der)), None)


def find_der_signer(parts: Parts, keys: Sequence[KnownKey]) -> KnownKey | None:
    """The key under which the signature is right but for its DER encoding."""
    if parts.signature[:1] != b"\x30":
        return None
    return next((key for key in keys if _verifies(parts, key.spki_der, as_der=True)), None)


def find_changed(parts: Parts, keys: Iterable[KnownKey]) -> KnownKey | None:
    """The key that made this signature, over whatever: RSA shows the digest that was signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    for known in keys:
        key = load_spki(known.spki_der)
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        try:
            key.recover_data_from_signature(parts.signature, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            continue
        return known
    return None


def signature_bytes(spki_der: bytes) -> int:
    """How long a signature of this key is, 0 where the key cannot be read."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = load_spki(spki_der)
    if key is None:
        return 0
    return int(key.key_size) // 8 if isinstance(key, rsa.RSAPublicKey) else ES256_BYTES


def is_hmac_of_public_key(parts: Parts, texts: Iterable[bytes]) -> bool:
    """Whether the signature is an HMAC under one of these texts of a public key."""
    algorithm = {"HS384": "sha384", "HS512": "sha512"}.get(str(parts.header.get("alg")), "sha256")
    return any(
        hmac.compare_digest(hmac.digest(text, head, algorithm), parts.signature)
        for text in texts
        for head in parts.heads
    )


def public_texts(spki_der: bytes) -> Iterator[bytes]:
    """What a library may take for an HMAC secret when it is handed a public key."""
    one_line = base64.b64encode(spki_der).decode()
    wrapped = "\n".join(textwrap.wrap(one_line, 64))
    yield spki_der
    yield one_line.encode()
    for body in (one_line, wrapped):
        pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
        yield pem.encode()
        yield f"{pem}\n".encode()


def load_spki(spki_der: bytes) -> Any:
    """The public key, None where the bytes are none that signs tokens."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(spki_der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return key if isinstance(key, rsa.RSAPublicKey) else None


def jwk_spki(jwk: Mapping[str, Any]) -> bytes | None:
    """The key of a key set's entry as SubjectPublicKeyInfo, None where it cannot be read."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = (
            rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
            if jwk.get("kty") == "RSA"
            else ec.EllipticCurvePublicNumbers(
                _number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()
            ).public_key()
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _number(text: object) -> int:
    raw = decode(text) if isinstance(text, str) else None
    if raw is None or len(raw) > NUMBER_BYTES_MAX:
        raise ValueError("no number in Base64url")
    return int.from_bytes(raw)


def _verifies(parts: Parts, spki_der: bytes, *, as_der: bool = False) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = load_spki(spki_der)
    if key is None or FAMILIES.get(str(parts.header.get("alg"))) != _family(key):
        return False
    for head in parts.heads:
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(parts.signature, head, PKCS1v15(), SHA256())
            else:
                key.verify(parts.signature if as_der else _der(parts.signature), head, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _family(key: Any) -> str:
    return "rsa" if hasattr(key, "recover_data_from_signature") else "ec"


def _der(signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if len(signature) != ES256_BYTES:
        raise ValueError("not r and s of 32 bytes")
    half = ES256_BYTES // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
