"""How long a request may take to arrive: one thread ends those that dribble, whatever a single read allows.

A server's own time limit counts from one byte to the next, so a client that sends a byte a second would
hold one of its threads for hours. Knows sockets and nothing of HTTP.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

ARRIVAL_S: Final = 10.0
LOOK_S: Final = 0.5


class ArrivalWatch:
    """Ends the reading side of connections whose request has not arrived whole in time."""

    def __init__(self, *, arrival_s: float = ARRIVAL_S) -> None:
        self._arrival_s = arrival_s
        self._numbers = itertools.count()
        self._watched: dict[int, tuple[float, socket.socket]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="arrivals", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    @contextlib.contextmanager
    def arriving(self, connection: socket.socket) -> Iterator[None]:
        """Watch a connection while the block reads a request from it."""
        number = next(self._numbers)
        self._watched[number] = (time.monotonic() + self._arrival_s, connection)
        try:
            yield
        finally:
            self._watched.pop(number, None)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_S):
            now_s = time.monotonic()
            for number, (ends_s, connection) in list(self._watched.items()):
                if ends_s <= now_s and self._watched.pop(number, None) is not None:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)
