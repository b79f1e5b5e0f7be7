"""The callback of a portal as a plain WSGI application, for any WSGI server or framework.

It reads the raw body and the raw header from environ and looks at no path: route one path to it. It must know
no framework. Where a server joins repeated headers, or keeps only one of them, that is what is judged.
clause   sandbox:at-least-once
"""

from collections.abc import Callable, Iterable, Mapping
from http.client import responses
from typing import Any, Final

from coinslot_contracts.wire import WireReply

from coinslot_verifier.adapters import (
    BODY_BYTES_MAX,
    LENGTH_REQUIRED,
    ONLY_POST,
    TOO_LARGE,
    UNREADABLE,
    Handle,
    settle,
)
from coinslot_verifier.notification import NotificationVerifier

_LENGTH_DIGITS_MAX: Final = 18
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class CallbackApp:
    """Answers a portal's notifications; may be shared by all threads.

    handle           grants or revokes and commits; see `adapters.Handle`
    body_bytes_max   a longer body is answered 413, and no more of it is read than this and one byte
    """

    def __init__(
        self, notifications: NotificationVerifier, handle: Handle, *, body_bytes_max: int = BODY_BYTES_MAX
    ) -> None:
        self._notifications = notifications
        self._handle = handle
        self._body_bytes_max = body_bytes_max

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request (PEP 3333).

        errors   only what handle raises beyond Refused and Undecided
        """
        reply = self._answer(environ)
        line = f"{reply.status} {responses.get(reply.status, 'Answer')}"
        start_response(line, [*reply.headers, ("Content-Length", str(len(reply.body)))])
        return [reply.body]

    def _answer(self, environ: Mapping[str, Any]) -> WireReply:
        if environ["REQUEST_METHOD"] != "POST":
            return ONLY_POST
        body = read_body(environ, bytes_max=self._body_bytes_max)
        if isinstance(body, WireReply):
            return body
        return settle(self._notifications, self._handle, raw_headers(environ), body)


def read_body(environ: Mapping[str, Any], *, bytes_max: int) -> bytes | WireReply:
    """The raw body, or the answer that refuses it: 400, 411 or 413."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if environ.get("wsgi.input_terminated"):
        wanted = bytes_max + 1
    elif not declared:
        return LENGTH_REQUIRED if environ.get("HTTP_TRANSFER_ENCODING") else b""
    elif not (declared.isascii() and declared.isdigit() and len(declared) <= _LENGTH_DIGITS_MAX):
        return UNREADABLE
    else:
        wanted = min(int(declared), bytes_max + 1)
    body = bytearray()
    try:
        while len(body) < wanted and (piece := environ["wsgi.input"].read(wanted - len(body))):
            body += piece
    except (OSError, ValueError):  # a broken connection, a chunk that is none
        return UNREADABLE
    return TOO_LARGE if len(body) > bytes_max else bytes(body)


def raw_headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The request's headers as the server saw them; values are latin-1, one character for each byte."""
    return [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name[:5] == "HTTP_"]
