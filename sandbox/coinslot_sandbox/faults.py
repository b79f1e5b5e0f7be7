"""Faults on portal endpoints: which one acts on a call, and what it makes of the answer.

`decide` and `changed` are pure. `FaultBook` holds the faults of one workspace and counts: a fault is taken
when it is chosen for a call and fired when it really acted, so that `times: 1` acts once under any race.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coinslot_contracts.wire import Headers, WireReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A lie or failure that the sandbox was told to produce.

    at        full name of an endpoint
    order_id  only calls about this order
    status    answer with this HTTP status; with `body` it stands in for the endpoint's answer
    headers   added to the answer, or put in place of its own
    hang_s    say nothing for so long, then drop the connection
    reset     reset the connection
    times     act on so many calls, None for all
    spec      the fault's `with`, as it was given
    """

    fault_id: str
    at: str
    order_id: str | None
    status: int | None = None
    headers: Headers = ()
    body: bytes | None = None
    hang_s: float | None = None
    reset: bool = False
    times: int | None = None
    spec: dict[str, Any] = field(default_factory=dict)

    @property
    def is_transport(self) -> bool:
        """Whether it acts on the socket, so that no answer goes out at all."""
        return self.reset or self.hang_s is not None

    @property
    def answers(self) -> bool:
        """Whether it answers in the endpoint's place, so that the portal learns nothing from the call."""
        return self.is_transport or self.status is not None or self.body is not None


def decide(faults: Sequence[Fault], *, endpoint: str, order_id: str | None) -> Fault | None:
    """The newest fault that is meant for this call; `faults` are oldest first."""
    for fault in reversed(faults):
        if fault.at == endpoint and fault.order_id in (None, order_id):
            return fault
    return None


def changed(fault: Fault, reply: WireReply) -> WireReply:
    """The answer as the fault makes it; for a fault that is no transport fault."""
    if fault.answers:
        given = ("Content-Type", "application/json")
        own: Headers = (given,) if fault.body is not None else ()
        reply = WireReply(status=fault.status or 200, headers=own, body=fault.body or b"")
    replaced = {name.lower() for name, _ in fault.headers}
    kept = tuple((name, value) for name, value in reply.headers if name.lower() not in replaced)
    return replace(reply, headers=(*kept, *fault.headers))


@dataclass(slots=True, kw_only=True)
class _Entry:
    fault: Fault
    taken: int = 0
    fired: int = 0

    @property
    def left(self) -> int | None:
        return None if self.fault.times is None else max(self.fault.times - self.taken, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """A fault and what it has done so far.

    left  how many calls it will still act on, None for all
    """

    fault: Fault
    fired: int
    left: int | None
    active: bool


class FaultBook:
    """The faults of one workspace, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def add(self, fault: Fault) -> FaultReport:
        """Let a fault act from now on."""
        with self._lock:
            self._entries[fault.fault_id] = entry = _Entry(fault=fault)
            return _report(entry)

    def take(self, *, endpoint: str, order_id: str | None) -> Fault | None:
        """The fault that acts on this call; the caller says `fired` or `missed` afterwards."""
        if not self._entries:
            return None
        with self._lock:
            waiting = [entry.fault for entry in self._entries.values() if entry.left != 0]
            fault = decide(waiting, endpoint=endpoint, order_id=order_id)
            if fault is not None:
                self._entries[fault.fault_id].taken += 1
            return fault

    def fired(self, fault: Fault) -> None:
        """The fault acted."""
        with self._lock:
            entry = self._entries.get(fault.fault_id)
            if entry is not None:
                entry.fired += 1

    def missed(self, fault: Fault) -> None:
        """The fault could not act after all; the call does not count."""
        with self._lock:
            entry = self._entries.get(fault.fault_id)
            if entry is not None:
                entry.taken -= 1

    def list_faults(self) -> list[FaultReport]:
        """Every fault that was not healed, oldest first."""
        with self._lock:
            return [_report(entry) for entry in self._entries.values()]

    def heal(self, fault_id: str) -> FaultReport | None:
        """End a fault; what it has held up ends too. None where there is no such fault."""
        with self._lock:
            entry = self._entries.pop(fault_id, None)
            return None if entry is None else replace(_report(entry), active=False)

    def clear(self) -> list[str]:
        """End every fault; their ids."""
        with self._lock:
            ended = list(self._entries)
            self._entries.clear()
            return ended


def _report(entry: _Entry) -> FaultReport:
    left = entry.left
    return FaultReport(fault=entry.fault, fired=entry.fired, left=left, active=left != 0)
