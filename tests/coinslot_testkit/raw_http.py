"""HTTP by hand over a raw socket: what a test must see byte for byte, mended by no library."""

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came over the connection.

    times_s  when each piece came, in seconds since the request
    ended    "closed", or "reset"
    """

    data: bytes
    times_s: tuple[float, ...]
    ended: str
    took_s: float

    @property
    def status(self) -> int:
        """The status of an answer that is HTTP."""
        assert self.data.startswith(b"HTTP/1.1 "), self.data[:60]
        return int(self.data[9:12])

    @property
    def head(self) -> dict[str, str]:
        """The headers, names in lower case."""
        lines = self.data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """What came after the head."""
        return self.data.partition(b"\r\n\r\n")[2]


def connect(url: str, *, timeout_s: float = 10.0) -> socket.socket:
    """A connection to the server of a URL."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=timeout_s)


def request_bytes(url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """A GET, or a POST where there is a body; the server is asked to close."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += ["Connection: close", *([] if body is None else [f"Content-Length: {len(body)}"])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def read_all(connection: socket.socket, began_s: float) -> Seen:
    """Everything until the end of the connection, whichever that is."""
    data, times_s, ended = b"", [], "closed"
    try:
        while piece := connection.recv(65_536):
            data += piece
            times_s.append(time.monotonic() - began_s)
    except ConnectionResetError:
        ended = "reset"
    return Seen(data=data, times_s=tuple(times_s), ended=ended, took_s=time.monotonic() - began_s)


def ask_and_leave(url: str) -> None:
    """One request by a client that is gone when it arrives: request and end come in one segment."""
    with connect(url) as connection:
        connection.send(request_bytes(url), getattr(socket, "MSG_MORE", 0))


def fetch(url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Seen:
    """One request on a connection of its own, and all that comes back."""
    began_s = time.monotonic()
    with connect(url) as connection:
        connection.sendall(request_bytes(url, body=body, headers=headers))
        return read_all(connection, began_s)
