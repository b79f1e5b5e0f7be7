"""From an entry of a JSON Web Key Set to a public key that can verify: RSA, or elliptic on P-256.

It reads numbers, strictly, and judges what the entry says of its own use. It must not decide whether the key
is trusted, nor know a portal.
clauses   rfc7517:4, rfc7518:6, rfc8725:3.1
"""

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.errors import KeySourceUnavailable
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

PublicKey = RSAPublicKey | EllipticCurvePublicKey

MEMBER_CHARS_MAX: Final = 4_096
P256_BYTES: Final = 32
_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")


def load_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """The public key of one entry.

    RSA: n and e; EC: crv P-256 with x and y of exactly 32 bytes; the size of an RSA key is not judged here.
    errors   KeySourceUnavailable where the entry is of another kind, is not for verifying signatures, holds
             private members (its secret is public, so it proves nothing), or its numbers make no key
    clauses  rfc7517:4, rfc7518:6
    """
    private = [name for name in _PRIVATE if name in jwk]
    if private:
        raise KeySourceUnavailable(f"the published key holds the private member {private[0]}")
    _check_use(jwk)
    load = _LOADERS.get(jwk["kty"]) if isinstance(jwk.get("kty"), str) else None
    if load is None:
        raise KeySourceUnavailable("the published key is neither RSA nor EC")
    try:
        return load(jwk)
    except (ValueError, UnsupportedAlgorithm):
        raise KeySourceUnavailable("the published key's numbers make no key") from None


def _check_use(jwk: Mapping[str, Any]) -> None:
    operations = jwk.get("key_ops")
    algorithm = jwk.get("alg")
    if algorithm is not None and not isinstance(algorithm, str):
        raise KeySourceUnavailable("the published key's alg is no text")
    if jwk.get("use", "sig") != "sig":
        raise KeySourceUnavailable("the published key is not for signatures")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise KeySourceUnavailable("the published key is not for verifying")


def _load_rsa(jwk: Mapping[str, Any]) -> PublicKey:
    n, e = (int.from_bytes(_member(jwk, name)) for name in ("n", "e"))
    return RSAPublicNumbers(e=e, n=n).public_key()


def _load_p256(jwk: Mapping[str, Any]) -> PublicKey:
    if jwk.get("crv") != "P-256":
        raise KeySourceUnavailable("the published key is on another curve than P-256")
    x, y = (_member(jwk, name) for name in ("x", "y"))
    if len(x) != P256_BYTES or len(y) != P256_BYTES:
        raise KeySourceUnavailable(f"the published key's coordinates do not have {P256_BYTES} bytes")
    return EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()).public_key()


_LOADERS: Final[Mapping[str, Callable[[Mapping[str, Any]], PublicKey]]] = {
    "RSA": _load_rsa,
    "EC": _load_p256,
}


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str) or len(value) > MEMBER_CHARS_MAX or not _BASE64URL.fullmatch(value):
        raise KeySourceUnavailable(f"the published key's {name} is not Base64url without padding")
    try:
        return binascii.a2b_base64(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4))
    except binascii.Error:
        raise KeySourceUnavailable(f"the published key's {name} is not Base64url") from None
