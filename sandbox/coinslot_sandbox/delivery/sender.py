"""HTTP requests as exact bytes over sockets of our own: one, many at once, or a row over one connection.

`send_together` holds back the last byte of every request and lets all go at one moment. The bytes are sent as
they are given; redirects are not followed; the whole exchange has one deadline, however slow the answer is.
Only the look-up of a name is the system's and cannot be cut short: where name servers are silent it lasts as
long as the system waits for them, and the exchange then ends as timed out.
Knows neither orders nor the store, so scenarios use it for their own calls too.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.delivery.replies import ReplyReader, SendFailed, left_s
from coinslot_sandbox.delivery.wire_forms import Outgoing, dump_body, dump_head, pieces, target_of, wire_form

__all__ = ["Outgoing", "SendResult", "send", "send_in_row", "send_together", "target_of", "wire_form"]

BARRIER_S = 2.0
"""How long a request that is ready waits for the others; one that cannot connect must not hold them up."""
EXPECT_S: Final = 1.0
"""How long a body waits for the receiver's go (RFC 9110 leaves it to the sender)."""
CUT = "reply-cut"

MayConnect = Callable[[str, str], bool]
"""Host as named in the URL, address it resolved to -> whether we may connect to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What became of one request.

    sent        the request with the headers that really went out; its body is empty where none was sent
    reply       the answer, its body cut at REPLY_BYTES_MAX; None where there was none
    error       None, "timeout", "connection-refused", "connection-dropped", "address-not-allowed",
                "host-unknown", "tls-failed", "reply-malformed", "reply-too-large", or "reply-cut" where only
                the head of the answer was read, as the form asked
    at_s        when it began, seconds since 1970
    connect_ms  from then until the connection was open; None where none was opened for this request
    ttfb_ms     from then until the first byte of the answer; None where none came
    went_out    whether every byte of the request left us, whatever came of it
    """

    sent: WireRequest
    reply: WireReply | None
    error: str | None
    at_s: float
    elapsed_ms: float
    connect_ms: float | None = None
    ttfb_ms: float | None = None
    went_out: bool = False


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


def send(outgoing: Outgoing, *, timeout_s: float, may_connect: MayConnect | None = None) -> SendResult:
    """Send one request and read its answer."""
    with _Line(may_connect) as line:
        return line.exchange(outgoing, timeout_s=timeout_s)


def send_together(
    requests: Sequence[Outgoing], timeout_s: float, *, may_connect: MayConnect | None = None
) -> list[SendResult]:
    """Send requests so that their last bytes leave at one moment; results in the order of the requests."""
    if not requests:
        return []
    barrier = _Barrier(len(requests))

    def one(outgoing: Outgoing) -> SendResult:
        with _Line(may_connect, barrier) as line:
            return line.exchange(outgoing, timeout_s=timeout_s)

    with ThreadPoolExecutor(max_workers=len(requests), thread_name_prefix="coinslot-send") as pool:
        return list(pool.map(one, requests))


def send_in_row(
    requests: Sequence[Outgoing], timeout_s: float, *, may_connect: MayConnect | None = None
) -> list[SendResult]:
    """Send requests one after another over one connection; a new one is opened where the peer closed it."""
    with _Line(may_connect) as line:
        return [
            line.exchange(
                replace(outgoing, form=replace(outgoing.form, keep_alive=True)), timeout_s=timeout_s
            )
            for outgoing in requests
        ]


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


@dataclass(slots=True)
class _Marks:
    """Moments of one exchange, by the monotonic clock."""

    connected_s: float | None = None
    first_byte_s: float | None = None
    went_out: bool = False


class _Line:
    """One connection at a time, kept for the next request where both sides want that."""

    def __init__(self, may_connect: MayConnect | None, barrier: _Barrier | None = None) -> None:
        self._may_connect = may_connect
        self._turn = _Turn(barrier)
        self._open: tuple[str, socket.socket] | None = None

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *details: object) -> None:
        self._turn.end()
        self._close()

    def exchange(self, outgoing: Outgoing, *, timeout_s: float) -> SendResult:
        """Send one request and read its answer; never raises what a network can do."""
        at_s, began_s, marks = time.time(), time.monotonic(), _Marks()
        deadline_s = began_s + timeout_s + outgoing.form.trickle_s
        sent = wire_form(outgoing)
        reply: WireReply | None = None
        error: str | None = None
        try:
            sent, reply = self._talk(outgoing, sent, deadline_s, marks)
            error = CUT if outgoing.form.cut_reply else None
        except SendFailed as failure:
            error = failure.error
        finally:
            if error is not None:
                self._close()
            self._turn.end()
        return SendResult(
            sent=sent,
            reply=reply,
            error=error,
            at_s=at_s,
            elapsed_ms=(time.monotonic() - began_s) * 1000,
            connect_ms=_since(began_s, marks.connected_s),
            ttfb_ms=_since(began_s, marks.first_byte_s),
            went_out=marks.went_out,
        )

    def _talk(
        self, outgoing: Outgoing, sent: WireRequest, deadline_s: float, marks: _Marks
    ) -> tuple[WireRequest, WireReply]:
        try:
            connection = self._connection(outgoing.url, deadline_s, marks)
            reader = ReplyReader(connection, sent.method, deadline_s)
            try:
                sent = self._send(connection, reader, outgoing, sent, deadline_s)
                marks.went_out = True
                reply = reader.read(only_head=outgoing.form.cut_reply)
            finally:
                marks.first_byte_s = reader.first_byte_s
        except TimeoutError:
            raise SendFailed("timeout") from None
        except ConnectionRefusedError:
            raise SendFailed("connection-refused") from None
        except ssl.SSLError:
            raise SendFailed("tls-failed") from None
        except OSError:
            raise SendFailed("connection-dropped") from None
        if not (outgoing.form.keep_alive and reader.may_reuse):
            self._close()
        return sent, reply

    def _send(
        self,
        connection: socket.socket,
        reader: ReplyReader,
        outgoing: Outgoing,
        sent: WireRequest,
        deadline_s: float,
    ) -> WireRequest:
        """Send head and body, the last byte at the barrier; the request as it really went out."""
        form, head = outgoing.form, dump_head(sent)
        body = dump_body(sent.body, form)
        connection.settimeout(left_s(deadline_s))
        if form.expect_continue and body:
            connection.sendall(head)
            head = b""
            if not reader.await_go(patience_s=EXPECT_S):
                return replace(sent, body=b"")
        raw = head + body if not form.trickle_s else body
        if form.trickle_s:
            connection.sendall(head)
        for piece, pause_s in pieces(raw[:-1], form):
            connection.settimeout(left_s(deadline_s))
            connection.sendall(piece)
            if pause_s:
                time.sleep(min(pause_s, left_s(deadline_s)))
        self._turn.wait(left_s(deadline_s))
        connection.sendall(raw[-1:])
        return sent

    def _connection(self, url: str, deadline_s: float, marks: _Marks) -> socket.socket:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        if self._open is not None and self._open[0] == place:
            return self._open[1]
        self._close()
        connection = _connect(parts, deadline_s, self._may_connect)
        marks.connected_s = time.monotonic()
        self._open = (place, connection)
        return connection

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


def _since(began_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else (then_s - began_s) * 1000


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
        connection.settimeout(left_s(deadline_s))
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _first_open(found: Sequence[tuple[int, int, int, str, Any]], deadline_s: float) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(left_s(deadline_s))
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    assert failure is not None
    raise failure
