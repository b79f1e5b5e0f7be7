"""Kept keys that a signature does not fit: asked about anew, and what was refused under them remembered.

The same for every cache of keys, by whatever it finds a key. It must not judge a token nor read one: what it
keeps of a token is a digest, for a bounded time and in a bounded number.
clauses   rfc8725:3.10
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from coinslot_verifier.kept_keys import FETCH_EVERY_S, KeptKeys, Keys

REMEMBERED_MAX: Final = 1_024
REMEMBERED_FOR_S: Final = 3 * FETCH_EVERY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A token that did not fit these keys; until then, it is not asked about again."""

    keys: Keys
    until_s: float


class Doubts:
    """The doubts about the kept keys of one portal, for all threads of a process to share.

    kept        the keys in doubt
    monotonic   seconds that never go back
    """

    def __init__(self, kept: KeptKeys, *, monotonic: Callable[[], float]) -> None:
        self._kept = kept
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._refused: dict[bytes, _Refused] = {}

    def find_others(self, tried: Keys, *, evidence: bytes, choose: Callable[[Keys], Keys]) -> Keys | None:
        """What is chosen of the portal's keys now; None where it is what was tried.

        A token that was refused under keys that the portal was asked for on its account is remembered for
        REMEMBERED_FOR_S: the same one causes no further fetch, unless the keys have changed since. Where the
        ration is used up, or somebody else's question was under way, the key that it was signed with may be
        younger than what is known; then it is refused for now and asked about as soon as there is a place.
        tried      the keys, chosen in the same way, that the token's signature did not fit
        evidence   a digest of the token
        choose     those of all kept keys that the token may be signed with; none where the id that it names
                   has gone
        errors     KeySourceUnavailable where nobody knows whether the keys have changed
        """
        if self._is_remembered(evidence, tried):
            return None
        found = self._kept.look_again(lambda kept: choose(kept) != tried)
        chosen = choose(found.keys)
        if chosen != tried:
            return chosen
        if found.is_answer:
            self._remember(evidence, tried)
        return None

    def _is_remembered(self, evidence: bytes, tried: Keys) -> bool:
        with self._lock:
            known = self._refused.get(evidence)
            return known is not None and known.keys == tried and self._monotonic() < known.until_s

    def _remember(self, evidence: bytes, tried: Keys) -> None:
        with self._lock:
            self._refused.pop(evidence, None)  # so that what was refused last stands last
            self._refused[evidence] = _Refused(keys=tried, until_s=self._monotonic() + REMEMBERED_FOR_S)
            if len(self._refused) > REMEMBERED_MAX:
                self._refused.pop(next(iter(self._refused)))
