"""What the kinds that every endpoint can do make of an answer; pure, and it names no portal.

A kind either changes the answer, which then goes out in the normal way, or writes a script for the
connection: pauses, bytes, and how it ends.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.client import responses
from math import ceil, exp, log
from typing import Any, Final

from coinslot_contracts.wire import Headers, WireReply, WireRequest

from coinslot_sandbox.faults import Taken
from coinslot_sandbox.hospice import Script

SERVER_NAME: Final = "coinslot-sandbox"
SHOWN_BYTES_MAX: Final = 4096
MID_BODY_PAUSE_S: Final = 0.05
STEP_S: Final = 0.05
PADDING: Final = b" " * 65_536
_HTML: Final = b"<!doctype html><html><head><title>OK</title></head><body><h1>Success</h1></body></html>\n"
_JSON: Final = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a fault does to one answer.

    reply    the answer as the journal shows it; None where nothing like an answer goes out
    script   what happens on the connection; None where the reply goes out in the normal way
    is_felt  whether the silence is the fault, so that it has fired though the client gave up waiting
    breaks   whether the answer does not arrive whole
    """

    reply: WireReply | None
    script: Script | None = None
    is_felt: bool = False
    breaks: bool = False


Actor = Callable[[Taken, WireRequest, WireReply], Act]


def stands_in(taken: Taken) -> bool:
    """Whether the fault answers in the endpoint's place, so that the portal learns nothing from the call."""
    params, kind = taken.fault.params, taken.fault.kind
    if kind == "answer":
        return params["status"] is not None or params["body"] is not None
    if kind == "reset":
        return params["when"] == "before_headers" and not params["handled"]
    return kind in _STAND_INS and not params.get("handled", False)


