"""Fetched keys, kept for a bounded time by whoever needs them: what every cache of keys here stands on.

One fetch at a time, fetches in vain rationed, an unusable answer replaces nothing. It must not
know a token, a key id or HTTP: what is fetched and when the kept keys do not do is the caller's business.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from coinslot_contracts.errors import KeySourceUnavailable

from coinslot_verifier.key_forms import VerificationKey

FETCHES_AT_ONCE: Final = 5
FETCH_EVERY_S: Final = 10.0

Keys = tuple[VerificationKey, ...]


class Found(NamedTuple):
    """What a second look brought.

    is_answer   whether the portal was asked after the look began, and these are its answer
    """

    keys: Keys
    is_answer: bool


class KeptKeys:
    """The keys of one portal, for all threads of a process to share.

    fetch        asks the portal; raises KeySourceUnavailable
    max_age_s    how long fetched keys may be used, counted from the question
    stale_s      how much longer while the portal cannot be asked; 0 = not at all
    monotonic    seconds that never go back
    """

    def __init__(
        self,
        fetch: Callable[[], Keys],
        *,
        max_age_s: float,
        stale_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._max_age_s = max_age_s
        self._stale_s = stale_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due = Bucket(filled_at_s=monotonic())
        self._doubts = Bucket(filled_at_s=monotonic())
        self._held: _Held | None = None
        self._flight: _Flight | None = None

    def find(self, do_they: Callable[[Keys], object]) -> Keys:
        """The kept keys where they are fresh and do, else newly fetched ones, whether or not these do.

        Fetches that are due by age and fetches in doubt are rationed apart, so that no stranger who causes
        doubts can keep the keys from being renewed. Where the ration of doubts is used up, keys that were
        asked for within the last FETCH_EVERY_S seconds stand for new ones. Where the portal cannot be asked,
        stale ones that do are returned.
        do_they   whether keys are what the caller needs; equal keys stay the same object
        errors    KeySourceUnavailable
        """
        with self._lock:
            held = self._fresh()
            if held and do_they(held.keys):
                return held.keys  # what nearly every verification does, and no more than that
        return self._look(do_they).keys

    def look_again(self, do_they: Callable[[Keys], object]) -> Found:
        """As `find`, where a stranger can cause the doubt and the answer alike: a fetch in doubt always costs
        its place, even where its keys do.
        """
        return self._look(do_they, always_costs=True)

    def _look(self, do_they: Callable[[Keys], object], *, always_costs: bool = False) -> Found:
        with self._lock:
            held = self._fresh()
            if held and do_they(held.keys):
                return Found(held.keys, is_answer=False)
            flight = self._flight
            leads = flight is None
            if flight is None:
                bucket = self._doubts if held else self._due
                if not bucket.take(self._monotonic()):
                    return Found(self._without_asking(do_they), is_answer=False)
                flight = self._flight = _Flight()
        if leads:
            self._fly(flight)
            self._settle(flight, held, None if always_costs else do_they)
        flight.done.wait()
        if flight.keys is not None:
            return Found(flight.keys, is_answer=leads)
        with self._lock:
            return Found(self._stale(do_they, flight.problem), is_answer=False)

    def _fresh(self) -> "_Held | None":
        return self._held if self._held and self._age_s(self._held) < self._max_age_s else None

    def _age_s(self, held: "_Held") -> float:
        return self._monotonic() - held.asked_at_s

    def _without_asking(self, do_they: Callable[[Keys], object]) -> Keys:
        held = self._fresh()
        if held and self._age_s(held) < FETCH_EVERY_S:
            return held.keys
        return self._stale(do_they, "the keys were asked for too often in vain; try again later")

    def _stale(self, do_they: Callable[[Keys], object], problem: str) -> Keys:
        """Keys beyond their age, where the configuration allows them; fresh ones that do not are no help."""
        held = self._held
        if held and self._age_s(held) < self._max_age_s + self._stale_s and do_they(held.keys):
            return held.keys
        raise KeySourceUnavailable(problem)

    def _settle(
        self, flight: "_Flight", held: "_Held | None", do_they: Callable[[Keys], object] | None
    ) -> None:
        """Give the place back to a fetch that was of use."""
        if flight.keys is None:
            return
        with self._lock:
            if held is None:
                self._due.give_back()
            elif do_they is not None and do_they(flight.keys):
                self._doubts.give_back()

    def _fly(self, flight: "_Flight") -> None:
        asked_at_s = self._monotonic()
        try:
            flight.keys = self._fetch()
        except KeySourceUnavailable as error:
            flight.problem = error.detail
        finally:
            with self._lock:
                self._flight = None
                if flight.keys is not None:
                    if self._held is not None and self._held.keys == flight.keys:
                        flight.keys = self._held.keys
                    self._held = _Held(keys=flight.keys, asked_at_s=asked_at_s)
            flight.done.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Fetched keys; their age counts from the question, since the answer may be as old as that."""

    keys: Keys
    asked_at_s: float


@dataclass(slots=True, kw_only=True)
class _Flight:
    """One running fetch, for those who wait for it; keys stays None where it brought none."""

    done: threading.Event = field(default_factory=threading.Event)
    keys: Keys | None = None
    problem: str = "the keys could not be fetched"


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Places for fetches that may turn out useless; always used under its owner's lock."""

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
        """The fetch that took a place was of use."""
        self.places += 1.0
