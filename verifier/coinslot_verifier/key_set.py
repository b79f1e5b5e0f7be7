"""A portal's key set, fetched once and kept for a bounded time; a key is found by its id.

A key id that the kept set lacks causes one new fetch, and so does a signature that does not fit, because a
key may be replaced under its id or have none; so a rotated key is normally seen at once. A bucket of a few
such fetches keeps forged tokens from becoming a flood towards the portal. It must not judge a token, and an
outage is never a forgery: whatever goes wrong with a fetch is KeySourceUnavailable.
clauses   rfc7515:4.1.4, rfc7517:5, rfc8725:3.10
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from coinslot_contracts.errors import KeySourceUnavailable, KidUnknown, Refused
from coinslot_contracts.portal import PurchasePart

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.kept_keys import KeptKeys, Keys
from coinslot_verifier.key_doubts import Doubts
from coinslot_verifier.key_forms import VerificationKey, read_key
from coinslot_verifier.key_source import Sender


class CachedKeySet:
    """The key set of one portal, for all threads of a process to share; a `RefreshingKeySource`.

    What is promised, with key_max_age_s (300 s by default) and key_stale_s (0) from the configuration:
    - Keys older than key_max_age_s are not used; where the portal is down, not beyond key_stale_s more.
    - At most one fetch runs at a time; whoever needs it waits for that one.
    - An answer that is no usable key set (an outage's page, an empty set) replaces nothing.
    - An id that the kept set lacks causes one fetch; so does a signature that does not fit, and one more try
      where the keys have changed.
    - These fetches are limited to `kept_keys.FETCHES_AT_ONCE` in a row and one more per FETCH_EVERY_S
      seconds, and so, by themselves, are those that are due by age and fail, so that forged tokens cannot
      keep a set from being renewed. A fetch that found the id, or was due by age and succeeded, costs
      nothing. So a new key is seen at once, under a new id or not; forged tokens cannot cause a flood, and
      delay a new key by at most FETCH_EVERY_S while they last; tokens under kept keys are never delayed.
    - A token that was refused under a set fetched on its account is remembered, as a digest, for
      `key_doubts.REMEMBERED_FOR_S`: the same one causes no further fetch, unless its keys have changed since.
      One that came when the ration was used up is not: a genuine one is accepted when it is tried again.

    monotonic   seconds that never go back
    """

    def __init__(
        self, config: VerifierConfig, *, sender: Sender, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._part = config.purchase_part()
        self._url = config.endpoint_url(self._part.key_endpoint)
        self._attempts_max = config.attempts_max
        self._sender = sender
        self._kept = KeptKeys(
            self._fetch, max_age_s=config.key_max_age_s, stale_s=config.key_stale_s, monotonic=monotonic
        )
        self._doubts = Doubts(self._kept, monotonic=monotonic)

    def keys_for(self, kid: str | None) -> Keys:
        """The keys that may have signed a token that names this key id; at least one.

        kid      None where the token names none: then every usable key of the set
        errors   KeySourceUnavailable; KidUnknown where the set, seen after the question or within the last
                 FETCH_EVERY_S seconds, has no such key
        """
        return get_keys(self._kept.find(lambda keys: find_keys(keys, kid)), kid)

    def refreshed(self, tried: Keys, *, evidence: bytes, kid: str | None = None) -> Keys | None:
        """Other keys than those under which a token's signature did not fit; None where there are none.

        tried      what `keys_for` returned for this kid
        evidence   a digest of the token; nothing else of it is kept
        errors     KeySourceUnavailable where nobody knows whether the set has changed; KidUnknown where it
                   has, and lost the key
        """
        others = self._doubts.find_others(tried, evidence=evidence, choose=lambda keys: find_keys(keys, kid))
        return None if others is None else _some(others)

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
    return _some(find_keys(keys, kid))


def _some(found: Keys) -> Keys:
    if not found:
        raise KidUnknown("the portal's key set has no key of the token's kid")
    return found
