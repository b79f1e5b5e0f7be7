"""HTTP requests as exact bytes over sockets of our own, one or many at once.

`send_together` holds back the last byte of every request and lets all go at one moment. The bytes are sent as
they are given; redirects are not followed; the whole exchange has one deadline, however slow the answer is.
Knows neither orders nor the store, so scenarios use it for their own calls too.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11
from coinslot_contracts.wire import Headers, WireReply, WireRequest

REPLY_BYTES_MAX = 65_536
"""So much of an answer's body is kept; what comes beyond is read and thrown away."""
DRAIN_BYTES_MAX = 16 * 1_048_576
READ_BYTES = 65_536
BARRIER_S = 2.0
"""How long a request that is ready waits for the others; one that cannot connect must not hold them up."""

MayConnect = Callable[[str, str], bool]
"""Host as named in the URL, address it resolved to -> whether we may connect to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request that is ready to go.

    url      where to: scheme, host and port are taken from it
    request  method, target, headers and body as they are to be sent; Host, Content-Length and Connection are
             added where they are not given
    """

    url: str
    request: WireRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What became of one request.

    sent        the request with the headers that really went out
    reply       the answer, its body cut at REPLY_BYTES_MAX; None where there was none
    error       None, "timeout", "connection-refused", "connection-dropped", "address-not-allowed",
                "host-unknown", "tls-failed", "reply-malformed" or "reply-too-large"
    at_s        when it began, seconds since 1970
    """

    sent: WireRequest
    reply: WireReply | None
    error: str | None
    at_s: float
    elapsed_ms: float


@dataclass(slots=True)
class _Barrier:
    """Holds the last bytes back until all are there, or BARRIER_S have passed, or some have given up."""

    parties: int
    condition: threading.Condition = field(default_factory=threading.Condition)

    def arrive(self, *, timeout_s: float) -> None:
        with self.condition:
            self.parties -= 1
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.parties <= 0, timeout_s)

    def give_up(self) -> None:
        with self.condition:
            self.parties -= 1
            self.condition.notify_all()


class SendFailed(Exception):
    """The exchange ended without an answer; `error` is a SendResult's."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def send(outgoing: Outgoing, *, timeout_s: float, may_connect: MayConnect | None = None) -> SendResult:
    """Send one request and read its answer."""
    return _exchange(outgoing, timeout_s=timeout_s, may_connect=may_connect, barrier=None)


def send_together(
    requests: Sequence[Outgoing], timeout_s: float, *, may_connect: MayConnect | None = None
) -> list[SendResult]:
    """Send requests so that their last bytes leave at one moment; results in the order of the requests."""
    if not requests:
        return []
    barrier = _Barrier(len(requests))

    def one(outgoing: Outgoing) -> SendResult:
        return _exchange(outgoing, timeout_s=timeout_s, may_connect=may_connect, barrier=barrier)

    with ThreadPoolExecutor(max_workers=len(requests), thread_name_prefix="coinslot-send") as pool:
        return list(pool.map(one, requests))


def wire_form(outgoing: Outgoing) -> WireRequest:
    """The request with every header that goes out."""
    parts = urlsplit(outgoing.url)
    request = outgoing.request
    given = {name.lower() for name, _ in request.headers}
    framed = "transfer-encoding" in given
    added: list[tuple[str, str]] = []
    if "host" not in given:
        added.append(("Host", _host_header(parts)))
    if "content-length" not in given and not framed and (request.body or request.method != "GET"):
        added.append(("Content-Length", str(len(request.body))))
    if "connection" not in given:
        added.append(("Connection", "close"))
    return WireRequest(
        method=request.method,
        target=request.target,
        headers=(*added[:1], *request.headers, *added[1:])
        if "host" not in given
        else (*request.headers, *added),
        body=request.body,
    )


