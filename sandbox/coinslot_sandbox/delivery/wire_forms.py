"""How a request crosses the wire where that is not plain: in chunks, after a go, slowly, its answer cut off.

A form changes framing and pace and never the body that is signed. Pure but for the pieces' timing, which the
sender keeps; knows neither orders nor the store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from coinslot_contracts.wire import WireRequest

TRICKLE_PIECES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WireForm:
    """The form of one request.

    chunk_bytes      the body in chunks of so many bytes, without Content-Length; None for a Content-Length
    expect_continue  Expect: 100-continue; the body follows the receiver's go, or a second without any answer
    trickle_s        the body in small pieces over so many seconds
    cut_reply        close the connection once the headers of the answer were read
    keep_alive       ask for the connection to stay open
    """

    chunk_bytes: int | None = None
    expect_continue: bool = False
    trickle_s: float = 0.0
    cut_reply: bool = False
    keep_alive: bool = False


PLAIN: Final = WireForm()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request that is ready to go.

    url      where to: scheme, host and port are taken from it
    request  method, target, headers and body as they are to be sent; Host, the framing and Connection are
             added where they are not given
    """

    url: str
    request: WireRequest
    form: WireForm = PLAIN


def wire_form(outgoing: Outgoing) -> WireRequest:
    """The request with every header that goes out."""
    parts = urlsplit(outgoing.url)
    request, form = outgoing.request, outgoing.form
    given = {name.lower() for name, _ in request.headers}
    first = () if "host" in given else (("Host", host_header(parts)),)
    added: list[tuple[str, str]] = []
    if not given & {"content-length", "transfer-encoding"} and (request.body or request.method != "GET"):
        chunked = ("Transfer-Encoding", "chunked")
        added.append(chunked if form.chunk_bytes else ("Content-Length", str(len(request.body))))
    if form.expect_continue and "expect" not in given:
        added.append(("Expect", "100-continue"))
    if "connection" not in given:
        added.append(("Connection", "keep-alive" if form.keep_alive else "close"))
    return WireRequest(
        method=request.method,
        target=request.target,
        headers=(*first, *request.headers, *added),
        body=request.body,
    )


def dump_head(request: WireRequest) -> bytes:
    """The request line and the headers, in Latin-1 as they are given."""
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "surrogateescape")


def dump_body(body: bytes, form: WireForm) -> bytes:
    """The body as it is framed."""
    if not form.chunk_bytes:
        return body
    chunks = (body[start : start + form.chunk_bytes] for start in range(0, len(body), form.chunk_bytes))
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def pieces(raw: bytes, form: WireForm) -> Iterator[tuple[bytes, float]]:
    """What is sent at a time, and how many seconds to wait after it."""
    if not form.trickle_s or not raw:
        yield raw, 0.0
        return
    size = max(-(-len(raw) // TRICKLE_PIECES), 1)
    count = -(-len(raw) // size)
    for number in range(count):
        yield raw[number * size : (number + 1) * size], form.trickle_s / count


def target_of(url: str) -> str:
    """The request target of a URL: path and query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def host_header(parts: SplitResult) -> str:
    """Host and port as the Host header spells them."""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return shown if parts.port is None else f"{shown}:{parts.port}"
