"""The only door out: bounded in time and bytes, led nowhere else, and never with a word of its own."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from coinslot_contracts.errors import ConfirmUnavailable, KeySourceUnavailable
from coinslot_testkit.outcomes import code_of
from coinslot_verifier.http_out import KEY_ANSWER_BYTES_MAX, HttpOut
from hypothesis import given, settings
from hypothesis import strategies as st

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class RawServer:
    """Answers each connection with the next script: bytes to send, then closes; None drops at once."""

    def __init__(self, answers: list[bytes | None], *, hold: bool) -> None:
        self.requests: list[bytes] = []
        self._answers = answers
        self._hold = hold
        self._released = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/key?x=1"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                if answer is not None:
                    self.requests.append(_read_request(connection))
                    connection.sendall(answer)
                if self._hold:
                    self._released.wait(10)

    def stop(self) -> None:
        self._released.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def _read_request(connection: socket.socket) -> bytes:
    """One request, with as much body as its Content-Length says."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65_536)
    head, _, body = raw.partition(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"content-length: ")
    wanted = int(rest.split(b"\r\n")[0]) if found else 0
    while len(body) < wanted:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def answering(*answers: bytes | None, hold: bool = False) -> Iterator[RawServer]:
    server = RawServer(list(answers), hold=hold)
    try:
        yield server
    finally:
        server.stop()


def get(url: str, *, timeout_s: float = 5, attempts_max: int = 1):
    return HttpOut(timeout_s=timeout_s).get(url, attempts_max=attempts_max)


def clock_of(*times_s: float) -> HttpOut:
    times = iter(times_s)
    return HttpOut(timeout_s=5, monotonic=lambda: next(times))


def test_a_get_sends_the_target_and_returns_status_headers_and_body():
    """No cookie, no connection kept, no other header than these."""
    with answering(b"HTTP/1.1 418 Teapot\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi") as server:
        reply = get(server.url)

    assert (reply.status, reply.body, reply.header("x-one")) == (418, b"hi", "1")
    lines = server.requests[0].split(b"\r\n")
    assert lines[0] == b"GET /key?x=1 HTTP/1.1"
    names = {line.partition(b":")[0].lower() for line in lines[1:] if line}
    assert names == {b"host", b"user-agent", b"accept", b"accept-encoding"}


def test_a_post_sends_exactly_these_bytes_and_headers():
    """jogos:iap.2: the signature covers the bytes that are sent, so nobody may write them anew."""
    body = '{"gameId": 1220, "n":"中"}'.encode()
    with answering(OK) as server:
        HttpOut(timeout_s=5).post(server.url, headers=(("Authorization", "aB12"),), body=body, attempts_max=1)

    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert b"Authorization: aB12" in head.split(b"\r\n")


def test_the_environment_changes_nothing(monkeypatch, tmp_path):
    """A proxy would see the keys; a netrc would replace the signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with answering(OK) as server:
        assert get(server.url).status == 200
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_no_redirect_is_followed(status):
    """A redirect could lead our trust in a key to another host."""
    with answering(OK) as other:
        redirect = f"HTTP/1.1 {status} X\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with answering(redirect) as server, pytest.raises(KeySourceUnavailable, match="redirect"):
            get(server.url)

    assert other.requests == []


def test_a_connection_that_fails_is_tried_again_while_attempts_last():
    """A dropped connection is no answer; a status is."""
    with answering(None, OK) as server:
        assert get(server.url, attempts_max=2).status == 200
    with answering(None, None) as server, pytest.raises(KeySourceUnavailable, match="could not be asked"):
        get(server.url, attempts_max=2)
    with answering(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", OK) as server:
        assert get(server.url, attempts_max=2).status == 503


def test_a_failed_post_is_a_confirmation_still_to_make():
    """jogos:iap.2"""
    with answering(None) as server, pytest.raises(ConfirmUnavailable):
        HttpOut(timeout_s=5).post(server.url, headers=(), body=b"{}", attempts_max=1)


def test_no_attempt_is_made_after_the_deadline():
    """The time is for all attempts together."""
    with answering(None, OK) as server, pytest.raises(KeySourceUnavailable):
        clock_of(0.0, 0.0, 10.0).get(server.url, attempts_max=2)


def test_silence_ends_at_the_time_limit():
    """A hanging portal must not hold our threads."""
    with answering(b"", hold=True) as server, pytest.raises(KeySourceUnavailable, match=r"within 0\.2 s"):
        get(server.url, timeout_s=0.2, attempts_max=2)


def test_a_trickle_ends_at_the_time_limit():
    """Each byte comes in time, the whole does not."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"
    with answering(half, hold=True) as server, pytest.raises(KeySourceUnavailable, match="within 5 s"):
        clock_of(0.0, 0.0, 99.0).get(server.url, attempts_max=1)


