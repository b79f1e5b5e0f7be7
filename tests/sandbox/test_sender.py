"""The sender alone: exact bytes, one deadline, no redirects, last bytes at one moment."""

import contextlib
import socket
import threading
import time

import pytest
from coinslot_contracts.wire import WireRequest
from coinslot_sandbox.delivery import replies, sender
from coinslot_sandbox.delivery.sender import Outgoing, send, send_together, target_of, wire_form
from coinslot_sandbox.delivery.wire_forms import PLAIN, dump_body, dump_head
from coinslot_testkit.recording_backend import Says


class ScriptedServer:
    """Answers one connection after another with a function over the raw socket."""

    def __init__(self, serve):
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/x"

    def __exit__(self, *details):
        self._socket.close()
        self._thread.join(5)

    def _run(self):
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                self._serve(connection)
            except OSError:
                return


def _dumped(request):
    return dump_head(request) + dump_body(request.body, PLAIN)


def _post(url, body=b"{}", **members):
    return Outgoing(url=url, request=WireRequest(method="POST", target=target_of(url), body=body, **members))


def _script(*pieces, pause_s=0.0, wait=None):
    def serve(connection):
        request = b""
        while not request.endswith(b"{}"):  # a byte left unread would make the close a reset
            request += connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            threading.Event().wait(pause_s)
        if wait is not None:
            wait.wait(5)

    return serve


def test_the_bytes_are_sent_as_given(backend):
    """Header spelling and order, target and body are the caller's."""
    url = f"{backend.url}?a=%20b"
    headers = (("x-ODD", "é\xff"), ("Host", "elsewhere"))

    result = send(_post(url, body=b"\x00\xff", headers=headers), timeout_s=5)

    (arrival,) = backend.arrivals
    assert (arrival.target, arrival.body) == ("/notify?a=%20b", b"\x00\xff")
    assert ("x-ODD", "é\xff") in arrival.headers
    assert arrival.header("Host") == "elsewhere"
    assert result.error is None
    assert (result.reply.status, result.reply.body) == (200, b'{"code":"200","msg":"Success"}')


def test_what_went_out_is_reported():
    """SendResult.sent holds the headers that were added."""
    sent = wire_form(_post("http://127.0.0.1:80/x", body=b"abc"))

    assert sent.headers == (("Host", "127.0.0.1:80"), ("Content-Length", "3"), ("Connection", "close"))
    assert _dumped(sent) == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    )


@pytest.mark.parametrize(
    ("url", "target"),
    [("http://a", "/"), ("http://a/b?c=d", "/b?c=d"), ("http://a?c", "/?c"), ("http://[::1]:8/", "/")],
)
def test_a_target_is_path_and_query(url, target):
    """RFC 9112 section 3.2.1."""
    assert target_of(url) == target


