"""cheroot with what a sandbox needs: raw requests in, sockets that faults can act on, JSON for every refusal.

The application finds in its environ the request as it crossed the wire (`WIRE`) and the connection
(`CONNECTION`). The body is read whole before the application runs, so early answers never reset a client.
"""

import contextlib
import io
import json
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from cheroot import errors as cheroot_errors
from cheroot import server as cheroot_server
from cheroot import wsgi
from coinslot_contracts.wire import WireRequest

from coinslot_sandbox.hospice import Script, SocketHospice
from coinslot_sandbox.request_deadline import ARRIVAL_S, ArrivalWatch

WIRE: Final = "coinslot.request"
CONNECTION: Final = "coinslot.connection"
OVERSIZED: Final = "coinslot.oversized"
THREADS: Final = 48
HEAD_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 1_048_576
DRAIN_BYTES_MAX: Final = 64 * 1_048_576
KEEP_ALIVE_MAX: Final = 512
TIMEOUT_S: Final = 10
SERVER_NAME: Final = "coinslot-sandbox"

WsgiApp = Callable[[dict[str, Any], Any], Any]


class BodyUnreadable(Exception):
    """The request's body breaks the rules of its framing."""


class Connection:
    """The connection of one request, as far as a fault may touch it.

    when_lost  called where the answer could not be written
    """

    def __init__(self, request: Any, hospice: SocketHospice) -> None:
        self._request = request
        self._hospice = hospice
        self.is_taken = False
        self.when_lost: Callable[[], None] | None = None

    def is_gone(self) -> bool:
        """Whether the client has hung up already."""
        connection = self._request.conn.socket
        try:
            with selectors.DefaultSelector() as selector:  # select() knows no descriptor above 1,023
                selector.register(connection, selectors.EVENT_READ)
                return bool(selector.select(0)) and not connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def take(self) -> "TakenSocket":
        """Take the socket out of the server's hands, and leave an unconnected one that it can close."""
        connection = self._request.conn
        taken = socket.socket(fileno=connection.socket.detach())
        connection.socket = socket.socket()
        self._request.sent_headers = True
        self._request.close_connection = True
        self.is_taken = True
        return TakenSocket(taken, self._hospice)


class TakenSocket:
    """A socket that a fault acts on; between taking and acting it is written down."""

    def __init__(self, taken: socket.socket, hospice: SocketHospice) -> None:
        self._taken = taken
        self._hospice = hospice

    def act(self, script: Script, *, key: str, lost: Callable[[], None], is_over: Callable[[], bool]) -> None:
        """Let the script act; see `SocketHospice.hold`.

        is_over  whether the fault was ended meanwhile: whoever ended it may have released too early
        """
        self._hospice.hold(self._taken, key=key, script=script, lost=lost)
        if is_over():
            self._hospice.release([key])


class _HeaderReader(cheroot_server.HeaderReader):
    """Keeps the headers as they were sent; cheroot's own dictionary folds case and repeats."""

    def __call__(self, rfile: Any, hdict: Any = None) -> Any:
        lines = _Recorded(rfile)
        try:
            return super().__call__(lines, hdict)
        finally:
            hdict[b""] = lines.pairs()


