"""Where keys come from and how they look in public: the shipped pool, new keys, JWK members, odd entries.

Portals draw from the pool without sharing a key, so that a token of one never verifies at another. What the
keys are for, and in which order they sign, is the ring's matter.
clause   the members of a JWK are those of RFC 7518 section 6
"""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any, Final

from coinslot_contracts.portal import SigningKey

from coinslot_sandbox.ids import number_of
from coinslot_sandbox.store.records import KeyRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

FAMILY_OF_ALGORITHM: Final = {"RS256": "rsa_2048", "ES256": "p_256"}
KIND_OF_ALGORITHM: Final = {"RS256": "rsa", "ES256": "ec"}
ALGORITHM_OF_KIND: Final[Mapping[str, str]] = {
    "rsa": "RS256",
    "ec": "ES256",
    "oct": "HS256",
    "use-enc": "RS256",
    "no-kid": "RS256",
    "duplicate-kid": "RS256",
    "unknown-kty": "ML-DSA-65",
    "weak-rsa": "RS256",
}
"""The names of `vocabulary.KEY_ENTRIES`, and what a key of this kind signs with."""
WITHOUT_PRIVATE_KEY: Final = frozenset({"oct", "unknown-kty"})
UNREADABLE: Final = frozenset({"oct", "use-enc", "unknown-kty"})
"""Kinds that a correct reader of the set passes over."""
WEAK_BITS: Final = 1024
SECRET_BYTES: Final = 32
ML_DSA_65_BYTES: Final = 1952
_ENTRY_ALGORITHMS: Final = {"use-enc": {"use": "enc", "alg": "RSA-OAEP-256"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Gives one portal its keys.

    places   algorithm -> this portal's places in the pool; the last one is never published
    mark     part of the ids of odd entries, so that two rings never have one of the same id
    """

    places: Mapping[str, Sequence[int]]
    fresh_keys: bool
    mark: str = ""

    def ring_key(self, number: int, algorithm: str) -> tuple[str, str]:
        """Id and PEM of the n-th key: from the pool while it lasts, else a new one; -1 is the stranger."""
        places = self.places[algorithm]
        if self.fresh_keys or number >= len(places) - 1:
            return f"fresh-{secrets.token_hex(4)}", generated_pem(algorithm)
        place, family = places[number], FAMILY_OF_ALGORITHM[algorithm]
        return f"test-{KIND_OF_ALGORITHM[algorithm]}-{place:02d}", _pool()[family][place]

    def extra_key(self, number: int, kind: str) -> tuple[str, str]:
        """Id and material of an entry of this kind in `vocabulary.KEY_ENTRIES`."""
        if kind == "oct":
            return f"extra-oct-{self.mark}{number}", _b64(secrets.token_bytes(SECRET_BYTES))
        if kind == "unknown-kty":
            return f"extra-akp-{self.mark}{number}", _b64(secrets.token_bytes(ML_DSA_65_BYTES))
        if kind == "weak-rsa":
            return f"extra-weak-{self.mark}{number}", generated_pem("RS256", bits=WEAK_BITS)
        return self.ring_key(number, ALGORITHM_OF_KIND[kind])


def key_source(*, portal: str, portals: Sequence[str], seed: int, fresh_keys: bool) -> KeySource:
    """The source of one of several faces of portals; the seed deals the pool out to them."""
    mine = sorted(portals).index(portal)
    environment = portal.partition(".")[2]
    places = {}
    for algorithm, family in FAMILY_OF_ALGORITHM.items():
        dealt = list(range(len(_pool()[family])))
        Random(number_of(seed, family, "keys")).shuffle(dealt)  # noqa: S311 - test keys, chosen repeatably
        places[algorithm] = dealt[mine :: len(portals)]
    return KeySource(places=places, fresh_keys=fresh_keys, mark=f"{environment}-" if environment else "")


def parse_private_key(record: KeyRecord) -> "PrivateKey":
    """The key that signs; for a kind that has one."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(record.material.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def secret_bytes(record: KeyRecord) -> bytes:
    """The secret of a symmetric entry."""
    return base64.urlsafe_b64decode(record.material + "=" * (-len(record.material) % 4))


def public_half(record: KeyRecord, key: "PrivateKey | None") -> SigningKey:
    """What the portal publishes of a key; `key` is None for kinds without a private key."""
    if key is None:
        der, jwk = b"", _bare_jwk(record)
    else:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        jwk = _jwk(key)
    named: dict[str, Any] = {} if record.shown_kid == record.kid else {"kid": record.shown_kid}
    return SigningKey(
        kid=record.kid,
        algorithm=record.algorithm,
        spki_der=der,
        jwk=jwk,
        oddities={**_ENTRY_ALGORITHMS.get(record.kind, {}), **named},
    )


def generated_pem(algorithm: str, *, bits: int = 2048) -> str:
    """A new private key; `bits` is the size of an RSA key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key: PrivateKey = (
        rsa.generate_private_key(public_exponent=65537, key_size=bits)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def pool_public_keys() -> tuple[bytes, ...]:
    """SubjectPublicKeyInfo of every key of the pool, so that a token of another sandbox can be told."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    pems = [pem for family in FAMILY_OF_ALGORITHM.values() for pem in _pool()[family]]
    keys = [load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True) for pem in pems]
    form = PublicFormat.SubjectPublicKeyInfo
    return tuple(key.public_key().public_bytes(Encoding.DER, form) for key in keys)


@cache
def _pool() -> dict[str, list[str]]:
    text = (files("coinslot_sandbox") / "data" / "test-keys.json").read_text("ascii")
    pool: dict[str, list[str]] = json.loads(text)
    return pool


def _bare_jwk(record: KeyRecord) -> dict[str, Any]:
    if record.kind == "oct":
        return {"kty": "oct", "k": record.material}
    return {"kty": "AKP", "pub": record.material}


def _jwk(key: "PrivateKey") -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import rsa

    public = key.public_key()
    numbers: Any = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": _number(numbers.n, public.key_size // 8), "e": _number(numbers.e, 3)}
    return {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}


def _number(value: int, octets: int) -> str:
    return _b64(value.to_bytes(octets))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
