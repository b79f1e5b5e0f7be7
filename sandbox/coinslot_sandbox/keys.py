"""The key ring of each portal: which key signs, which are published, and how they rotate.

The seed shuffles the pool of published test keys; the first signs, the last is never published and signs only
hostile tokens. Nothing is generated at start unless `fresh_keys` asks for it.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coinslot_contracts.dialects import Speak, plainly
from coinslot_contracts.portal import Portal, SigningKey

from coinslot_sandbox import rotation
from coinslot_sandbox.clock import Now
from coinslot_sandbox.dialects import Dialects
from coinslot_sandbox.key_material import (
    ALGORITHM_OF_KIND,
    UNREADABLE,
    WITHOUT_PRIVATE_KEY,
    KeySource,
    key_source,
    parse_private_key,
    public_half,
)
from coinslot_sandbox.rotation import Records, RotationRefused
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.records import KeyRecord
from coinslot_sandbox.store.shop import Shop

if TYPE_CHECKING:
    from coinslot_sandbox.key_material import PrivateKey

__all__ = ["KeyRing", "RotationRefused", "build_rings"]


class KeyRing:
    """The keys of one environment of a portal in one workspace; a change is written before it is seen."""

    def __init__(
        self,
        *,
        portal: Portal,
        source: KeySource,
        database: Database,
        shop: Shop,
        clock: Now,
        speak: Speak = plainly,
        environment: str | None = None,
    ) -> None:
        part = portal.identity or portal.purchases
        if part is None:
            raise ValueError(f"{portal.name} signs nothing, so it has no keys")
        self.portal = portal
        self._algorithm = part.algorithm
        self._manner = part.manner
        self._speak = speak
        self.environment = environment or portal.environments[0]
        self._header = part.header
        self._clause = part.clause
        self._source = source
        self._database = database
        self._shop = shop
        self._clock = clock
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._parsed: dict[str, PrivateKey] = {}
        self._public: dict[tuple[str, str | None], SigningKey] = {}
        self._strangers: dict[str, KeyRecord] = {}
        self._upcoming: KeyRecord | None = None
        self._records: Records = []
        self.refresh()
        if not self._records:
            self.restart()

    @property
    def algorithm(self) -> str:
        """What new keys of the ring are for."""
        return self._manner.algorithm(self._speak) or self._algorithm

    @property
    def names_keys(self) -> bool:
        """Whether the portal's tokens say which key signed them, so that several can be published."""
        return "kid" in self._header("any")

    @property
    def records(self) -> Records:
        """Every key that signs, ever signed, or was put beside those; oldest first."""
        with self._lock:
            return rotation.settled(self._records, now_s=self._clock.now_s(), names_keys=self.names_keys)

    @property
    def current(self) -> KeyRecord:
        """The key that signs now."""
        return rotation.signing(self.records)

    @property
    def retired(self) -> KeyRecord | None:
        """The key that signed before the last rotation."""
        return next((record for record in self.records if record.retired), None)

    @property
    def stranger(self) -> KeyRecord:
        """A key that the portal never publishes."""
        with self._lock:
            algorithm = self.algorithm
            if algorithm not in self._strangers:
                self._strangers[algorithm] = self._make(-1)
            return self._strangers[algorithm]

    @property
    def upcoming(self) -> KeyRecord:
        """A key that signed nothing yet; from the shipped pool, the one that the next rotation takes."""
        number = _next_number(self.records)
        with self._lock:
            if self._upcoming is None or self._upcoming.number != number:
                self._upcoming = self._make(number)
            return self._upcoming

    def find(self, kid: str) -> KeyRecord | None:
        """The key with this id."""
        return next((record for record in self.records if record.kid == kid), None)

    def published(self) -> tuple[SigningKey, ...]:
        """The public halves of what is published, the one that signs first."""
        shown = [record for record in self.records if record.published]
        shown.sort(key=lambda record: not record.signs)
        return tuple(self.public(record) for record in shown)

    def readable(self) -> Records:
        """What a correct reader finds in what is published now: keys that verify signatures."""
        shown = [record for record in self.records if record.published and record.kind not in UNREADABLE]
        if self.names_keys:
            return shown
        return sorted(shown, key=lambda record: not record.signs)[:1]

    def token_header(self, record: KeyRecord) -> dict[str, Any]:
        """The JOSE header of a good token under this key, in the chosen manner of speaking."""
        header = {**self._header(record.kid), "alg": record.algorithm}
        if "kid" in header:
            named = {**header, "kid": record.shown_kid}
            header = {name: value for name, value in named.items() if value is not None}
        return self._manner.header(header, record.shown_kid, self._speak)

    def refresh(self) -> None:
        """Read the ring anew, after somebody else has written it."""
        with self._changing:
            with self._database.read() as connection:
                records = self._shop.list_keys(connection, self.portal.name, self.environment)
            with self._lock:
                self._records = records

    def restart(self) -> None:
        """The ring as at first start: one key, nothing beside it."""
        with self._changing:
            self._save([replace(self._make(0), signs=True, published=True)])

    def rotate(self, how: str, *, publish_after_s: float | None = None) -> None:
        """Rotate by one of `vocabulary.KEY_ROTATIONS`.

        publish_after_s  for `late`; None leaves the new key unpublished until `publish`
        errors           RotationRefused
        """
        with self._changing:
            records = self.records
            if how == "back":
                self._save(rotation.turned_back(records))
            elif how == "publish":
                self._save(rotation.published_now(records, names_keys=self.names_keys))
            elif how == "late":
                at_s = None if publish_after_s is None else self._clock.now_s() + publish_after_s
                self._save(rotation.late(records, self._next(records), publish_at_s=at_s))
            elif how == "overlap":
                self._check_names_keys("so two published keys cannot be told apart")
                self._save(rotation.overlapped(records, self._next(records)))
            else:
                self._save(rotation.replaced(records, self._next(records)))

    def follow_dialects(self) -> None:
        """Let a key of the chosen algorithm sign; what is published stays published beside it."""
        with self._changing:
            records = self.records
            if rotation.signing(records).algorithm == self.algorithm:
                return
            fitting = [
                record
                for record in records
                if record.algorithm == self.algorithm and record.published and not record.is_extra
            ]
            if fitting:
                self._save(rotation.with_signing(records, fitting[-1].kid, True))
            else:
                self._save(rotation.overlapped(records, self._next(records)))

    def change(self, kid: str, *, published: bool | None, signs: bool | None) -> None:
        """Publish or withdraw a key of this ring, or let it sign; None leaves either as it is.

        errors  RotationRefused
        """
        with self._changing:
            records = self.records
            if signs is not None:
                records = rotation.with_signing(records, kid, signs)
            if published is not None:
                records = rotation.with_published(
                    records, kid, published, names_keys=self.names_keys, clause=self._clause
                )
            self._save(records)

    def add_extra(self, kind: str) -> KeyRecord:
        """Put an entry of `vocabulary.KEY_ENTRIES` into what is published.

        errors  RotationRefused where the portal publishes one key
        """
        with self._changing:
            self._check_names_keys("so it publishes one key and nothing beside it")
            records = self.records
            number = _next_number(records)
            kid, material = self._source.extra_key(number, kind)
            shown = {"no-kid": None, "duplicate-kid": rotation.signing(records).shown_kid}
            extra = KeyRecord(
                kid=kid,
                shown_kid=shown.get(kind, kid),
                number=number,
                kind=kind,
                algorithm=ALGORITHM_OF_KIND[kind],
                material=material,
                signs=False,
                published=True,
                retired=False,
                is_extra=True,
            )
            self._save([*records, extra])
            return extra

    def private_key(self, record: KeyRecord) -> "PrivateKey":
        """The key itself, parsed once."""
        known = self._parsed.get(record.material)
        if known is None:
            known = self._parsed[record.material] = parse_private_key(record)
        return known

    def public(self, record: KeyRecord) -> SigningKey:
        """The public half, made once."""
        known = self._public.get((record.material, record.shown_kid))
        if known is None:
            private = None if record.kind in WITHOUT_PRIVATE_KEY else self.private_key(record)
            known = self._public[record.material, record.shown_kid] = public_half(record, private)
        return known

    def _check_names_keys(self, consequence: str) -> None:
        if not self.names_keys:
            raise RotationRefused(
                f"a token of {self.portal.title} names no key, {consequence}",
                remedy="rotate: replace changes the key, rotate: back takes it back",
                clause=self._clause,
            )

    def _next(self, records: Records) -> KeyRecord:
        return self._make(_next_number(records))

    def _make(self, number: int) -> KeyRecord:
        """The n-th key of the ring; -1 is the stranger."""
        kid, material = self._source.ring_key(number, self.algorithm)
        return rotation.ring_record(kid=kid, number=number, algorithm=self.algorithm, material=material)

    def _save(self, records: Iterable[KeyRecord]) -> None:
        ring = sorted(records, key=lambda record: record.number)
        with self._database.write() as connection:
            self._shop.replace_keys(connection, self.portal.name, self.environment, ring)
        with self._lock:
            self._records = ring


def build_rings(
    *,
    portals: Mapping[str, Portal],
    database: Database,
    shop: Shop,
    clock: Now,
    seed: int,
    fresh_keys: bool,
    dialects: Dialects,
) -> dict[str, KeyRing]:
    """Face -> its ring, for every environment of every portal that signs something."""
    signers = {
        portal.face(environment): (portal, environment)
        for portal in portals.values()
        if portal.identity or portal.purchases
        for environment in portal.environments
    }
    return {
        face: KeyRing(
            portal=portal,
            environment=environment,
            source=key_source(portal=face, portals=list(signers), seed=seed, fresh_keys=fresh_keys),
            database=database,
            shop=shop,
            clock=clock,
            speak=dialects.speaker(portal.name),
        )
        for face, (portal, environment) in signers.items()
    }


def _next_number(records: Records) -> int:
    return max(record.number for record in records) + 1