def act(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    """What the fault makes of the answer, which is complete but for what the server adds."""
    return _ACTORS[taken.fault.kind](taken, request, reply)


def changed(params: Mapping[str, Any], reply: WireReply) -> WireReply:
    """The answer as a fault of the kind `answer` makes it."""
    status, body, headers = params["status"], params["body"], params["headers"]
    if status is not None or body is not None:
        own: Headers = (_JSON,) if body is not None else ()
        reply = WireReply(status=status or 200, headers=own, body=body or b"")
    return _with_headers(reply, *headers)


def wire_bytes(request: WireRequest, reply: WireReply, *, length: int | None = None) -> bytes:
    """The answer as it goes over the wire, with the head that our server would send, and then an end.

    length  what Content-Length says, where that is not the truth
    """
    reason = responses.get(reply.status, "Unknown")
    own = (
        ("Content-Length", str(len(reply.body) if length is None else length)),
        ("Date", formatdate(usegmt=True)),
        ("Server", SERVER_NAME),
        ("Connection", "close"),
    )
    lines = [
        f"HTTP/1.1 {reply.status} {reason}",
        *(f"{name}: {value}" for name, value in (*reply.headers, *own)),
    ]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if request.method == "HEAD" else head + reply.body


def _with_headers(reply: WireReply, *headers: tuple[str, str]) -> WireReply:
    replaced = {name.lower() for name, _ in headers}
    kept = tuple((name, value) for name, value in reply.headers if name.lower() not in replaced)
    return replace(reply, headers=(*kept, *headers))


def _answer(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001 - the form of an actor
    return Act(reply=changed(taken.fault.params, reply))


def _latency(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    pieces = ((_drawn_s(taken), wire_bytes(request, reply)),)
    return Act(reply=reply, script=Script(pieces=pieces, hurries=True), is_felt=True)


def _drawn_s(taken: Taken) -> float:
    params = taken.fault.params
    if params["fixed_s"] is not None:
        return float(params["fixed_s"])
    if params["uniform"] is not None:
        return taken.chance.uniform(*params["uniform"])
    shape = params["lognormal"]
    drawn_s = exp(taken.chance.gauss(log(shape["median_s"]), shape["sigma"]))
    return min(drawn_s, float(shape["max_s"]))


def _hang(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    return Act(
        reply=None, script=Script(pieces=((taken.fault.params["for_s"], b""),)), is_felt=True, breaks=True
    )


def _reset(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    if taken.fault.params["when"] == "before_headers":
        return Act(reply=None, script=Script(pieces=(), ends="reset"), breaks=True)
    cut = replace(reply, body=reply.body[: len(reply.body) // 2])
    sent = wire_bytes(request, cut, length=len(reply.body))
    return Act(
        reply=cut, script=Script(pieces=((0, sent), (MID_BODY_PAUSE_S, b"")), ends="reset"), breaks=True
    )


def _empty_reply(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    return Act(reply=None, script=Script(pieces=()), breaks=True)


def _garbage(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    rubbish = b"\x15\x03" + taken.chance.randbytes(taken.fault.params["bytes"])
    return Act(reply=None, script=Script(pieces=((0, rubbish),)), breaks=True)


def _trickle(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    head, _, body = wire_bytes(request, reply).partition(b"\r\n\r\n")
    pieces = _dribble(head + b"\r\n\r\n", body, taken.fault.params)
    return Act(reply=reply, script=Script(pieces=pieces, hurries=True))


def _dribble(head: bytes, body: bytes, params: Mapping[str, Any]) -> Iterator[tuple[float, bytes]]:
    """The head at once, then the body, byte by byte or in as many bytes as are due at each step."""
    yield 0.0, head
    if params["pause_s"] is not None:
        pause_s = float(params["pause_s"])
    elif params["bytes_per_s"] is not None:
        pause_s = 1 / params["bytes_per_s"]
    else:
        pause_s = params["for_s"] / max(len(body), 1)
    # compared first: the quotient of a step and a pause near to nothing is no number
    is_one_step = pause_s * len(body) <= STEP_S
    at_once = max(len(body), 1) if is_one_step else max(round(STEP_S / pause_s), 1)
    for start in range(0, len(body), at_once):
        piece = body[start : start + at_once]
        yield pause_s * len(piece), piece


def _malformed_json(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    return Act(reply=replace(reply, body=_part(taken, reply.body)))


def _truncated_body(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    cut = replace(reply, body=_part(taken, reply.body))
    sent = wire_bytes(request, cut, length=len(reply.body))
    return Act(reply=cut, script=Script(pieces=((0, sent),)), breaks=True)


def _part(taken: Taken, body: bytes) -> bytes:
    """So much of a body, and never all of it."""
    return body[: min(int(len(body) * taken.fault.params["fraction"]), max(len(body) - 1, 0))]


def _empty_body(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    return Act(reply=replace(reply, status=200, body=b""))


def _wrong_content_type(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    page = replace(reply, status=200, body=_HTML)
    return Act(reply=_with_headers(page, ("Content-Type", "text/html; charset=utf-8")))


def _bom(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    marked = replace(reply, body=b"\xef\xbb\xbf" + reply.body)
    return Act(reply=_with_headers(marked, ("Content-Type", "application/json; charset=utf-8")))


def _gzip(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    packed = replace(reply, body=gzip.compress(reply.body, mtime=0))
    return Act(reply=_with_headers(packed, ("Content-Encoding", "gzip")))


def _gzip_garbage(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    rubbish = replace(reply, body=b"\x1f\x8b\x08" + taken.chance.randbytes(64))
    return Act(reply=_with_headers(rubbish, ("Content-Encoding", "gzip")))


def _oversized(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    """The JSON behind so much white space: valid for whoever reads it all, which nobody should."""
    padding = int(taken.fault.params["mib"] * 1_048_576)
    sent = wire_bytes(request, replace(reply, body=b""), length=padding + len(reply.body))
    shown = replace(reply, body=PADDING[: min(padding, SHOWN_BYTES_MAX)])
    if request.method == "HEAD":
        return Act(reply=shown, script=Script(pieces=((0, sent),)))
    return Act(reply=shown, script=Script(pieces=_padded(sent, padding, reply.body)))


def _padded(head: bytes, padding: int, body: bytes) -> Iterator[tuple[float, bytes]]:
    yield 0.0, head
    for start in range(0, padding, len(PADDING)):
        yield 0.0, PADDING[: min(len(PADDING), padding - start)]
    yield 0.0, body


def _redirect(taken: Taken, request: WireRequest, reply: WireReply) -> Act:
    place = taken.fault.params["to"].rstrip("/") + request.target
    moved = WireReply(status=taken.fault.params["status"], headers=reply.headers)
    return Act(reply=_with_headers(moved, ("Location", place)))


def _rate_limit(taken: Taken, request: WireRequest, reply: WireReply) -> Act:  # noqa: ARG001
    body = json.dumps({"code": "429", "msg": "Too many requests"}).encode()
    limited = WireReply(status=429, headers=reply.headers, body=body)
    return Act(reply=_with_headers(limited, _JSON, ("Retry-After", str(max(ceil(taken.wait_s), 1)))))


_ACTORS: Final[Mapping[str, Actor]] = {
    "answer": _answer,
    "latency": _latency,
    "hang": _hang,
    "reset": _reset,
    "empty_reply": _empty_reply,
    "garbage": _garbage,
    "trickle": _trickle,
    "malformed_json": _malformed_json,
    "truncated_body": _truncated_body,
    "empty_body": _empty_body,
    "wrong_content_type": _wrong_content_type,
    "bom": _bom,
    "gzip": _gzip,
    "gzip_garbage": _gzip_garbage,
    "oversized": _oversized,
    "redirect": _redirect,
    "rate_limit": _rate_limit,
}
"""Kind -> what it does; the keys are those of `fault_kinds.TRANSPORT_KINDS`."""

_STAND_INS: Final = frozenset(
    {"hang", "empty_reply", "garbage", "empty_body", "wrong_content_type", "redirect", "rate_limit"}
)
