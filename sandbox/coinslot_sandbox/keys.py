"""The key ring of each portal: which key signs, which are published, and how they rotate.

The seed shuffles the pool of published test keys; the first signs, the last is never published and signs only
hostile tokens. Nothing is generated at start unless `fresh_keys` asks for it.
"""

import json
import secrets
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any

from coinslot_contracts.portal import Portal, SigningKey

from coinslot_sandbox.ids import number_of
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.records import KeyRecord
from coinslot_sandbox.store.shop import Shop

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

FAMILY_OF_ALGORITHM = {"RS256": "rsa_2048", "ES256": "p_256"}


class RotationRefused(Exception):
    """The ring cannot rotate in this way; the text says why.

    clause  what stands behind it, None where it is only the order of things
    """

    def __init__(self, detail: str, *, clause: str | None = None) -> None:
        super().__init__(detail)
        self.clause = clause


class KeyRing:
    """The keys of one portal in one workspace; a change is written to the store before it is seen."""

    def __init__(
        self, *, portal: Portal, database: Database, shop: Shop, seed: int, fresh_keys: bool
    ) -> None:
        if portal.identity is None:
            raise ValueError(f"{portal.name} has no identity part, so no keys")
        self.portal = portal
        self.identity = portal.identity
        self._database = database
        self._shop = shop
        self._fresh_keys = fresh_keys
        self._order = _shuffled(FAMILY_OF_ALGORITHM[self.identity.algorithm], seed, portal.name)
        self._lock = threading.Lock()
        self._parsed: dict[str, PrivateKey] = {}
        self._signing: dict[str, SigningKey] = {}
        self._stranger: KeyRecord | None = None
        with database.read() as connection:
            self._records = shop.list_keys(connection, portal.name)
        if not self._records:
            self.restart()

    @property
    def records(self) -> list[KeyRecord]:
        """Every key that signs or ever signed, oldest first."""
        with self._lock:
            return list(self._records)

    @property
    def current(self) -> KeyRecord:
        """The key that signs now."""
        return next(record for record in self.records if record.signs)

    @property
    def retired(self) -> KeyRecord | None:
        """The key that signed before the last rotation."""
        return next((record for record in self.records if record.retired), None)

    @property
    def stranger(self) -> KeyRecord:
        """A key that the portal never publishes."""
        with self._lock:
            if self._stranger is None:
                self._stranger = self._make(-1)
            return self._stranger

    def published(self) -> tuple[SigningKey, ...]:
        """The public halves of what is published, the one that signs first."""
        shown = [record for record in self.records if record.published]
        shown.sort(key=lambda record: not record.signs)
        return tuple(self.public(record) for record in shown)

    def restart(self) -> None:
        """The ring as at first start: one key."""
        first = self._make(0)
        self._save([first])

    def rotate(self, how: str) -> None:
        """Rotate by one of `vocabulary.KEY_ROTATIONS`.

        errors  RotationRefused: `overlap` where tokens name no key, `back` where nothing was rotated
        """
        records = self.records
        now = next(record for record in records if record.signs)
        if how == "back":
            self._back(records, now)
            return
        if how == "overlap" and "kid" not in self.identity.header("any"):
            raise RotationRefused(
                f"a token of {self.portal.title} names no key, so two published keys cannot be told apart",
                clause=self.identity.clause,
            )
        kept = [replace(record, retired=False) for record in records if record.kid != now.kid]
        old = replace(now, signs=False, published=how == "overlap", retired=True)
        self._save([*kept, old, self._make(max(record.number for record in records) + 1)])

    def private_key(self, record: KeyRecord) -> "PrivateKey":
        """The key itself, parsed once."""
        known = self._parsed.get(record.kid)
        if known is None:
            known = self._parsed[record.kid] = _parse(record.private_pem)
        return known

    def public(self, record: KeyRecord) -> SigningKey:
        """The public half, made once."""
        known = self._signing.get(record.kid)
        if known is None:
            known = self._signing[record.kid] = _public(record, self.private_key(record))
        return known

    def _back(self, records: list[KeyRecord], now: KeyRecord) -> None:
        before = next((record for record in records if record.retired), None)
        if before is None:
            raise RotationRefused("the keys were not rotated yet, so there is no previous one")
        turned = []
        for record in records:
            if record.kid == before.kid:
                turned.append(replace(record, signs=True, published=True, retired=False))
            elif record.kid == now.kid:
                turned.append(replace(record, signs=False, published=False, retired=True))
            else:
                turned.append(record)
        self._save(turned)

    def _save(self, records: Iterable[KeyRecord]) -> None:
        ring = sorted(records, key=lambda record: record.number)
        with self._database.write() as connection:
            self._shop.replace_keys(connection, self.portal.name, ring)
        with self._lock:
            self._records = ring

    def _make(self, number: int) -> KeyRecord:
        """The n-th key of the ring: from the pool while it lasts, else a new one; -1 is the stranger."""
        pool = self._order
        if self._fresh_keys or number >= len(pool) - 1:
            kid, pem = f"fresh-{secrets.token_hex(4)}", _generate(self.identity.algorithm)
        else:
            place = pool[number]
            kid, pem = _kid(self.identity.algorithm, place), _pool()[_family(self.identity.algorithm)][place]
        signs = number >= 0
        return KeyRecord(
            kid=kid,
            number=number,
            algorithm=self.identity.algorithm,
            private_pem=pem,
            signs=signs,
            published=signs,
            retired=False,
        )


def _family(algorithm: str) -> str:
    return FAMILY_OF_ALGORITHM[algorithm]


def _kid(algorithm: str, place: int) -> str:
    return f"test-{_family(algorithm).partition('_')[0]}-{place:02d}"


@cache
def _pool() -> dict[str, list[str]]:
    text = (files("coinslot_sandbox") / "data" / "test-keys.json").read_text("ascii")
    pool: dict[str, list[str]] = json.loads(text)
    return pool


def _shuffled(family: str, seed: int, portal: str) -> list[int]:
    places = list(range(len(_pool()[family])))
    Random(number_of(seed, portal, "keys")).shuffle(places)  # noqa: S311 - test keys, chosen repeatably
    return places


def _parse(pem: str) -> "PrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def _generate(algorithm: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key: PrivateKey = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(record: KeyRecord, key: "PrivateKey") -> SigningKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(kid=record.kid, algorithm=record.algorithm, spki_der=der, jwk=_jwk(key))


def _jwk(key: "PrivateKey") -> dict[str, Any]:
    import base64

    from cryptography.hazmat.primitives.asymmetric import rsa

    def number(value: int, octets: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes(octets)).rstrip(b"=").decode()

    public = key.public_key()
    numbers: Any = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": number(numbers.n, public.key_size // 8), "e": number(numbers.e, 3)}
    return {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}