def test_a_redirect_is_an_answer_like_any_other(backend):
    """It is not followed."""
    backend.answer_with(Says(status=302, headers=(("Location", backend.url),), body=b""))

    assert send(_post(backend.url), timeout_s=5).reply.status == 302
    assert len(backend.arrivals) == 1


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",), b"ab"),
        ((b"HTTP/1.1 200 OK\r\n\r\nab", b"cd"), b"abcd"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",), b"ab"),
        ((b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n",), b""),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b""),
    ],
)
def test_every_framing_of_an_answer_is_read(pieces, body):
    """RFC 9112 section 6."""
    with ScriptedServer(_script(*pieces)) as url:
        result = send(_post(url), timeout_s=5)

    assert (result.error, result.reply.body) == (None, body)


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ((), "connection-dropped"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nab",), "connection-dropped"),
        ((b"HTTP/1.1 200 OK\r\nContent-Le",), "connection-dropped"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "reply-malformed"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",), "reply-malformed"),
    ],
)
def test_a_broken_answer_is_named(pieces, error):
    """No exception leaves the sender."""
    with ScriptedServer(_script(*pieces)) as url:
        result = send(_post(url), timeout_s=5)

    assert (result.reply, result.error) == (None, error)


def test_a_trickle_ends_with_the_deadline():
    """The whole exchange has one deadline, however often a byte comes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with ScriptedServer(_script(head, *[b"x"] * 1000, pause_s=0.05)) as url:
        began_s = time.monotonic()
        result = send(_post(url), timeout_s=0.4)

    assert result.error == "timeout"
    assert time.monotonic() - began_s < 2


def test_a_huge_answer_is_cut(monkeypatch):
    """64 KiB are kept, the rest is read and thrown away; far beyond that it is refused."""
    monkeypatch.setattr(replies, "DRAIN_BYTES_MAX", 500_000)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with ScriptedServer(_script(head, b"x" * 400_000)) as url:
        kept = send(_post(url), timeout_s=5)
    with ScriptedServer(_script(head, b"x" * 2_000_000)) as url:
        refused = send(_post(url), timeout_s=5)

    assert (kept.error, len(kept.reply.body)) == (None, 65_536)
    assert (refused.reply, refused.error) == (None, "reply-too-large")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:9/", "connection-refused"),
        ("http://unknown.invalid./", "host-unknown"),
        (f"http://{'a' * 64}.test/", "host-unknown"),
    ],
)
def test_who_cannot_be_reached_is_named(url, error):
    """No exception leaves the sender."""
    assert send(_post(url), timeout_s=5).error == error


def test_an_address_that_may_not_be_called_is_not(backend):
    """The address is judged again at the moment of connecting."""
    asked: list[tuple[str, str]] = []

    result = send(_post(backend.url), timeout_s=5, may_connect=lambda *pair: bool(asked.append(pair)))

    assert result.error == "address-not-allowed"
    assert asked == [("127.0.0.1", "127.0.0.1")]
    assert backend.arrivals == []


def test_connection_and_tls_share_one_deadline(monkeypatch):
    """It takes most of a second to open, then nobody answers the handshake: it ends all the same."""
    opens = socket.socket.connect

    def open_slowly(self, address):
        time.sleep(0.7)
        opens(self, address)

    monkeypatch.setattr(socket.socket, "connect", open_slowly)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = send(_post(f"https://127.0.0.1:{silent.getsockname()[1]}/"), timeout_s=1)

    assert result.error == "timeout"
    assert 950 <= result.elapsed_ms < 1600


def test_plain_http_is_no_tls(backend):
    """https to a plain port fails as TLS, by name."""
    assert send(_post(backend.url.replace("http:", "https:")), timeout_s=5).error == "tls-failed"


def test_the_last_bytes_leave_at_one_moment(monkeypatch):
    """Nobody's last byte leaves before everybody's other bytes have.

    One request is so large that its bytes leave only when the server begins to read them; until then none
    of the others may be complete.
    """
    monkeypatch.setattr(sender, "BARRIER_S", 20.0)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    small, large = [_post(url, body=b"s" * 50)] * 6, _post(url, body=b"l" * 20_000_000)
    lengths = {b"s": len(_dumped(wire_form(small[0]))), b"l": len(_dumped(wire_form(large)))}
    heads_read, early, may_read = threading.Semaphore(0), [], threading.Event()

    def serve(connection):
        with connection:
            first = connection.recv(1000)
            kind = first[-1:]
            if kind == b"s":
                early.extend([first] if len(first) == lengths[kind] else [])
                connection.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    early.append(connection.recv(1000))
                heads_read.release()
            may_read.wait(20)
            connection.settimeout(20)
            left = lengths[kind] - len(first)
            while left > 0:
                left -= len(connection.recv(min(left, 1_000_000)))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def accept():
        for _ in range(7):
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        for _ in range(6):
            heads_read.acquire(timeout=20)
        may_read.set()

    threading.Thread(target=accept, daemon=True).start()
    results = send_together([*small[:3], large, *small[3:]], 60)
    listener.close()

    assert [result.reply and result.reply.status for result in results] == [200] * 7
    assert early == []


def test_one_that_cannot_connect_holds_up_nobody(backend):
    """Results stand in the order of the requests."""
    results = send_together([_post("http://127.0.0.1:9/"), _post(backend.url), _post(backend.url)], 5)

    assert [result.error for result in results] == ["connection-refused", None, None]
    assert max(result.elapsed_ms for result in results) < 1900


def test_nothing_together_is_nothing():
    """No requests, no results."""
    assert send_together([], 1) == []
