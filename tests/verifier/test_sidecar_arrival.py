"""How requests arrive at the sidecar: too large, too slow, and in good order."""

import json
import select
import socket
import time
from contextlib import closing

import pytest
from coinslot_verifier.sidecar.http_server import DRAIN_BYTES_MAX, IDLE_S, OVERSIZED, HttpServer, listen

ARRIVAL_S = 1.0
HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def app(environ, start_response):
    """Tells how large the body was, or that it was too large."""
    told = "too large" if environ[OVERSIZED] else str(len(environ["wsgi.input"].read()))
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told.encode()]


@pytest.fixture(scope="module")
def port():
    listener = listen("127.0.0.1", 0)
    server = HttpServer(app, listener=listener, threads=4, stop_s=1.0, arrival_s=ARRIVAL_S)
    server.start()
    yield listener.getsockname()[1]
    server.stop()
    listener.close()


@pytest.fixture
def connection(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        yield connection


def read_answer(connection):
    """Status and body of one answer."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = connection.recv(65_536)
        assert piece, "closed without an answer"
        raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split()[1]), body


def is_answered(connection, *, within_s):
    """Whether there is something to read by then."""
    return bool(select.select([connection], [], [], within_s)[0])


def is_closed(connection):
    """Whether the server has nothing more to say."""
    return connection.recv(1) == b""


@pytest.mark.parametrize(
    ("length", "told", "goes_on"),
    [(3, b"3", True), (3_000_000, b"too large", True), (DRAIN_BYTES_MAX + 1, b"too large", False)],
)
def test_a_large_body_is_read_and_a_huge_one_is_not(connection, length, told, goes_on):
    """Who sends a little too much reads the answer; for a flood the connection is closed, unread."""
    sent = length if goes_on else 0
    connection.sendall(HEAD + f"Content-Length: {length}\r\n\r\n".encode() + b"x" * sent)

    assert read_answer(connection) == (200, told)

    if goes_on:
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        assert read_answer(connection) == (200, b"2")
    else:
        assert is_closed(connection)


def test_a_body_that_dribbles_is_given_up(connection):
    """The whole has ARRIVAL_S; a thread of ours is not held until the sender has been silent for IDLE_S."""
    began_s = time.monotonic()
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(5):
        connection.sendall(b"x")
        assert not is_answered(connection, within_s=0.1)

    status, body = read_answer(connection)

    assert (status, json.loads(body)["code"]) == (400, "request-malformed")
    assert ARRIVAL_S <= time.monotonic() - began_s < IDLE_S
    assert is_closed(connection)


def test_a_head_that_does_not_end_is_given_up(connection):
    """The same for the lines before the body; no application is asked."""
    began_s = time.monotonic()
    connection.sendall(HEAD)

    status, body = read_answer(connection)

    assert (status, json.loads(body)["code"]) == (400, "request-malformed")
    assert ARRIVAL_S <= time.monotonic() - began_s < IDLE_S


def test_a_body_in_pieces_that_comes_in_time_is_read(connection):
    """The twin: slowness alone is no crime."""
    connection.sendall(HEAD + b"Content-Length: 3\r\n\r\n")
    for piece in (b"a", b"b", b"c"):
        assert not is_answered(connection, within_s=0.1)
        connection.sendall(piece)

    assert read_answer(connection) == (200, b"3")


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(data, extension=b""):
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"0\r\n\r\n", b"0"),
        (chunk(b"ab") + chunk(b"c" * 70_000) + b"0\r\n\r\n", b"70002"),
        (b"00A\r\n0123456789\r\n0;last=1\r\n\r\n", b"10"),
        (chunk(b"ab", b";name=value") + b"0\r\nTrailer: one\r\nAnother: two\r\n\r\n", b"2"),
        (chunk(b"x" * 1_048_576) * 3 + b"0\r\n\r\n", b"too large"),
    ],
    ids=["empty", "two", "leading zeros", "extension and trailers", "too large"],
)
def test_a_chunked_body_is_read_to_its_end(connection, sent, told):
    """RFC 9112, 7.1; the next request on the connection begins behind the trailers."""
    connection.sendall(CHUNKED + sent)
    assert read_answer(connection) == (200, told)

    connection.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc")
    assert read_answer(connection) == (200, b"3")


@pytest.mark.parametrize(
    "sent",
    [
        b"%x\r\n" % (DRAIN_BYTES_MAX + 1),
        b"fffffffffffff\r\n",
        b"2;" + b"x" * 300,
        b"-2\r\nab\r\n0\r\n\r\n",
        b"+2\r\nab\r\n0\r\n\r\n",
        b"\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"2\n",
        b"0\r\n" + b"Name: value\r\n" * 64,
    ],
    ids=["huge", "more digits", "endless line", "minus", "plus", "empty", "no end", "bare lf", "trailers"],
)
def test_a_chunked_body_is_refused_as_soon_as_it_makes_no_sense(connection, sent):
    """What is announced is not waited for, and no more of it is kept than one piece."""
    connection.sendall(CHUNKED + sent)

    assert is_answered(connection, within_s=ARRIVAL_S)
    status, body = read_answer(connection)
    assert (status, json.loads(body)["code"]) == (400, "request-malformed")
    assert is_closed(connection)


@pytest.mark.parametrize("length", [b"-1", b"+1", b"1_0", b"0x1", b"9" * 19])
def test_a_length_is_decimal_digits(connection, length):
    """RFC 9110, 8.6; anything else is read differently by whoever stands in front of us."""
    connection.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n0123456789")

    assert read_answer(connection)[0] == 400
