"""cheroot as the sidecar needs it: a listening socket that processes share, bounded requests, JSON refusals.

A request arrives whole, within `arrival.ARRIVAL_S` and `BODY_BYTES_MAX`, before the application sees it;
one that is larger is read to its end and thrown away, so that the caller reads our answer instead of a
reset.
"""

import contextlib
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from cheroot import server as cheroot_server
from cheroot import wsgi

from coinslot_verifier.sidecar.arrival import ARRIVAL_S, ArrivalWatch
from coinslot_verifier.sidecar.problems import TITLES

OVERSIZED: Final = "coinslot.oversized"
HEAD_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 2 * 1_048_576
"""Room for a notification of 1 MiB in Base64."""
DRAIN_BYTES_MAX: Final = 16 * 1_048_576
KEEP_ALIVE_MAX: Final = 512
IDLE_S: Final = 10
BACKLOG: Final = 256
_PIECE_BYTES: Final = 65_536
_CHUNK_LINE_BYTES_MAX: Final = 256
_CHUNK_FRAME_BYTES: Final = 5
"""What a chunk costs beside its bytes: at least one digit and two line ends."""
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,12}")
_TRAILERS_MAX: Final = 64
_TRAILER_BYTES_MAX: Final = 8192
_EARLY_CODES: Final = {404: "address-unknown", 405: "method-not-allowed", 413: "body-too-large"}

WsgiApp = Callable[[dict[str, Any], Any], Any]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # inherited by every accepted connection: a body must not wait for a delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Request(cheroot_server.HTTPRequest):
    """A request whose every early refusal is a problem in JSON, and none an HTTP 5xx."""

    def parse_request(self) -> None:
        """Read the head, in bounded time."""
        with self.server.arrivals.arriving(self.conn.socket):
            super().parse_request()

    def simple_response(self, status: str | int, msg: str | bytes = "") -> None:
        """Answer with a problem and close; what cheroot calls a 5xx is a request that is not understood."""
        code = int(str(status)[:3])
        code = code if code in _EARLY_CODES else 400
        detail = msg.decode("latin-1") if isinstance(msg, bytes) else msg
        document = {
            "type": "about:blank",
            "title": TITLES[code],
            "status": code,
            "code": _EARLY_CODES.get(code, "request-malformed"),
            "detail": detail or str(status)[4:],
            "try": "send a well-formed HTTP/1.1 request",
        }
        body = json.dumps(document).encode() + b"\n"
        head = (
            f"HTTP/1.1 {code} {TITLES[code]}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.conn.wfile.write(head.encode() + body)


class _Connection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


class _Gateway(wsgi.Gateway_10):
    """Reads the body, then lets the application answer."""

    def respond(self) -> None:
        """Serve one request."""
        request = self.req
        if request.chunked_read and request.inheaders.get(b"Content-Length") is not None:
            request.simple_response("400 Bad Request", "the body's length is given twice")
            return
        try:
            with request.server.arrivals.arriving(request.conn.socket):
                body = _read_body(request)
        except (_BodyBroken, OSError):
            request.simple_response("400 Bad Request", "the body did not arrive whole and in time")
            return
        self.env["wsgi.input"] = io.BytesIO(body or b"")
        self.env["CONTENT_LENGTH"] = str(len(body or b""))
        self.env.pop("HTTP_TRANSFER_ENCODING", None)
        self.env[OVERSIZED] = body is None
        super().respond()


class _BodyBroken(Exception):
    """The body ended before its announced length, never ended, or its framing makes no sense."""


def _read_body(request: Any) -> bytes | None:
    """The body; None where it was larger than allowed, and then it was read all the same."""
    if request.chunked_read:
        pieces = _chunks(request.conn.rfile)
    else:
        announced = request.inheaders.get(b"Content-Length", b"0")
        if not _LENGTH.fullmatch(announced):
            raise _BodyBroken
        length = int(announced)
        if length > DRAIN_BYTES_MAX:
            request.close_connection = True
            return None
        pieces = _pieces(request.rfile, length)
    kept, total = bytearray(), 0
    for piece in pieces:
        total += len(piece)
        if total <= BODY_BYTES_MAX:
            kept += piece
    return bytes(kept) if total <= BODY_BYTES_MAX else None


def _pieces(rfile: Any, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = rfile.read(min(length, _PIECE_BYTES))
        if not piece:
            raise _BodyBroken
        length -= len(piece)
        yield piece


def _chunks(rfile: Any) -> Iterator[bytes]:
    """A chunked body by small pieces; cheroot would read a whole chunk, or its size's line, however long."""
    left = DRAIN_BYTES_MAX
    while (size := _chunk_size(rfile.readline(_CHUNK_LINE_BYTES_MAX))) > 0:
        left -= size + _CHUNK_FRAME_BYTES
        if left < 0:
            raise _BodyBroken
        yield from _pieces(rfile, size)
        if rfile.read(2) != b"\r\n":
            raise _BodyBroken
    for _ in range(_TRAILERS_MAX):
        if rfile.readline(_TRAILER_BYTES_MAX) == b"\r\n":
            return
    raise _BodyBroken


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not line.endswith(b"\r\n") or not _CHUNK_SIZE.fullmatch(digits):
        raise _BodyBroken
    return int(digits, 16)


class _CherootServer(wsgi.Server):
    ConnectionClass = _Connection
    max_request_header_size = HEAD_BYTES_MAX
    keep_alive_conn_limit = KEEP_ALIVE_MAX
    expiration_interval = 0.1
    listener: socket.socket
    arrivals: ArrivalWatch

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002, ARG002 - cheroot's
        """Listen on the socket that we were given; it may be that of several processes."""
        self.socket = self.listener
        self.bind_addr = self.listener.getsockname()[:2]
        return self.listener

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Say nothing: a client that goes away is no news, and the application tells its own faults."""


class HttpServer:
    """Answers on a listening socket, with threads of this process.

    stop_s     how long running requests may take to end
    arrival_s  how long the head of a request may take to arrive, and how long its body
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        listener: socket.socket,
        threads: int,
        stop_s: float,
        arrival_s: float = ARRIVAL_S,
    ) -> None:
        host, port = listener.getsockname()[:2]
        server = _CherootServer(
            (host, port), app, numthreads=threads, max=threads, server_name="coinslot-verifier"
        )
        server.gateway = _Gateway
        server.timeout = IDLE_S
        server.request_queue_size = BACKLOG
        server.shutdown_timeout = stop_s
        server.listener = listener
        server.arrivals = ArrivalWatch(arrival_s=arrival_s)
        self._server = server
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._server.prepare()
        # several processes wait on this socket, and whoever comes second must not wait for the next caller
        self._server.listener.setblocking(False)
        self._server.arrivals.start()
        self._thread.start()

    def stop(self) -> None:
        """Take no more, answer what is under way, then close."""
        self._server.stop()
        self._thread.join()
        self._server.arrivals.stop()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._server.serve()
