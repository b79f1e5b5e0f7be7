"""How long a request may take to arrive: who dribbles is ended, who is merely slow is served."""

import socket
import threading
import time

import pytest
from coinslot_sandbox.hospice import SocketHospice
from coinslot_sandbox.http_server import HttpServer

HEAD = b"POST /x HTTP/1.1\r\nHost: any\r\nContent-Length: 5\r\n\r\n"


def _app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def server():
    """A server that gives head and body of a request 0.5 s each."""
    hospice = SocketHospice()
    running = HttpServer(_app, host="127.0.0.1", port=0, hospice=hospice, arrival_s=0.5)
    running.start()
    yield running
    running.stop()
    hospice.stop()


def _dribbled(port, raw, *, pause_s):
    """Send byte by byte until the server has had enough; how much was sent, and what came back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        answer = bytearray()

        def read():
            try:
                while piece := connection.recv(4096):
                    answer.extend(piece)
            except OSError:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        sent = 0
        for byte in raw:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
            sent += 1
            reader.join(pause_s)
            if not reader.is_alive():
                break
        if reader.is_alive():
            connection.shutdown(socket.SHUT_WR)
        reader.join(10)
        return sent, bytes(answer)


def test_a_request_that_dribbles_in_is_ended(server):
    """Each byte comes well before a read's own timeout, yet the whole takes too long: a thread comes free."""
    began_s = time.monotonic()

    sent, answer = _dribbled(server.port, HEAD + b"hello", pause_s=0.05)

    assert sent < len(HEAD)
    assert b"hello" not in answer
    assert time.monotonic() - began_s < 5


def test_a_body_that_dribbles_in_is_ended(server):
    """The head was in time; the body gets no longer than the head."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(HEAD + b"he")
        answer = b""
        while piece := connection.recv(4096):
            answer += piece

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_a_request_that_comes_in_pieces_is_served(server):
    """The positive twin: slow, but whole within its time."""
    _, answer = _dribbled(server.port, HEAD + b"hello", pause_s=0.001)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")


def test_an_idle_connection_is_not_a_slow_request(server):
    """Between two requests of one connection nothing has begun, so nothing is late."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"hello")
            answer = b""
            while not answer.endswith(b"hello"):
                answer += connection.recv(4096)
            time.sleep(0.8)
