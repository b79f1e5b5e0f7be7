"""A portal's key without key ids, kept for a bounded time: what `key_source="cached"` chooses.

The portal's document says to fetch the key at every verification, because it may change at any time; that
makes each login wait for the portal, fail with it, and lets strangers drive requests to it. Here a signature
that does not fit is the sign that the key may have changed: then, and within a ration, it is fetched once
more. It must not judge a token, and an outage is never a forgery.
clauses   sandbox:no-kid, rfc8725:3.10
"""

import time
from collections.abc import Callable

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.kept_keys import KeptKeys, Keys
from coinslot_verifier.key_doubts import Doubts
from coinslot_verifier.key_source import PublishedKeys, Sender


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
    - A token that was refused under a key fetched on its account is remembered, as a digest, for
      `key_doubts.REMEMBERED_FOR_S`: the same one causes no further fetch, unless the key has changed since.
      One that came when the ration was used up is not: a genuine one is accepted when it is tried again.
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
        self._doubts = Doubts(self._kept, monotonic=monotonic)

    def keys_for(self, kid: str | None) -> Keys:  # noqa: ARG002 - the portal gives its key no id
        """The kept key, fetched where there is none or it is too old.

        errors   KeySourceUnavailable
        """
        return self._kept.find(_any)

    def refreshed(
        self,
        tried: Keys,
        *,
        evidence: bytes,
        kid: str | None = None,  # noqa: ARG002 - the portal gives its key no id
    ) -> Keys | None:
        """Other keys than those under which a token's signature did not fit; None where there are none.

        tried      what `keys_for` returned
        evidence   a digest of the token; nothing else of it is kept
        kid        of no meaning here
        errors     KeySourceUnavailable where nobody knows whether the key has changed
        """
        return self._doubts.find_others(tried, evidence=evidence, choose=_all)


def _any(keys: Keys) -> bool:  # noqa: ARG001 - the form of a condition
    return True


def _all(keys: Keys) -> Keys:
    return keys
