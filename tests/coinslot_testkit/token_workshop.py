"""Raw material for hostile tokens: two kinds of good token, their keys, and parts joined under a signature.

It shares no code with the verifier. Contents are bytes,
so that what no JSON writer would write can be signed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from coinslot_testkit.tokens import NOW_S, encode, good_claims, private_key
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Sign = Callable[[bytes], bytes]
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileToken:
    """One token and the trick that it tries; `profile` says which verifier it is meant for."""

    trick: str
    token: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of token: what a good one says, and who signs it."""

    name: str
    algorithm: str
    claims: Mapping[str, Any]
    sign: Sign
    sign_other: Sign

    def join(self, header: bytes, payload: bytes, sign: Sign | None = None) -> str:
        """A token of these contents, signed."""
        return self.join_spelt(encode(header), encode(payload), sign)

    def join_spelt(self, header: str, payload: str, sign: Sign | None = None) -> str:
        """A token of these texts as they are, signed over exactly them."""
        signed = f"{header}.{payload}"
        return f"{signed}.{encode((sign or self.sign)(signed.encode('utf-8', 'surrogatepass')))}"

    def token(self, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A good token but for these; `...` drops a claim."""
        kept = {name: value for name, value in {**self.claims, **changes}.items() if value is not ...}
        return self.join(dump({"alg": self.algorithm, **(header or {})}), dump(kept))


def dump(value: Any) -> bytes:
    """JSON with whatever Python can write, NaN included."""
    return json.dumps(value).encode()


@cache
def ec_key(name: str = "signing") -> EllipticCurvePrivateKey:
    """A fixed key on P-256."""
    return derive_private_key({"signing": 0xC0115107, "other": 0xBADC0DE}[name], SECP256R1())


def sign_rs256(text: bytes, key: str = "signing") -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    return private_key(key).sign(text, PKCS1v15(), SHA256())


def sign_es256(text: bytes, key: str = "signing") -> bytes:
    """ECDSA on P-256 with SHA-256, r and s side by side; the same text has the same signature (RFC 6979)."""
    return raw_of(ec_key(key).sign(text, ECDSA(SHA256(), deterministic_signing=True)))


def raw_of(der: bytes) -> bytes:
    """r and s, 32 bytes each, of a DER signature."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def public_pem(profile: str) -> str:
    """The profile's public key for other libraries."""
    key = private_key().public_key() if profile == "user" else ec_key().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


PROFILES: Final = {
    "user": Profile(
        name="user",
        algorithm="RS256",
        claims=good_claims(),
        sign=sign_rs256,
        sign_other=lambda text: sign_rs256(text, "other"),
    ),
    "purchase": Profile(
        name="purchase",
        algorithm="ES256",
        claims={"orderId": "o-1", "externalId": "x-1", "iat": NOW_S - 60, "exp": NOW_S + 3540},
        sign=sign_es256,
        sign_other=lambda text: sign_es256(text, "other"),
    ),
}
"""user: RS256, exp and iss wanted. purchase: ES256, nothing wanted beyond its two ids."""