def test_a_flood_ends_at_the_size_limit():
    """A bounded read, whatever Content-Length says."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with answering(head + b"x" * KEY_ANSWER_BYTES_MAX) as server:
        assert len(get(server.url).body) == KEY_ANSWER_BYTES_MAX
    flood = head + b"x" * (KEY_ANSWER_BYTES_MAX + 1)
    with answering(flood) as server, pytest.raises(KeySourceUnavailable, match="longer than"):
        get(server.url)


@pytest.mark.parametrize(("encoding", "compress"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_a_compressed_answer_is_read_and_a_bomb_is_not(encoding, compress):
    """The limit is on what comes out."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: " + encoding + b"\r\n\r\n"
    with answering(head + compress(b'{"data":"x"}')) as server:
        assert get(server.url).body == b'{"data":"x"}'
    bomb = head + compress(bytes(10_000_000))
    with answering(bomb) as server, pytest.raises(KeySourceUnavailable, match="longer than"):
        get(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_an_answer_that_is_no_http_is_an_outage(answer):
    """Nothing that comes over the wire leaves as another error."""
    with answering(answer) as server, pytest.raises(KeySourceUnavailable):
        get(server.url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://", "nonsense", "http://a\x00b/", "http://é\udc80/"]
)
def test_an_address_that_cannot_be_asked_is_an_outage(url):
    """As above, before the wire."""
    with pytest.raises(KeySourceUnavailable):
        get(url)


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_for_an_answer_are_a_reply_or_an_outage(junk):
    """Whatever comes back."""
    with answering(b"HTTP/1.1 200 OK\r\n" + junk) as server:
        assert code_of(get, server.url) in {None, "key-source-unavailable"}


def _resolving(monkeypatch, *addresses):
    """The host of a portal with several addresses; any other is looked up as ever."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **more):
        names = addresses if host == "portal.test" else (host,)
        return [found for name in names for found in look_up(name, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_host_is_asked_at_its_next_address_where_one_refuses(monkeypatch):
    """The first has nobody who listens."""
    _resolving(monkeypatch, "::1", "127.0.0.1")
    with answering(OK) as server:
        reply = get(server.url.replace("127.0.0.1", "portal.test"))

    assert reply.status == 200
    assert b"Host: portal.test" in server.requests[0]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_host_without_an_address_is_an_outage(monkeypatch, error):
    """Nothing is known of the portal then, least of all that a player lied."""

    def getaddrinfo(*_, **__):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert code_of(get, "http://portal.test:1/key") == "key-source-unavailable"


@pytest.mark.parametrize("count", [1, 3])
def test_all_addresses_of_a_host_share_the_time_limit(monkeypatch, count):
    """A black hole: nobody answers, and the question ends as if the host had one address."""
    limits_s = []

    def black_hole(address, timeout, **more):
        limits_s.append(timeout)
        threading.Event().wait(timeout)
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", black_hole)
    _resolving(monkeypatch, *[f"127.0.0.{number}" for number in range(1, count + 1)])

    with pytest.raises(KeySourceUnavailable, match="did not answer within"):
        get("http://portal.test:1/key", timeout_s=0.3)

    assert len(limits_s) == count
    assert sum(limits_s) <= 0.31
    assert min(limits_s) > 0.3 / count / 2
