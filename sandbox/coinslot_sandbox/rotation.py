"""How a ring of keys turns, as pure functions from records to records; knows neither store nor clock.

Where a portal's tokens name their key, several can be published at once; where they name none, exactly one
is, and publishing another takes its place. Entries that were put beside the ring take no part in rotations.
clause   sandbox:jwks-members
"""

from collections.abc import Sequence
from dataclasses import replace

from coinslot_sandbox.errors import CallRefused
from coinslot_sandbox.key_material import KIND_OF_ALGORITHM
from coinslot_sandbox.store.records import KeyRecord

Records = list[KeyRecord]


class RotationRefused(CallRefused):
    """The ring cannot turn in this way."""

    def __init__(self, detail: str, *, remedy: str, clause: str | None = None) -> None:
        super().__init__("rotation-not-possible", detail, remedy, clause=clause)


def signing(records: Sequence[KeyRecord]) -> KeyRecord:
    """The key that signs."""
    return next(record for record in records if record.signs)


def settled(records: Sequence[KeyRecord], *, now_s: float, names_keys: bool) -> Records:
    """The ring as it is at this time: keys whose publication was due are published."""
    kept = list(records)
    for record in records:
        if record.publish_at_s is not None and record.publish_at_s <= now_s:
            kept = _published(kept, record.kid, names_keys=names_keys)
    return kept


def replaced(records: Sequence[KeyRecord], new: KeyRecord) -> Records:
    """A new key signs and is published; every earlier one is gone."""
    gone = [
        record if record.is_extra else replace(record, published=False, publish_at_s=None)
        for record in records
    ]
    return _signing_next(gone, replace(new, published=True))


def overlapped(records: Sequence[KeyRecord], new: KeyRecord) -> Records:
    """A new key signs; what is published stays published beside it."""
    return _signing_next(records, replace(new, published=True))


def late(records: Sequence[KeyRecord], new: KeyRecord, *, publish_at_s: float | None) -> Records:
    """A new key signs; it is published at a time, or on demand where that is None."""
    return _signing_next(records, replace(new, published=False, publish_at_s=publish_at_s))


def published_now(records: Sequence[KeyRecord], *, names_keys: bool) -> Records:
    """The signing key is published; RotationRefused where it was already."""
    now = signing(records)
    if now.published:
        raise RotationRefused(
            "the key that signs is published already", remedy="rotate: late makes one that is not"
        )
    return _published(list(records), now.kid, names_keys=names_keys)


def turned_back(records: Sequence[KeyRecord]) -> Records:
    """The previous key signs and is published, the newer one is gone; RotationRefused where there is none."""
    now = signing(records)
    before = next((record for record in records if record.retired), None)
    if before is None:
        raise RotationRefused(
            "the keys were not rotated yet, so there is no previous one", remedy="rotate: replace first"
        )
    turned = []
    for record in records:
        if record.kid == before.kid:
            turned.append(replace(record, signs=True, published=True, publish_at_s=None, retired=False))
        elif record.kid == now.kid:
            turned.append(replace(record, signs=False, published=False, publish_at_s=None, retired=True))
        else:
            turned.append(record)
    return turned


def with_published(
    records: Sequence[KeyRecord], kid: str, published: bool, *, names_keys: bool, clause: str | None
) -> Records:
    """One key is published, or is not.

    errors  RotationRefused where a portal that publishes one key would publish none
    """
    if published:
        return _published(list(records), kid, names_keys=names_keys)
    if not names_keys and all(record.kid == kid for record in records if record.published):
        raise RotationRefused(
            "this portal publishes exactly one key, and this is the one",
            remedy="publish another one instead",
            clause=clause,
        )
    return [
        replace(record, published=False, publish_at_s=None) if record.kid == kid else record
        for record in records
    ]


def with_signing(records: Sequence[KeyRecord], kid: str, signs: bool) -> Records:
    """Another key signs; what is published does not change.

    errors  RotationRefused where no key would sign, or where the key cannot
    """
    now = signing(records)
    chosen = next(record for record in records if record.kid == kid)
    if signs is chosen.signs:
        return list(records)
    if not signs:
        raise RotationRefused("some key must sign", remedy="say signs: true of another key")
    if chosen.kind == "unknown-kty":
        raise RotationRefused(
            "nothing here can sign with a key of an unknown kind", remedy="take a key of another kind"
        )
    return [
        replace(record, signs=record.kid == kid, retired=record.kid == now.kid and record.kid != kid)
        for record in records
    ]


def ring_record(*, kid: str, number: int, algorithm: str, material: str) -> KeyRecord:
    """A new key of the ring, which neither signs nor is published yet."""
    return KeyRecord(
        kid=kid,
        shown_kid=kid,
        number=number,
        kind=KIND_OF_ALGORITHM[algorithm],
        algorithm=algorithm,
        material=material,
        signs=False,
        published=False,
        retired=False,
    )


def _signing_next(records: Sequence[KeyRecord], new: KeyRecord) -> Records:
    now = signing(records)
    kept = [replace(record, signs=False, retired=record.kid == now.kid) for record in records]
    return [*kept, replace(new, signs=True)]


def _published(records: Records, kid: str, *, names_keys: bool) -> Records:
    return [
        replace(record, published=True, publish_at_s=None)
        if record.kid == kid
        else (record if names_keys else replace(record, published=False))
        for record in records
    ]
