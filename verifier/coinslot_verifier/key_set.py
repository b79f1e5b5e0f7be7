"""A portal's key set, fetched once and kept for a bounded time; a key is found by its id.

A key id that the kept set lacks causes one new fetch, so that a rotated key is normally seen at once; a
bucket of a few such fetches keeps forged ids from becoming a flood towards the portal. It must not judge a
token, and an outage is never a forgery: whatever goes wrong with a fetch is KeySourceUnavailable.
clauses   rfc7515:4.1.4, rfc7517:5
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from coinslot_contracts.errors import KeySourceUnavailable, KidUnknown, Refused
from coinslot_contracts.portal import PurchasePart

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.key_forms import VerificationKey, read_key
from coinslot_verifier.key_source import Sender

FETCHES_AT_ONCE: Final = 5
FETCH_EVERY_S: Final = 10.0

Keys = tuple[VerificationKey, ...]


class CachedKeySet:
    """The key set of one portal, for all threads of a process to share.

    What is promised, with max_age_s from the configuration (300 s by default):
    - Keys older than max_age_s are never used, also where the portal is down.
    - At most one fetch runs at a time; whoever needs it waits for that one.
    - An answer that is no usable key set (an outage's page, an empty set) replaces nothing.
    - Fetches that were of no use, because they failed or the id was still unknown, are limited to
      FETCHES_AT_ONCE in a row and one more per FETCH_EVERY_S seconds. A fetch that found the key, or was due
      by age and succeeded, costs nothing. So forged ids cannot cause a flood, and delay a rotated key by at
      most FETCH_EVERY_S while they last; tokens under kept keys are never delayed.

    monotonic   seconds that never go back
    """

    def __init__(
        self, config: VerifierConfig, *, sender: Sender, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._part = config.purchase_part()
        self._url = config.endpoint_url(self._part.key_endpoint)
        self._max_age_s = config.key_max_age_s
        self._attempts_max = config.attempts_max
        self._sender = sender
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._bucket = _Bucket(filled_at_s=monotonic())
        self._held: _Held | None = None
        self._flight: _Flight | None = None

    def keys_for(self, kid: str | None) -> Keys:
        """The keys that may have signed a token that names this key id; at least one.

        kid      None where the token names none: then every usable key of the set
        errors   KeySourceUnavailable; KidUnknown where the set, seen after the question or within the last
                 FETCH_EVERY_S seconds, has no such key
        """
        with self._lock:
            held = self._fresh()
            found = find_keys(held.keys, kid) if held else ()
            if found:
                return found
            flight = self._flight
            leads = flight is None
            if flight is None:
                self._take_place(held)
                flight = self._flight = _Flight()
        if leads:
            self._fly(flight, kid, was_due=held is None)
        flight.done.wait()
        if flight.keys is None:
            raise KeySourceUnavailable(flight.problem)
        return get_keys(flight.keys, kid)

    def _fresh(self) -> "_Held | None":
        held = self._held
        return held if held and self._monotonic() - held.asked_at_s < self._max_age_s else None

    def _take_place(self, held: "_Held | None") -> None:
        """Room for one more fetch, or the error that says what we know without it."""
        now_s = self._monotonic()
        if self._bucket.take(now_s):
            return
        if held is not None and now_s - held.asked_at_s < FETCH_EVERY_S:
            raise KidUnknown("the portal's key set, fetched a moment ago, has no key of this id")
        raise KeySourceUnavailable("the key set was asked for too often in vain; try again later")

    def _fly(self, flight: "_Flight", kid: str | None, *, was_due: bool) -> None:
        asked_at_s = self._monotonic()
        try:
            flight.keys = self._fetch()
        except KeySourceUnavailable as error:
            flight.problem = error.detail
        finally:
            with self._lock:
                self._flight = None
                if flight.keys is not None:
                    self._held = _Held(keys=flight.keys, asked_at_s=asked_at_s)
                    if was_due or find_keys(flight.keys, kid):
                        self._bucket.give_back()
            flight.done.set()

    def _fetch(self) -> Keys:
        reply = self._sender.get(self._url, attempts_max=self._attempts_max)
        if reply.status != 200:
            raise KeySourceUnavailable(f"the key endpoint answered HTTP {reply.status}")
        return read_key_set(reply.body, self._part)


class StaticKeySet:
    """A key set that somebody handed us; for tools and tests: a backend must ask the portal.

    keys   from `read_key_set`; at least one
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def keys_for(self, kid: str | None) -> Keys:
        """As `CachedKeySet.keys_for`; raises KidUnknown alone."""
        return get_keys(self._keys, kid)


def read_key_set(body: bytes, part: PurchasePart) -> Keys:
    """The usable keys in the body of a portal's key endpoint; at least one.

    Entries that are no usable key are passed over: a portal may publish others for purposes of its own.
    errors   KeySourceUnavailable where the body is no key set, or no entry of it is usable
    clause   rfc7517:5
    """
    try:
        published = part.parse_keys(body)
    except Refused as error:
        raise KeySourceUnavailable(error.detail) from None
    keys = []
    for entry in published:
        with suppress(KeySourceUnavailable):
            keys.append(read_key(entry))
    if not keys:
        raise KeySourceUnavailable("the key set holds no usable key")
    return tuple(keys)


def find_keys(keys: Sequence[VerificationKey], kid: str | None) -> Keys:
    """The keys of this id, several where the portal gave it twice; every key where no id is asked for."""
    return tuple(key for key in keys if kid is None or key.kid == kid)


def get_keys(keys: Sequence[VerificationKey], kid: str | None) -> Keys:
    """As `find_keys`, at least one; KidUnknown where there is none."""
    found = find_keys(keys, kid)
    if not found:
        raise KidUnknown("the portal's key set has no key of the token's kid")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A fetched set; its age counts from the question, since the answer may be as old as that."""

    keys: Keys
    asked_at_s: float


@dataclass(slots=True, kw_only=True)
class _Flight:
    """One running fetch, for those who wait for it; keys stays None where it brought none."""

    done: threading.Event = field(default_factory=threading.Event)
    keys: Keys | None = None
    problem: str = "the key set could not be fetched"


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """Places for fetches that may turn out useless; always used under the set's lock."""

    filled_at_s: float
    places: float = float(FETCHES_AT_ONCE)

    def take(self, now_s: float) -> bool:
        """Take a place; False where none is left."""
        gained = (now_s - self.filled_at_s) / FETCH_EVERY_S
        self.places = min(self.places + gained, float(FETCHES_AT_ONCE))
        self.filled_at_s = now_s
        if self.places < 1.0:
            return False
        self.places -= 1.0
        return True

    def give_back(self) -> None:
        """The fetch was of use."""
        self.places = min(self.places + 1.0, float(FETCHES_AT_ONCE))
