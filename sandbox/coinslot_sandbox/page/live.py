"""Live updates: server-sent events that say that something has changed, never what.

A page that hears of it asks for itself again, so that there is one way to make a page. Each stream holds a
thread of the server: there is a bound, and a word each second finds out those that nobody reads any more. A
page without a stream asks now and then.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from coinslot_sandbox.page.api import Api, Refused
from coinslot_sandbox.page.facts import NEWEST

STREAMS_MAX = 24
BEAT_S = 1.0
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

    def lines(self, api: Api, *, after: int) -> Iterator[bytes]:
        """The bytes of one stream; it ends with the journal's waits, when the sandbox stops.

        after   the newest number that the page knows
        """
        yield b"retry: 1000\n\n"
        began_s = time.monotonic()
        while time.monotonic() - began_s < LIFE_S:
            waited_from_s = time.monotonic()
            try:
                found = api.get("/journal/wait", after=after, timeout_s=BEAT_S, limit=1)["entries"]
                if found:
                    time.sleep(CALM_S)  # what comes in a burst is shown at once
                    after = api.get("/journal", after=NEWEST, limit=1)["last_seq"]
                    yield f"id: {after}\nevent: changed\ndata: {after}\n\n".encode()
                    continue
            except Refused:
                return
            if time.monotonic() - waited_from_s < BEAT_S / 2:
                return
            yield b": still here\n\n"