class _Recorded:
    def __init__(self, rfile: Any) -> None:
        self._rfile = rfile
        self._lines: list[bytes] = []

    def readline(self) -> bytes:
        line: bytes = self._rfile.readline()
        self._lines.append(line)
        return line

    def pairs(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for line in self._lines:
            name, colon, value = line.decode("latin-1").partition(":")
            if line[:1] in (b" ", b"\t") and found:
                found[-1] = (found[-1][0], f"{found[-1][1]} {line.decode('latin-1').strip()}")
            elif colon:
                found.append((name.strip(), value.strip()))
        return found


class _Request(cheroot_server.HTTPRequest):
    """A request whose every refusal is JSON and none an HTTP 5xx."""

    header_reader = _HeaderReader()
    raw_headers: tuple[tuple[str, str], ...] = ()

    def parse_request(self) -> None:
        """Read the head, in bounded time."""
        with self.server.arrivals.arriving(self.conn.socket):
            super().parse_request()

    def read_request_headers(self) -> bool:
        """Read the head, and refuse framing that two readers could understand differently."""
        ready: bool = super().read_request_headers()  # type: ignore[no-untyped-call]
        self.raw_headers = tuple(self.inheaders.pop(b"", ()))
        if not ready:
            return False
        problem = _framing_problem(self.raw_headers)
        if problem is not None:
            self.simple_response("400 Bad Request", problem)
            self.close_connection = True
        return problem is None

    def simple_response(self, status: str | int, msg: str | bytes = "") -> None:
        """Answer with JSON and close; what cheroot calls a 5xx is a request that we do not understand."""
        code = str(status)[:3]
        wanted = str(status) if code < "500" else "400 Bad Request"
        text = msg.decode("latin-1") if isinstance(msg, bytes) else msg
        body = json.dumps({"code": wanted[:3], "msg": text or wanted[4:]}).encode()
        head = (
            f"HTTP/1.1 {wanted}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "X-Coinslot-Sandbox: 1\r\nConnection: close\r\n\r\n"
        )
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.conn.wfile.write(head.encode() + body)


class _HttpConnection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


def _framing_problem(headers: tuple[tuple[str, str], ...]) -> str | None:
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    chunked = any(name.lower() == "transfer-encoding" for name, _ in headers)
    if len(lengths) > 1 or (lengths and chunked):
        return "The body's length is given twice"
    if any(not (value.isascii() and value.isdigit() and len(value) < 19) for value in lengths):
        return "Content-Length is no number"
    return None


class _Gateway(wsgi.Gateway_10):
    """Reads the body, lets the application answer, and writes nothing where a fault took the socket."""

    def respond(self) -> None:
        """Serve one request."""
        request = self.req
        try:
            with request.server.arrivals.arriving(request.conn.socket):
                body, oversized = _read_body(request)
        except (BodyUnreadable, ValueError):
            request.simple_response("400 Bad Request", "The body's framing is broken")
            return
        connection = Connection(request, request.server.hospice)
        self._connection = connection
        self.env[WIRE] = WireRequest(
            method=request.method.decode("latin-1"),
            target=request.uri.decode("latin-1"),
            headers=request.raw_headers,
            body=body,
        )
        self.env[CONNECTION] = connection
        self.env[OVERSIZED] = oversized
        self.env["wsgi.input"] = io.BytesIO(body)
        try:
            super().respond()
        except OSError:
            if connection.when_lost is not None:
                connection.when_lost()
            raise
        if connection.is_taken:
            request.chunked_write = False

    def write(self, chunk: bytes) -> None:
        """Write a piece of the answer, unless there is nobody to write to any more."""
        if not self._connection.is_taken:
            super().write(chunk)


def _read_body(request: Any) -> tuple[bytes, bool]:
    """The body, and whether it was larger than allowed; then it is empty, but was read all the same."""
    if request.chunked_read:
        return _read_chunked(request.conn.rfile)
    length = int(request.inheaders.get(b"Content-Length", 0) or 0)
    if length > BODY_BYTES_MAX:
        _drain(request, length)
        return b"", True
    body = request.rfile.read(length) if length else b""
    if len(body) < length:
        raise BodyUnreadable
    return body, False


def _drain(request: Any, length: int) -> None:
    """Read what nobody wants, so that the client sees our answer; a monster is cut off instead."""
    if length > DRAIN_BYTES_MAX:
        request.close_connection = True
        return
    while length > 0:
        piece = request.rfile.read(min(length, 65_536))
        if not piece:
            return
        length -= len(piece)


def _read_chunked(rfile: Any) -> tuple[bytes, bool]:
    body = bytearray()
    total = 0
    while (size := _chunk_size(rfile.readline(256))) > 0:
        total += size
        if total > DRAIN_BYTES_MAX:
            raise BodyUnreadable
        for piece in _pieces(rfile, size):
            if total <= BODY_BYTES_MAX:
                body += piece
        if rfile.read(2) != b"\r\n":
            raise BodyUnreadable
    _skip_trailers(rfile)
    return (b"", True) if total > BODY_BYTES_MAX else (bytes(body), False)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not line.endswith(b"\r\n") or not digits or len(digits) > 12:
        raise BodyUnreadable
    if any(digit not in b"0123456789abcdefABCDEF" for digit in digits):
        raise BodyUnreadable
    return int(digits, 16)


def _pieces(rfile: Any, size: int) -> Any:
    while size > 0:
        piece = rfile.read(min(size, 65_536))
        if not piece:
            raise BodyUnreadable
        size -= len(piece)
        yield piece


def _skip_trailers(rfile: Any) -> None:
    for _ in range(64):
        line = rfile.readline(8192)
        if line == b"\r\n":
            return
        if not line.endswith(b"\r\n"):
            break
    raise BodyUnreadable


class _ThreadPool:
    """The workers of one server, as cheroot wants them: they start when needed, never hold up the end.

    size  so many at most
    """

    def __init__(self, server: Any, *, size: int) -> None:
        self.min = size
        self._server = server
        self._connections: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._counting = threading.Lock()
        self._spare = 0  # workers that wait, less connections that do
        self.get = self._connections.get

    def start(self) -> None:
        """Nothing yet: whoever is idle need not exist."""

    def put(self, connection: Any) -> None:
        """A connection has something to say."""
        with self._counting:
            self._spare -= 1
            if self._spare < 0 and len(self._workers) < self.min:
                self._spare += 1
                worker = threading.Thread(target=self._work, daemon=True)
                self._workers.append(worker)
                worker.start()
        self._connections.put(connection)

    def stop(self, timeout: float | None = None) -> None:
        """End the workers; one that is still busy when the time is up is left behind."""
        deadline_s = time.monotonic() + (timeout or 0)
        with self._counting:
            workers = list(self._workers)
        for _ in workers:
            self._connections.put(None)
        for worker in workers:
            worker.join(max(deadline_s - time.monotonic(), 0))

    def _work(self) -> None:
        while (connection := self._connections.get()) is not None:
            keep_open = False
            try:
                keep_open = connection.communicate()
            finally:
                with contextlib.suppress(OSError):
                    if keep_open:
                        self._server.put_conn(connection)
                    else:
                        connection.close()
                with self._counting:
                    self._spare += 1


class _CherootServer(wsgi.Server):
    ConnectionClass = _HttpConnection
    max_request_header_size = HEAD_BYTES_MAX
    keep_alive_conn_limit = KEEP_ALIVE_MAX
    expiration_interval = 0.1
    hospice: SocketHospice
    arrivals: ArrivalWatch

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Say nothing: a client that goes away is no news, and our own errors are journalled."""


class HttpServer:
    """One listening address, served by threads of this process.

    port       0 takes a free one
    arrival_s  how long the head of a request may take to arrive, and how long its body
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        host: str,
        port: int,
        hospice: SocketHospice,
        arrival_s: float = ARRIVAL_S,
    ) -> None:
        server = _CherootServer((host, port), app, numthreads=THREADS, server_name=SERVER_NAME)
        server.requests = _ThreadPool(server, size=THREADS)
        server.gateway = _Gateway
        server.request_queue_size = 256
        server.timeout = TIMEOUT_S
        server.shutdown_timeout = 1
        server.hospice = hospice
        server.arrivals = ArrivalWatch(arrival_s=arrival_s)
        self._server = server
        self._thread = threading.Thread(target=self._serve, name=f"coinslot-http-{port}", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.bind_addr[1])

    def start(self) -> None:
        """Listen, and serve in the background; OSError where the address is taken."""
        self._server.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, then close."""
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._server.arrivals.stop()

    def _serve(self) -> None:
        with contextlib.suppress(OSError, cheroot_errors.FatalSSLAlert):
            self._server.serve()
