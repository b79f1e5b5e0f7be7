"""A load generator over raw sockets: the same few microseconds for every candidate, whatever it answers with.

Requests are bytes made beforehand, all different where they carry something. Knows no candidate.
"""

import os
import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

SCALE = float(os.environ.get("COINSLOT_BENCH_SCALE", "1"))
"""Less than 1 makes every bench shorter and its figures worthless; for working on the benches themselves."""


def scaled(count: int, *, least: int = 4) -> int:
    """So many, or fewer while somebody works on the benches."""
    return max(int(count * SCALE), least)


def request_bytes(
    url: str, *, method: str = "GET", body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """One keep-alive request."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._where = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._socket: socket.socket | None = None
        self._left = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; a connection that the server has closed is opened anew."""
        for is_last in (False, True):
            try:
                return self._ask(request)
            except OSError:
                self.close()
                if is_last:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._where, timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head, body = self._until(b"\r\n\r\n")
        status, lower = int(head[9:12]), head.lower()
        if b"transfer-encoding: chunked" in lower:
            whole, self._left = self._chunks(body)
        else:
            length = (
                int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                if b"content-length:" in lower
                else 0
            )
            while len(body) < length:
                body += self._receive()
            whole, self._left = body[:length], body[length:]
        if b"connection: close" in lower:
            self.close()
        return status, whole

    def _until(self, mark: bytes) -> tuple[bytes, bytes]:
        data = self._left
        while mark not in data:
            data += self._receive()
        head, _, rest = data.partition(mark)
        return head, rest

    def _chunks(self, data: bytes) -> tuple[bytes, bytes]:
        whole = b""
        while True:
            while b"\r\n" not in data:
                data += self._receive()
            size, _, data = data.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            while len(data) < length + 2:
                data += self._receive()
            whole, data = whole + data[:length], data[length + 2 :]
            if length == 0:
                return whole, data

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionResetError
        return data


def rate(url: str, requests: Sequence[bytes], *, status: int = 200) -> float:
    """Requests a second over one connection, every answer of this status."""
    client = Client(url)
    began_s = time.perf_counter()
    for request in requests:
        answered, body = client.ask(request)
        assert answered == status, (answered, body[:300])
    took_s = time.perf_counter() - began_s
    client.close()
    return len(requests) / took_s


def latencies_ms(url: str, requests: Sequence[Sequence[bytes]], *, status: int = 200) -> list[float]:
    """Milliseconds of every request, each sequence over a connection of its own, all at once."""
    found: list[float] = []
    failures: list[BaseException] = []
    start = threading.Barrier(len(requests))

    def run(own: Sequence[bytes]) -> None:
        client = Client(url)
        try:
            start.wait(30)
            for request in own:
                began_s = time.perf_counter()
                answered, body = client.ask(request)
                assert answered == status, (answered, body[:300])
                found.append((time.perf_counter() - began_s) * 1000)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(own,)) for own in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return found