def target_of(url: str) -> str:
    """The request target of a URL: path and query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _exchange(
    outgoing: Outgoing, *, timeout_s: float, may_connect: MayConnect | None, barrier: _Barrier | None
) -> SendResult:
    at_s, began_s = time.time(), time.monotonic()
    sent = wire_form(outgoing)
    reply: WireReply | None = None
    error: str | None = None
    turn = _Turn(barrier)
    try:
        reply = _talk(outgoing.url, sent, began_s + timeout_s, may_connect, turn)
    except SendFailed as failure:
        error = failure.error
    finally:
        turn.end()
    elapsed_ms = (time.monotonic() - began_s) * 1000
    return SendResult(sent=sent, reply=reply, error=error, at_s=at_s, elapsed_ms=elapsed_ms)


@dataclass(slots=True)
class _Turn:
    """One party's part in a barrier: it arrives once, or gives up once."""

    barrier: _Barrier | None

    def wait(self, timeout_s: float) -> None:
        barrier, self.barrier = self.barrier, None
        if barrier is not None:
            barrier.arrive(timeout_s=min(timeout_s, BARRIER_S))

    def end(self) -> None:
        barrier, self.barrier = self.barrier, None
        if barrier is not None:
            barrier.give_up()


def _talk(
    url: str, sent: WireRequest, deadline_s: float, may_connect: MayConnect | None, turn: _Turn
) -> WireReply:
    parts = urlsplit(url)
    raw = dump_request(sent)
    try:
        with _connect(parts, deadline_s, may_connect) as connection:
            connection.settimeout(_left_s(deadline_s))
            connection.sendall(raw[:-1])
            turn.wait(_left_s(deadline_s))
            connection.sendall(raw[-1:])
            return _read_reply(connection, sent.method, deadline_s)
    except TimeoutError:
        raise SendFailed("timeout") from None
    except ConnectionRefusedError:
        raise SendFailed("connection-refused") from None
    except ssl.SSLError:
        raise SendFailed("tls-failed") from None
    except OSError:
        raise SendFailed("connection-dropped") from None


def dump_request(request: WireRequest) -> bytes:
    """The bytes of a request, headers in Latin-1 as they are given."""
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "surrogateescape") + request.body


def _connect(parts: SplitResult, deadline_s: float, may_connect: MayConnect | None) -> socket.socket:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SendFailed("host-unknown") from None
    if may_connect is not None:
        found = [item for item in found if may_connect(host, str(item[4][0]))]
    if not found:
        raise SendFailed("address-not-allowed")
    connection = _first_open(found, deadline_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if parts.scheme != "https":
        return connection
    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _first_open(found: Sequence[tuple[int, int, int, str, Any]], deadline_s: float) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(_left_s(deadline_s))
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    assert failure is not None
    raise failure


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _read_reply(connection: socket.socket, method: str, deadline_s: float) -> WireReply:
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=REPLY_BYTES_MAX)
    reader.send(h11.Request(method=method, target="/", headers=[("Host", "any")]))
    reader.send(h11.EndOfMessage())
    head: h11.Response | None = None
    body = bytearray()
    read = 0
    try:
        while True:
            event = reader.next_event()
            if event is h11.NEED_DATA:
                connection.settimeout(_left_s(deadline_s))
                reader.receive_data(connection.recv(READ_BYTES))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                read += len(event.data)
                body += event.data[: REPLY_BYTES_MAX - len(body)]
                _check_size(read)
            elif isinstance(event, h11.EndOfMessage):
                break
    except h11.RemoteProtocolError:
        raise SendFailed(_protocol_error(reader, read)) from None
    assert head is not None
    return WireReply(status=head.status_code, headers=_headers(head), body=bytes(body))


def _check_size(read_bytes: int) -> None:
    if read_bytes > DRAIN_BYTES_MAX:
        raise SendFailed("reply-too-large")


def _protocol_error(reader: h11.Connection, read_bytes: int) -> str:
    closed = reader.trailing_data[1]
    return "connection-dropped" if closed or read_bytes else "reply-malformed"


def _headers(head: h11.Response) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
    )


def _host_header(parts: SplitResult) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return shown if parts.port is None else f"{shown}:{parts.port}"
