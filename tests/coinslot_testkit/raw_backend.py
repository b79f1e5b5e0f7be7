"""A backend made of bare sockets: it keeps the bytes of every request, and which connection brought them.

Reads HTTP by hand and just enough of it to know where a request ends, so that nothing is normalised: framing,
case and order of headers, chunks, and what was said before a body are all there to be looked at.
"""

import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    b'{"code":"200","msg":"Success"}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """One request.

    head, body  the bytes before and behind the empty line, the body with its framing
    connection  number of the connection that brought it, from 0
    moments_s   when its pieces arrived, by a monotonic clock
    """

    head: bytes
    body: bytes
    connection: int
    moments_s: tuple[float, ...]

    @property
    def lines(self) -> list[bytes]:
        """The request line and the headers as they were spelt."""
        return self.head.split(b"\r\n")

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, compared without case."""
        for line in self.lines[1:]:
            key, _, value = line.partition(b": ")
            if key.lower() == name.lower():
                return value
        return None


@dataclass(slots=True, kw_only=True)
class RawBackend:
    """A context manager: `with RawBackend() as backend:`.

    answer     what is sent for every request
    on_expect  b"" says nothing to Expect: 100-continue, else these bytes; where they are no 100 the request
               ends with them, without a body
    closes     close the connection behind every answer
    """

    answer: bytes = OK
    on_expect: bytes = b"HTTP/1.1 100 Continue\r\n\r\n"
    closes: bool = False
    requests: list[RawRequest] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> "RawBackend":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    @property
    def url(self) -> str:
        """Its callback URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/notify"

    def wait_for(self, count: int, *, timeout_s: float = 10.0) -> list[RawRequest]:
        """Wait until so many requests have arrived; AssertionError where they do not."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= count, timeout_s)
            assert arrived, f"{len(self.requests)} of {count} requests arrived"
            return list(self.requests)

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()
            number += 1

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(20)
        try:
            while self._one(connection, number) and not self.closes:
                pass
        except OSError:
            pass  # the caller has given up, which some tests are about
        connection.close()

    def _one(self, connection: socket.socket, number: int) -> bool:
        moments: list[float] = []
        raw = b""
        while b"\r\n\r\n" not in raw:
            piece = connection.recv(65536)
            if not piece:
                return False
            raw += piece
            moments.append(time.monotonic())
        head, _, body = raw.partition(b"\r\n\r\n")
        request = RawRequest(head=head, body=body, connection=number, moments_s=())
        if request.header(b"Expect") == b"100-continue" and not body:
            is_refused = bool(self.on_expect) and b" 100 " not in self.on_expect
            if is_refused:
                self._keep(request)  # before it is answered: whoever has the answer finds the request kept
            connection.sendall(self.on_expect)
            if is_refused:
                return True
        while not _ends(request, body):
            piece = connection.recv(65536)
            if not piece:
                return False
            body += piece
            moments.append(time.monotonic())
        self._keep(RawRequest(head=head, body=body, connection=number, moments_s=tuple(moments)))
        connection.sendall(self.answer)
        return True

    def _keep(self, request: RawRequest) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()


def _ends(request: RawRequest, body: bytes) -> bool:
    if request.header(b"Transfer-Encoding") == b"chunked":
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(request.header(b"Content-Length") or 0)
