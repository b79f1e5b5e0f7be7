"""The only door to the network: one request, one bounded answer, no redirects, no proxies.

It knows bytes and time limits, never portals or trust. Everything that goes wrong is Undecided.
A redirect is refused because it could lead a signature, or our trust in a key, to another host. Its body is
never read, and no library unpacks a body for us: theirs have no limit of time, or none of size.
"""

import contextlib
import io
import socket
import time
import zlib
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any, Final, cast

import requests
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    KeySourceUnavailable,
    Undecided,
    VerifyUnavailable,
)
from coinslot_contracts.wire import Headers, WireReply
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

ANSWER_BYTES_MAX: Final = 8_388_608
KEY_ANSWER_BYTES_MAX: Final = 65_536
_CHUNK_BYTES: Final = 65_536
_USER_AGENT: Final = "coinslot-verifier"


class HttpOut:
    """Sends requests with `requests`; holds no connection open, so it may be shared by all threads.

    timeout_s   whole time for one question, all attempts and addresses together; the system's own look-up of
                the host is counted, but not cut short
    monotonic   seconds that never go back
    """

    def __init__(self, *, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s = timeout_s
        self._monotonic = monotonic

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        """GET a key document; tried again where the connection fails while there is time.

        errors   KeySourceUnavailable
        """
        return self._ask("GET", url, (), None, attempts_max, KEY_ANSWER_BYTES_MAX, KeySourceUnavailable)

    def get_verdict(self, url: str, *, attempts_max: int) -> WireReply:
        """GET the portal's word on one purchase; as `get` otherwise.

        errors   VerifyUnavailable
        """
        return self._ask("GET", url, (), None, attempts_max, KEY_ANSWER_BYTES_MAX, VerifyUnavailable)

    def post(self, url: str, *, headers: Headers, body: bytes, attempts_max: int) -> WireReply:
        """POST exactly these bytes with these headers.

        errors   ConfirmUnavailable
        """
        return self._ask("POST", url, headers, body, attempts_max, ANSWER_BYTES_MAX, ConfirmUnavailable)

    def _ask(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None,
        attempts_max: int,
        bytes_max: int,
        failure: type[Undecided],
    ) -> WireReply:
        deadline_s = self._monotonic() + self._timeout_s
        attempts_left = attempts_max
        while True:
            attempts_left -= 1
            try:
                reply = self._once(method, url, headers, body, deadline_s, bytes_max)
            except _TooMuch as problem:
                raise failure(f"the portal's answer {problem}") from None
            except (requests.Timeout, TimeoutError):
                raise failure(f"the portal did not answer within {self._timeout_s:g} s") from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if not attempts_left or self._monotonic() >= deadline_s:
                    raise failure(f"the portal could not be asked: {type(error).__name__}") from None
                continue
            if 300 <= reply.status < 400:
                raise failure(f"the portal answered a redirect (HTTP {reply.status}), which is not followed")
            return reply

    def _once(
        self, method: str, url: str, headers: Headers, body: bytes | None, deadline_s: float, bytes_max: int
    ) -> WireReply:
        said = {"User-Agent": _USER_AGENT, "Accept": "application/json", **dict(headers)}
        request = requests.Request(method, url, headers=said, data=body).prepare()
        left_s = max(deadline_s - self._monotonic(), 0.001)
        adapter = _Adapter()
        try:
            limit: Any = Timeout(total=left_s)  # the library takes more than its stubs say
            with adapter.send(request, stream=True, timeout=limit) as response:
                redirects = 300 <= response.status_code < 400
                content = b"" if redirects else self._content(response, deadline_s, bytes_max)
                return WireReply(
                    status=response.status_code, headers=tuple(response.headers.items()), body=content
                )
        finally:
            adapter.close()

    def _content(self, response: requests.Response, deadline_s: float, bytes_max: int) -> bytes:
        """The body, read piece by piece, so that neither a flood nor a trickle outlasts the limits."""
        content = bytearray()
        unpacker = _Unpacker(response.headers.get("Content-Encoding", ""))
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            content += unpacker.unpack(piece, bytes_max + 1 - len(content))
            if len(content) > bytes_max:
                raise _TooMuch(f"is longer than {bytes_max} bytes")
            if self._monotonic() >= deadline_s:
                raise TimeoutError
        unpacker.end()
        return bytes(content)


class _TooMuch(Exception):
    """The answer exceeds a limit; the text says which."""


class _Unpacker:
    """Takes a content encoding off, and never makes more bytes of it than it is asked for.

    encoding   the Content-Encoding header; ValueError for any but gzip and deflate, alone: we ask for neither
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in _WINDOWS:
            raise ValueError("an encoding that was not asked for")
        self._window = _WINDOWS[name]
        self._stream = zlib.decompressobj(self._window) if self._window else None

    def unpack(self, piece: bytes, bytes_max: int) -> bytes:
        """Up to bytes_max of what the piece holds, the rest is lost; ValueError for what is not packed so."""
        if self._stream is None:
            return piece
        content = b""
        try:
            while piece and len(content) < bytes_max:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(self._window)
                content += self._stream.decompress(piece, bytes_max - len(content))
                piece = self._stream.unused_data
        except zlib.error:
            raise ValueError("an encoding that cannot be taken off") from None
        return content

    def end(self) -> None:
        """Nothing follows; ValueError where something should."""
        if self._stream is not None and not self._stream.eof:
            raise ValueError("an encoding that breaks off")


_WINDOWS: Final = {
    "": 0,
    "identity": 0,
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
"""Content-Encoding -> how zlib names it, 0 where nothing is to be taken off."""


class _UntilIO(io.RawIOBase):
    """A socket's bytes until a moment; its own time limit is for each read alone, so a trickle never ends."""

    def __init__(self, raw: io.RawIOBase, socket: Any) -> None:
        self._raw = raw
        self._socket = socket
        self._ends_s = time.monotonic() + socket.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer of which head and body together must come within the time limit that the socket has now."""

    def __init__(self, sock: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = io.BufferedReader(_UntilIO(self.fp.detach(), sock))


class _InTime(HTTPConnection):
    """Connects within its time limit, shared by the host's addresses; the library gives each the whole."""

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        ends_s = time.monotonic() + cast(float, self.timeout)
        *others, last = _addresses(name, self.port)
        try:
            for left, address in zip(range(len(others) + 1, 1, -1), others, strict=True):
                self._set_target(address, (ends_s - time.monotonic()) / left)
                with contextlib.suppress(ConnectTimeoutError, NewConnectionError):
                    return super()._new_conn()
            self._set_target(last, ends_s - time.monotonic())
            return super()._new_conn()
        finally:
            self._dns_host = name

    def _set_target(self, address: str, limit_s: float) -> None:
        self._dns_host = address
        self.timeout = max(limit_s, 0.001)


def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses; the host itself where it has none, and connecting to it says so."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [host]
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Connection(_InTime):
    response_class = _Response


class _SecureConnection(_InTime, HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """requests' own way to the wire, over connections whose answers end in time."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
