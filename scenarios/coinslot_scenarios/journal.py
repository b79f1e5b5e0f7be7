"""One follower of the sandbox's journal, shared by all items of a run; whoever waits is woken by entries.

Assertions wait here on sequence numbers, never on time alone. Entries of the control plane are kept out: only
what crossed the wire between portal and backend counts.
"""

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.wire import Headers, WireReply, WireRequest

from coinslot_scenarios.answers import wire_request
from coinslot_scenarios.client import ControlClient, SandboxFault

_POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message between portal and backend.

    dir        "in": the backend called the portal; "out": the portal called the backend
    reply      None where none was sent or received
    """

    seq: int
    at_s: float
    elapsed_ms: float
    dir: str
    portal: str | None
    endpoint: str
    game_id: str | None
    order_id: str | None
    user_id: str | None
    external_id: str | None
    delivery_id: str | None
    attempt: int | None
    request: WireRequest
    reply: WireReply | None
    error: str | None
    verdict_code: str | None
    verdict_reason: str
    fault_id: str | None


def parse_entry(raw: Mapping[str, Any]) -> Entry:
    """A journal entry of the control API as a value."""
    verdict = raw.get("verdict") or {}
    return Entry(
        seq=int(raw["seq"]),
        at_s=float(raw["at_s"]),
        elapsed_ms=float(raw.get("elapsed_ms") or 0),
        dir=raw["dir"],
        portal=raw.get("portal"),
        endpoint=raw["endpoint"],
        game_id=raw.get("game_id"),
        order_id=raw.get("order_id"),
        user_id=raw.get("user_id"),
        external_id=raw.get("external_id"),
        delivery_id=raw.get("delivery_id"),
        attempt=raw.get("attempt"),
        request=wire_request(raw["request"]),
        reply=_reply(raw.get("reply")),
        error=raw.get("error"),
        verdict_code=verdict.get("code"),
        verdict_reason=str(verdict.get("reason") or ""),
        fault_id=raw.get("fault_id"),
    )


def _reply(raw: Mapping[str, Any] | None) -> WireReply | None:
    if raw is None:
        return None
    headers: Headers = tuple((name, value) for name, value in raw["headers"])
    return WireReply(status=raw["status"], headers=headers, body=base64.b64decode(raw["body_b64"] or ""))


class Journal:
    """Every entry since the run began, in order."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client
        self._entries: list[Entry] = []
        self._last_seq = 0
        self._wire_seq = 0
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._follow, name="journal", daemon=True)

    def start(self) -> None:
        """Begin behind what the journal holds now."""
        answer = self._client.journal(after=2**62, limit=1)
        self._last_seq = self._wire_seq = int(answer["last_seq"])
        self._thread.start()

    def stop(self) -> None:
        """Stop following and wait for the thread."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=_POLL_S + 5)

    def abort(self, reason: str) -> None:
        """Wake whoever waits and let no one wait again: the run is over."""
        with self._changed:
            self._fault = reason
            self._changed.notify_all()

    def mark(self) -> int:
        """The sequence number of the newest entry that exists now; everything up to it is read on return."""
        target = int(self._client.journal(after=2**62, limit=1)["last_seq"])
        while self._last_seq < target:
            self._take(self._client.journal(after=self._last_seq))
        return target

    @property
    def wire_seq(self) -> int:
        """The number of the newest entry between portal and backend that is known here."""
        with self._changed:
            return self._wire_seq

    def wait_beyond(self, seq: int, *, wait_s: float) -> None:
        """Return when an entry newer than `seq` is known, or after the time; SandboxFault if none comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._wire_seq > seq or self._fault is not None, timeout=wait_s)
            if self._fault is not None:
                raise SandboxFault(self._fault)

    def entries(self, wanted: Callable[[Entry], bool], *, after: int = 0) -> list[Entry]:
        """The known entries behind a number that are wanted, oldest first."""
        with self._changed:
            known = list(self._entries)
        return [entry for entry in known if entry.seq > after and wanted(entry)]

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                self._take(self._client.wait_journal(after=self._last_seq, wait_s=_POLL_S))
            except SandboxFault as error:
                if self._stopped.is_set():
                    return
                self.abort(str(error))
                return

    def _take(self, answer: Mapping[str, Any]) -> None:
        with self._changed:
            fresh = [raw for raw in answer["entries"] if int(raw["seq"]) > self._last_seq]
            found = [parse_entry(raw) for raw in fresh if raw["dir"] in ("in", "out")]
            self._entries += found
            if found:
                self._wire_seq = found[-1].seq
            if fresh:
                self._last_seq = int(fresh[-1]["seq"])
            elif not answer["entries"]:
                self._last_seq = max(self._last_seq, int(answer["last_seq"]))
            if found:
                self._changed.notify_all()
