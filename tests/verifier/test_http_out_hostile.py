"""Answers that never end, or unpack to more than a machine holds: an outage, in bounded time and memory.

The time limits are real and short, the waits until a test fails long: nothing here is judged by the clock.
"""

import gzip
import itertools
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    KeySourceUnavailable,
    Undecided,
    VerifyUnavailable,
)
from coinslot_verifier.http_out import KEY_ANSWER_BYTES_MAX, HttpOut

HEAD = b"HTTP/1.1 200 OK\r\n"
BREAK = b"\r\n"
CLOSE = HEAD + b"Connection: close\r\n"
MIB = 1_048_576
WAIT_S = 60.0


class StreamServer:
    """Sends the pieces of a script to one client, each after a pause, until it leaves."""

    def __init__(self, pieces: Iterable[bytes], *, pause_s: float) -> None:
        self.sent_bytes = 0
        self.was_left = threading.Event()
        self._pieces = pieces
        self._pause_s = pause_s
        self._released = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/key"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.settimeout(WAIT_S)
            connection.recv(65_536)
            try:
                self._send(connection)
            except OSError:
                self.was_left.set()

    def _send(self, connection: socket.socket) -> None:
        for piece in self._pieces:
            connection.sendall(piece)
            self.sent_bytes += len(piece)
            if self._released.wait(self._pause_s) or self.sent_bytes > 512 * MIB:
                return

    def stop(self) -> None:
        self._released.set()
        self._socket.close()
        self._thread.join()


@contextmanager
def streaming(pieces: Iterable[bytes], *, pause_s: float = 0.0) -> Iterator[StreamServer]:
    server = StreamServer(pieces, pause_s=pause_s)
    try:
        yield server
    finally:
        server.stop()


def ask(ask_with: str, url: str, timeout_s: float) -> None:
    out = HttpOut(timeout_s=timeout_s)
    if ask_with == "post":
        out.post(url, headers=(), body=b"{}", attempts_max=1)
    else:
        getattr(out, ask_with)(url, attempts_max=1)


TRICKLES: dict[str, Callable[[], Iterable[bytes]]] = {
    "the status line": lambda: itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(b"O")),
    "the headers": lambda: itertools.chain([HEAD, b"X: "], itertools.repeat(b"y")),
    "provisional answers": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body of known length": lambda: itertools.chain(
        [HEAD, b"Content-Length: 60000\r\n\r\n"], itertools.repeat(b" ")
    ),
    "a body until the end": lambda: itertools.chain([CLOSE, BREAK], itertools.repeat(b" ")),
    "chunks": lambda: itertools.chain(
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\n \r\n")
    ),
    "a chunk's size": lambda: itertools.chain(
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"0")
    ),
    "the trailer": lambda: itertools.chain(
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n"], itertools.repeat(b"X: y\r\n")
    ),
    "a compressed body": lambda: itertools.chain(
        [CLOSE, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"{", mtime=0)[:10]], itertools.repeat(b"\0")
    ),
}


@pytest.mark.parametrize("where", TRICKLES)
@pytest.mark.parametrize(
    ("ask_with", "error"),
    [("get", KeySourceUnavailable), ("get_verdict", VerifyUnavailable), ("post", ConfirmUnavailable)],
)
def test_a_trickle_ends_wherever_it_is(where, ask_with, error):
    """Each byte comes well within the time limit, and the whole does not: the limit is for the whole."""
    with streaming(TRICKLES[where](), pause_s=0.02) as server:
        with pytest.raises(error):
            ask(ask_with, server.url, timeout_s=0.25)
        assert server.was_left.wait(WAIT_S)


@pytest.mark.parametrize("where", ["provisional answers", "chunks", "the trailer"])
def test_a_flood_without_content_ends_too(where):
    """As above, as fast as the machine can: no limit of size is ever reached."""
    script = iter(TRICKLES[where]())
    bursts = (b"".join(itertools.islice(script, 2_000)) for _ in itertools.count())
    with streaming(bursts, pause_s=0.001) as server:
        with pytest.raises(KeySourceUnavailable):
            ask("get", server.url, timeout_s=0.25)
        assert server.was_left.wait(WAIT_S)


def peak_bytes(call: Callable[[], object]) -> int:
    """The most memory that Python held for the call, servers and all, beyond what it held before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def refused_by(answer: list[bytes], match: str) -> Callable[[], None]:
    def call() -> None:
        with streaming(answer) as server, pytest.raises(Undecided, match=match):
            ask("get", server.url, timeout_s=20)

    return call


BOMB = gzip.compress(bytes(200 * MIB), 1)


@pytest.mark.parametrize(
    ("encoding", "body", "match"),
    [
        ("gzip", BOMB, "longer than"),
        ("x-gzip", BOMB, "longer than"),
        ("deflate", zlib.compress(bytes(64 * MIB)), "longer than"),
        ("gzip", gzip.compress(b"", mtime=0) * 50_000 + BOMB[: 2 * MIB], "longer than"),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(64 * MIB))), "ValueError"),
        ("br", b"\x1b" * 100, "ValueError"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], "ValueError"),
        ("gzip", b"", "ValueError"),
        ("gzip", b"{}", "ValueError"),
    ],
)
def test_a_compressed_answer_costs_no_more_than_a_plain_one(encoding, body, match):
    """The library would unpack each piece of 64 KiB whole, to 64 MiB, and layers of it to any size."""
    answer = [CLOSE + b"Content-Encoding: " + encoding.encode() + b"\r\n\r\n", body]
    refused_by(answer, match)()

    assert peak_bytes(refused_by(answer, match)) < 4 * MIB


@pytest.mark.parametrize("encoding", ["", "identity", "GZIP ", "deflate"])
def test_an_answer_in_an_encoding_that_we_know_is_read(encoding):
    """The positive twin, up to the limit itself; several gzip members are one body."""
    plain = b"x" * KEY_ANSWER_BYTES_MAX
    halves = (plain[:100], plain[100:])
    packed = {"GZIP ": b"".join(map(gzip.compress, halves)), "deflate": zlib.compress(plain)}
    body = packed.get(encoding, plain)
    with streaming([CLOSE + f"Content-Encoding: {encoding}\r\n\r\n".encode(), body]) as server:
        assert HttpOut(timeout_s=20).get(server.url, attempts_max=1).body == plain


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"y" * 10 * MIB + b"\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"y" * 50_000) for number in range(200)),
        b"X: y\r\n" * (10 * MIB // 6),
    ],
    ids=["one", "200", "short ones"],
)
def test_ten_megabytes_of_headers_are_no_answer(headers):
    """A bounded read of the head too."""
    answer = [HEAD, headers, b"Content-Length: 2\r\n\r\n{}"]

    assert peak_bytes(refused_by(answer, "could not be asked")) < 16 * MIB


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_body_of_a_redirect_is_never_read(status):
    """requests reads it to the end, even where it is told not to follow."""
    head = f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n".encode()
    with streaming(itertools.chain([head], itertools.repeat(bytes(65_536)))) as server:
        with pytest.raises(KeySourceUnavailable, match="redirect"):
            ask("get", server.url, timeout_s=WAIT_S)
        assert server.was_left.wait(WAIT_S)
        assert server.sent_bytes < 64 * MIB
