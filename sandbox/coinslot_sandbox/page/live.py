"""Live updates: server-sent events that say that something has changed, never what.

A page that hears of it asks for itself again, so that there is one way to make a page. Each stream holds a
thread of the server, hence there is a bound; a page without a stream asks every few seconds.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.page.api import Api, Refused
from coinslot_sandbox.page.facts import NEWEST

STREAMS_MAX = 16
BEAT_S = 15.0
CALM_S = 0.25
LIFE_S = 600.0


@dataclass(slots=True)
class Streams:
    """The streams that are open."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: int = 0

    def enter(self) -> bool:
        """Begin a stream, unless there are enough."""
        with self._lock:
            if self._open >= STREAMS_MAX:
                return False
            self._open += 1
            return True

    def leave(self) -> None:
        """A stream has ended."""
        with self._lock:
            self._open -= 1

    def lines(self, api: Api, *, after: int, clock: Clock) -> Iterator[bytes]:
        """The bytes of one stream; it ends with the journal's waits, when the sandbox stops.

        after   the newest number that the page knows
        """
        yield b"retry: 1000\n\n"
        began_s = clock.monotonic_s()
        while clock.monotonic_s() - began_s < LIFE_S:
            waited_from_s = clock.monotonic_s()
            try:
                found = api.get("/journal/wait", after=after, timeout_s=BEAT_S, limit=1)["entries"]
                if found:
                    time.sleep(CALM_S)  # what comes in a burst is shown at once
                    after = api.get("/journal", after=NEWEST, limit=1)["last_seq"]
                    yield f"id: {after}\nevent: changed\ndata: {after}\n\n".encode()
                    continue
            except Refused:
                return
            if clock.monotonic_s() - waited_from_s < BEAT_S / 2:
                return
            yield b": still here\n\n"
