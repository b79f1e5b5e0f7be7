"""A portal's key without key ids, kept for a bounded time: what `key_source="cached"` chooses.

The portal's document says to fetch the key at every verification, because it may change at any time; that
makes each login wait for the portal, fail with it, and lets strangers drive requests to it. Here a signature
that does not fit is the sign that the key may have changed: then, and within a ration, it is fetched once
more. It must not judge a token, and an outage is never a forgery.
clauses   sandbox:no-kid, rfc8725:3.10
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.kept_keys import FETCH_EVERY_S, KeptKeys, Keys
from coinslot_verifier.key_source import PublishedKeys, Sender

REMEMBERED_MAX: Final = 1_024
REMEMBERED_FOR_S: Final = 3 * FETCH_EVERY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A token that did not fit these keys; until then, it is not asked about again."""

    keys: Keys
    until_s: float


class CachedKeys:
    """The key of one portal for all threads of a process to share; a `RefreshingKeySource`.

    What is promised, with key_max_age_s (300 s by default) and key_stale_s (0) from the configuration:
    - A key older than key_max_age_s is not used; where the portal cannot be asked, not beyond key_stale_s
      more. Until then a login does not need the portal; after that it is Undecided, never refused.
    - A key that the portal withdrew is believed for key_max_age_s at most (plus key_stale_s in an outage).
      That is the price of this choice: with "always", the document's word, it is believed no longer at all.
    - A signature that does not fit causes one fetch and one more try, never more. These fetches are rationed:
      `kept_keys.FETCHES_AT_ONCE` in a row and one more per FETCH_EVERY_S seconds, whatever strangers send.
      So a new key is seen at once, and within FETCH_EVERY_S while forged tokens keep coming.
    - A token that was refused under a newly fetched key is remembered, as a digest, for REMEMBERED_FOR_S: the
      same one causes no further fetch, unless the key has changed since.
    - One fetch at a time; an unusable answer replaces nothing; the address is the configuration's and
      redirects are not followed (`http_out` bounds time and size as well).

    monotonic   seconds that never go back
    """

    def __init__(
        self, config: VerifierConfig, *, sender: Sender, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        published = PublishedKeys(config, sender=sender)
        self._kept = KeptKeys(
            lambda: published.keys_for(None),
            max_age_s=config.key_max_age_s,
            stale_s=config.key_stale_s,
            monotonic=monotonic,
        )
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._refused: dict[bytes, _Refused] = {}

    def keys_for(self, kid: str | None) -> Keys:  # noqa: ARG002 - the portal gives its key no id
        """The kept key, fetched where there is none or it is too old.

        errors   KeySourceUnavailable
        """
        return self._kept.find(_any)

    def refreshed(self, tried: Keys, *, evidence: bytes) -> Keys | None:
        """Other keys than those under which a token's signature did not fit; None where there are none.

        tried      what `keys_for` returned
        evidence   a digest of the token; nothing else of it is kept
        errors     KeySourceUnavailable where nobody knows whether the key has changed
        """
        if self._is_remembered(evidence, tried):
            return None
        keys = self._kept.find(lambda kept: kept is not tried, always_costs=True)
        if keys is not tried:
            return keys
        self._remember(evidence, tried)
        return None

    def _is_remembered(self, evidence: bytes, tried: Keys) -> bool:
        with self._lock:
            known = self._refused.get(evidence)
            return known is not None and known.keys is tried and self._monotonic() < known.until_s

    def _remember(self, evidence: bytes, tried: Keys) -> None:
        with self._lock:
            self._refused.pop(evidence, None)  # so that what was refused last stands last
            self._refused[evidence] = _Refused(keys=tried, until_s=self._monotonic() + REMEMBERED_FOR_S)
            if len(self._refused) > REMEMBERED_MAX:
                self._refused.pop(next(iter(self._refused)))


def _any(keys: Keys) -> bool:  # noqa: ARG001 - the form of a condition
    return True
