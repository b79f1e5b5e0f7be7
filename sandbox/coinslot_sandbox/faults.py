"""Faults: which one acts on a call, and what has become of each.

`FaultBook` holds the faults of one workspace, at whatever place: an endpoint, a delivery, a token. It knows
nothing of what a kind does; it matches (order, nth, times, probability, time to live) and counts. The same
seed and the same calls, in the same order, give the same outcome.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from coinslot_sandbox.ids import number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A lie or failure that the sandbox was told to produce.

    at           full name of an endpoint, "delivery" or "token"
    order_id     only calls about this order
    kind         name in `vocabulary.FAULT_KINDS`
    params       the kind's parameters by name, each with its value or its default
    times        act on so many calls, None for all
    nth          act only on these of the matching calls, counted from 1 since the fault was set; () for all
    probability  act on this share of the matching calls, None for all
    ttl_s        end after so many seconds of the schedule's time
    preset       name of the preset that it belongs to
    spec         the fault's `with`, as it was given
    """

    fault_id: str
    at: str
    order_id: str | None = None
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    nth: tuple[int, ...] = ()
    probability: float | None = None
    ttl_s: float | None = None
    preset: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A fault that was chosen for one call; whoever took it says `fired` or `missed` afterwards.

    seen           how many calls have matched the fault, this one included
    seen_of_order  how many of them were about this order (of calls about no order: all)
    since_s        seconds of the schedule's time since the fault was set
    wait_s         for `rate_limit`: seconds until calls are answered again
    chance         seeded with workspace, fault and number of the call: the same call draws the same again
    """

    fault: Fault
    seen: int
    seen_of_order: int
    since_s: float
    wait_s: float
    chance: Random

    @property
    def params(self) -> Mapping[str, Any]:
        """The kind's parameters by name."""
        return self.fault.params


