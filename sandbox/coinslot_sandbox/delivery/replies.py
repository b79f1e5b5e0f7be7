"""Reading one answer from a socket of our own: bounded, within a deadline, and timed.

An answer that breaks off or is no HTTP is named, never raised as the reader's own error.
"""

import socket
import time
from typing import Final

import h11
from coinslot_contracts.wire import Headers, WireReply

REPLY_BYTES_MAX: Final = 65_536
"""So much of an answer's body is kept; what comes beyond is read and thrown away."""
DRAIN_BYTES_MAX = 16 * 1_048_576
READ_BYTES: Final = 65_536


class SendFailed(Exception):
    """The exchange ended without an answer; `error` is a SendResult's."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def left_s(deadline_s: float) -> float:
    """Seconds until a moment of the monotonic clock; TimeoutError where it has passed."""
    left = deadline_s - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class ReplyReader:
    """Reads the answer to one request.

    first_byte_s  when its first byte was there, by the monotonic clock; None before
    """

    def __init__(self, connection: socket.socket, method: str, deadline_s: float) -> None:
        self._connection = connection
        self._deadline_s = deadline_s
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=REPLY_BYTES_MAX)
        self._http.send(h11.Request(method=method, target="/", headers=[("Host", "any")]))
        self._http.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._read = 0
        self.first_byte_s: float | None = None

    @property
    def may_reuse(self) -> bool:
        """Whether the connection can carry another request; asked after `read`."""
        return self._http.their_state is h11.DONE and not self._http.trailing_data[0]

    def await_go(self, *, patience_s: float) -> bool:
        """Wait for 100 Continue; False where the final answer came instead, so that no body may follow.

        Silence is a go too: a receiver that does not know Expect says nothing.
        """
        until_s = min(time.monotonic() + patience_s, self._deadline_s)
        while self._head is None:
            try:
                event = self._next(until_s)
            except TimeoutError:
                left_s(self._deadline_s)
                return True
            if isinstance(event, h11.InformationalResponse) and event.status_code == 100:
                return True
            self._note_head(event)
        return False

    def read(self, *, only_head: bool) -> WireReply:
        """The answer, or its status and headers alone."""
        body = bytearray()
        while not (only_head and self._head is not None):
            event = self._next(self._deadline_s)
            self._note_head(event)
            if isinstance(event, h11.Data):
                self._read += len(event.data)
                body += event.data[: REPLY_BYTES_MAX - len(body)]
                if self._read > DRAIN_BYTES_MAX:
                    raise SendFailed("reply-too-large")
            elif isinstance(event, h11.EndOfMessage):
                break
        assert self._head is not None
        return WireReply(status=self._head.status_code, headers=_headers(self._head), body=bytes(body))

    def _note_head(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self._head = event

    def _next(self, until_s: float) -> object:
        """The next event, reading as much as it needs."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._connection.settimeout(left_s(until_s))
                received = self._connection.recv(READ_BYTES)
                if self.first_byte_s is None and received:
                    self.first_byte_s = time.monotonic()
                self._http.receive_data(received)
        except h11.RemoteProtocolError:
            raise SendFailed(self._protocol_error()) from None
        return event

    def _protocol_error(self) -> str:
        closed = self._http.trailing_data[1]
        return "connection-dropped" if closed or self._read else "reply-malformed"


def _headers(head: h11.Response) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
    )
