"""Connections in the hands of a fault: silence, dribble, half an answer, garbage, a reset.

One thread serves all of them, of all workspaces, without blocking: a script says which bytes go out after
which pause and how the connection ends. It knows neither faults nor HTTP.
"""

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

SEND_BYTES: Final = 65_536
SENDS_AT_ONCE: Final = 64
IDLE_S_MAX: Final = 60.0
"""A client that reads nothing for so long is dropped."""

Pieces = Iterable[tuple[float, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens on a connection.

    pieces   seconds to wait, then bytes to send; again and again
    ends     how the connection ends after the last piece
    hurries  released early, what is left is sent at once; otherwise the connection is dropped
    """

    pieces: Pieces
    ends: Literal["close", "reset"] = "close"
    hurries: bool = False


@dataclass(slots=True, eq=False)
class _Patient:
    connection: socket.socket
    key: str
    script: Script
    lost: Callable[[], None]
    pieces: Iterator[tuple[float, bytes]] = field(init=False)
    due_s: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    has_sent: bool = False
    is_sending: bool = False
    is_hurried: bool = False

    def __post_init__(self) -> None:
        self.pieces = iter(self.script.pieces)


class SocketHospice:
    """Holds connections that faults have taken, without a thread for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Callable[[], None]] = deque()
        self._patients: set[_Patient] = set()
        self._selector: selectors.BaseSelector | None = None
        self._waker: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False

    def hold(
        self,
        connection: socket.socket,
        *,
        key: str,
        script: Script,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Let a script act on a connection, which now belongs to this object.

        key   whose it is, for `release`
        lost  called where the client was gone before a byte of the script could be sent
        """
        patient = _Patient(connection, key, script, lost)
        connection.setblocking(False)
        if not self._tell(lambda: self._tend(patient, self._admit)):
            connection.close()

    def release(self, keys: Iterable[str]) -> None:
        """End what these hold up: the rest goes out at once, or the connection is dropped."""
        wanted = frozenset(keys)
        if wanted and self._thread is not None:
            self._tell(lambda: self._release(wanted))

    def stop(self) -> None:
        """Drop everything."""
        with self._lock:
            self._stopping = True
            thread = self._thread
            if self._waker is not None:
                with contextlib.suppress(BlockingIOError):
                    self._waker.send(b"x")
        if thread is not None:
            thread.join()
        if self._waker is not None:
            self._waker.close()

    def _tell(self, order: Callable[[], None]) -> bool:
        """Hand something to the thread, which starts with the first; False where all is at its end."""
        with self._lock:
            if self._stopping:
                return False
            if self._thread is None:
                self._begin()
            self._orders.append(order)
            assert self._waker is not None
            with contextlib.suppress(BlockingIOError):
                self._waker.send(b"x")
            return True

    def _begin(self) -> None:
        self._waker, ear = socket.socketpair()
        self._waker.setblocking(False)
        ear.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(ear, selectors.EVENT_READ, None)
        self._thread = threading.Thread(
            target=self._run, args=(self._selector, ear), name="coinslot-hospice", daemon=True
        )
        self._thread.start()

    def _run(self, selector: selectors.BaseSelector, ear: socket.socket) -> None:
        while not self._stopping:
            for ready, events in selector.select(self._wait_s()):
                if ready.data is None:
                    with contextlib.suppress(BlockingIOError):
                        ear.recv(4096)
                elif ready.data in self._patients:
                    self._tend(ready.data, self._attend, events)
            self._obey()
            now_s = time.monotonic()
            for patient in [item for item in self._patients if item.due_s <= now_s]:
                self._tend(patient, self._wake)
        for patient in list(self._patients):
            self._dismiss(patient)
        selector.close()
        ear.close()

    def _wait_s(self) -> float | None:
        nearest_s = min((patient.due_s for patient in self._patients), default=None)
        return None if nearest_s is None else max(nearest_s - time.monotonic(), 0)

    def _obey(self) -> None:
        while True:
            with self._lock:
                if not self._orders:
                    return
                order = self._orders.popleft()
            order()

    def _tend(self, patient: _Patient, treat: Callable[..., None], *facts: int) -> None:
        """Whatever goes wrong with one connection ends that one: this thread serves everybody's."""
        try:
            treat(patient, *facts)
        except Exception:  # noqa: BLE001 - the boundary of a worker: a script of a fault may hold any mistake
            self._dismiss(patient)

    def _admit(self, patient: _Patient) -> None:
        assert self._selector is not None
        self._selector.register(patient.connection, selectors.EVENT_READ, patient)
        self._patients.add(patient)
        self._proceed(patient)

    def _release(self, keys: frozenset[str]) -> None:
        for patient in [item for item in self._patients if item.key in keys]:
            if not patient.script.hurries:
                self._dismiss(patient)
                continue
            patient.is_hurried = True
            if not patient.is_sending:
                patient.due_s = 0.0

    def _attend(self, patient: _Patient, events: int) -> None:
        """The client has gone, has sent more (which nobody wants), or takes bytes again."""
        try:
            if events & selectors.EVENT_READ and not patient.connection.recv(SEND_BYTES):
                self._dismiss(patient)
                return
        except BlockingIOError:
            pass
        except OSError:
            self._dismiss(patient)
            return
        if events & selectors.EVENT_WRITE:
            self._proceed(patient)

    def _wake(self, patient: _Patient) -> None:
        """A pause is over, or the client has taken nothing for too long."""
        if patient.is_sending:
            self._dismiss(patient)
        else:
            self._proceed(patient)

    def _proceed(self, patient: _Patient) -> None:
        """Send what is due, until the client takes no more, a pause comes, or the script ends."""
        budget = SENDS_AT_ONCE
        while True:
            while patient.unsent:
                budget -= 1
                if not budget or not self._send(patient):
                    self._pause(patient, IDLE_S_MAX, sending=True)
                    return
                if patient not in self._patients:
                    return
            piece = next(patient.pieces, None)
            if piece is None:
                self._end(patient)
                return
            pause_s, data = piece
            patient.unsent = memoryview(data)
            if pause_s > 0 and not patient.is_hurried:
                self._pause(patient, pause_s, sending=False)
                return

    def _send(self, patient: _Patient) -> bool:
        """Whether the client took anything; one that is gone is dismissed."""
        try:
            count = patient.connection.send(patient.unsent[:SEND_BYTES])
        except BlockingIOError:
            return False
        except OSError:
            self._dismiss(patient)
            return True
        patient.unsent = patient.unsent[count:]
        patient.has_sent = True
        return True

    def _pause(self, patient: _Patient, seconds: float, *, sending: bool) -> None:
        assert self._selector is not None
        patient.due_s = time.monotonic() + seconds
        if patient.is_sending is not sending:
            patient.is_sending = sending
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if sending else 0)
            self._selector.modify(patient.connection, wanted, patient)

    def _end(self, patient: _Patient) -> None:
        """The script is over."""
        if patient.script.ends == "reset":
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            patient.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._forget(patient)

    def _dismiss(self, patient: _Patient) -> None:
        """The connection ends before the script does."""
        self._forget(patient)
        if not patient.has_sent:
            with contextlib.suppress(Exception):
                patient.lost()

    def _forget(self, patient: _Patient) -> None:
        assert self._selector is not None
        self._patients.discard(patient)
        with contextlib.suppress(KeyError, ValueError):  # where it could not be registered
            self._selector.unregister(patient.connection)
        patient.connection.close()