def hold_key(workspace: str, fault_id: str) -> str:
    """What the hospice knows a fault's connections by."""
    return f"{workspace}/{fault_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """A fault and what it has done so far.

    fired      how often it really acted
    seen       how many calls matched it, whether or not it acted
    left       on how many calls it will still act at most, None for all
    active     whether it may act on a further call
    ends_at_s  when its time to live is over, in the schedule's time
    """

    fault: Fault
    fired: int
    seen: int
    left: int | None
    active: bool
    ends_at_s: float | None


@dataclass(slots=True, kw_only=True)
class _Entry:
    fault: Fault
    begun_s: float
    taken: int = 0
    fired: int = 0
    seen: int = 0
    seen_of: dict[str, int] = field(default_factory=dict)
    window_began_s: float = 0.0
    window_calls: int = 0

    @property
    def ends_at_s(self) -> float | None:
        return None if self.fault.ttl_s is None else self.begun_s + self.fault.ttl_s

    @property
    def left(self) -> int | None:
        bounds = []
        if self.fault.times is not None:
            bounds.append(self.fault.times - self.taken)
        if self.fault.nth:
            bounds.append(sum(number > self.seen for number in self.fault.nth))
        return max(min(bounds), 0) if bounds else None

    def is_over(self, now_s: float) -> bool:
        return self.ends_at_s is not None and now_s >= self.ends_at_s

    def is_active(self, now_s: float) -> bool:
        return self.left != 0 and not self.is_over(now_s)

    def count(self, order_id: str | None) -> None:
        self.seen += 1
        if order_id is not None:
            self.seen_of[order_id] = self.seen_of.get(order_id, 0) + 1


class FaultBook:
    """The faults of one workspace, oldest first; the newest that wants a call gets it.

    seed   of the workspace
    now_s  the schedule's time, seconds since 1970
    """

    def __init__(self, *, seed: int, now_s: Callable[[], float]) -> None:
        self._seed = seed
        self._now_s = now_s
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._places: Mapping[str, Sequence[_Entry]] = {}
        self._preset = "calm"

    @property
    def preset(self) -> str:
        """The preset that was laid last."""
        return self._preset

    def add(self, fault: Fault) -> FaultReport:
        """Let a fault act from now on."""
        with self._lock:
            entry = self._enter(fault)
            self._index()
            return _report(entry, self._now_s())

    def lay(self, preset: str, faults: Iterable[Fault]) -> list[str]:
        """Put these faults in the place of the last preset's; ids of those that end."""
        with self._lock:
            ended = [known for known, entry in self._entries.items() if entry.fault.preset is not None]
            for fault_id in ended:
                del self._entries[fault_id]
            for fault in faults:
                self._enter(replace(fault, preset=preset))
            self._preset = preset
            self._index()
            return ended

    def take(self, *, endpoint: str, order_id: str | None = None) -> Taken | None:
        """The fault that acts on this call; the caller says `fired` or `missed` afterwards.

        endpoint  full name of an endpoint, "delivery" or "token"
        """
        if endpoint not in self._places:
            return None
        with self._lock:
            now_s = self._now_s()
            chosen: Taken | None = None
            for entry in reversed(self._places.get(endpoint, ())):
                if entry.fault.order_id not in (None, order_id) or entry.is_over(now_s):
                    continue
                entry.count(order_id)
                if chosen is None and (taken := self._wanted(entry, order_id, now_s)) is not None:
                    entry.taken += 1
                    chosen = taken
            return chosen

    def fired(self, taken: Taken) -> None:
        """The fault acted."""
        with self._lock:
            entry = self._entry_of(taken)
            if entry is not None:
                entry.fired += 1

    def missed(self, taken: Taken, *, counted: bool = False) -> None:
        """The fault could not act after all, and may act on another call instead.

        counted  whether `fired` was said too early
        """
        with self._lock:
            entry = self._entry_of(taken)
            if entry is not None:
                entry.taken -= 1
                entry.fired -= counted

    def is_over(self, taken: Taken) -> bool:
        """Whether the fault was ended since it was taken."""
        with self._lock:
            return self._entry_of(taken) is None

    def list_faults(self) -> list[FaultReport]:
        """Every fault that was not healed, oldest first."""
        with self._lock:
            return [_report(entry, self._now_s()) for entry in self._entries.values()]

    def heal(self, fault_id: str) -> FaultReport | None:
        """End a fault; what it has held up ends too. None where there is no such fault."""
        with self._lock:
            entry = self._entries.pop(fault_id, None)
            self._index()
            return None if entry is None else replace(_report(entry, self._now_s()), active=False)

    def follow_clock(self, *, by_s: float) -> None:
        """The schedule has jumped by so much with the machine's clock: each lasts as long as before."""
        with self._lock:
            for entry in self._entries.values():
                entry.begun_s += by_s
                entry.window_began_s += by_s

    def clear(self) -> list[str]:
        """End every fault; their ids."""
        with self._lock:
            ended = list(self._entries)
            self._entries.clear()
            self._preset = "calm"
            self._index()
            return ended

    def _entry_of(self, taken: Taken) -> _Entry | None:
        """The entry of the very fault that was taken; another may have its id by now."""
        entry = self._entries.get(taken.fault.fault_id)
        return entry if entry is not None and entry.fault is taken.fault else None

    def _enter(self, fault: Fault) -> _Entry:
        self._entries[fault.fault_id] = entry = _Entry(fault=fault, begun_s=self._now_s())
        return entry

    def _index(self) -> None:
        """By place, so that a call where nothing was asked for costs one look into a dictionary."""
        places: dict[str, list[_Entry]] = {}
        for entry in self._entries.values():
            places.setdefault(entry.fault.at, []).append(entry)
        self._places = places

    def _wanted(self, entry: _Entry, order_id: str | None, now_s: float) -> Taken | None:
        """What the fault takes of the call that was just counted, None where it lets it pass."""
        fault = entry.fault
        if fault.times is not None and entry.taken >= fault.times:
            return None
        if fault.nth and entry.seen not in fault.nth:
            return None
        chance = Random(number_of(self._seed, fault.fault_id, entry.seen))  # noqa: S311 - repeatable
        if fault.probability is not None and chance.random() >= fault.probability:
            return None
        wait_s = _window_wait_s(entry, now_s)
        if wait_s is None:
            return None
        return Taken(
            fault=fault,
            seen=entry.seen,
            seen_of_order=entry.seen if order_id is None else entry.seen_of[order_id],
            since_s=now_s - entry.begun_s,
            wait_s=wait_s,
            chance=chance,
        )


def _window_wait_s(entry: _Entry, now_s: float) -> float | None:
    """Seconds until a limit of the rate is over, None while calls are below it; 0 where there is no limit."""
    if entry.fault.kind != "rate_limit":
        return 0.0
    window_s: float = entry.fault.params["window_s"]
    if entry.window_calls == 0 or now_s >= entry.window_began_s + window_s:
        entry.window_began_s, entry.window_calls = now_s, 0
    entry.window_calls += 1
    within = entry.window_calls <= entry.fault.params["n"]
    return None if within else entry.window_began_s + window_s - now_s


def _report(entry: _Entry, now_s: float) -> FaultReport:
    return FaultReport(
        fault=entry.fault,
        fired=entry.fired,
        seen=entry.seen,
        left=entry.left,
        active=entry.is_active(now_s),
        ends_at_s=entry.ends_at_s,
    )
