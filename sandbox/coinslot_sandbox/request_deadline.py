"""How long a request may take to arrive: one thread ends those that dribble, whatever a single read allows.

A server's own timeout counts from one byte to the next; a client that sends a byte a second would hold one of
its threads for hours. Knows sockets and nothing of HTTP.
"""

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator

ARRIVAL_S = 30.0
"""From the first byte of a request to its last."""


class ArrivalWatch:
    """Ends the reading side of connections whose request has not arrived whole in time.

    arrival_s   how long a request may take
    """

    def __init__(self, *, arrival_s: float = ARRIVAL_S) -> None:
        self._arrival_s = arrival_s
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._watched: dict[int, socket.socket] = {}
        self._ends: list[tuple[float, int]] = []
        self._thread: threading.Thread | None = None
        self._stopping = False

    @contextlib.contextmanager
    def arriving(self, connection: socket.socket) -> Iterator[None]:
        """Watch a connection while the block reads a request from it."""
        number = self._begin(connection)
        try:
            yield
        finally:
            with self._changed:
                self._watched.pop(number, None)

    def stop(self) -> None:
        """Watch nothing any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _begin(self, connection: socket.socket) -> int:
        with self._changed:
            number = next(self._numbers)
            self._watched[number] = connection
            heapq.heappush(self._ends, (time.monotonic() + self._arrival_s, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="coinslot-arrivals", daemon=True)
                self._thread.start()
            return number

    def _watch(self) -> None:
        """Wake at the earliest end that is known; later ones are behind it, so nobody has to wake us."""
        with self._changed:
            while not self._stopping:
                now_s = time.monotonic()
                while self._ends and (self._ends[0][0] <= now_s or self._ends[0][1] not in self._watched):
                    late = self._watched.pop(heapq.heappop(self._ends)[1], None)
                    if late is not None:
                        with contextlib.suppress(OSError):
                            late.shutdown(socket.SHUT_RD)
                self._changed.wait(self._ends[0][0] - now_s if self._ends else self._arrival_s)
