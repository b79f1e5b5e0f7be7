"""The journal as an HTTP archive (HAR 1.2), which browsers' tools and proxies read; made piece by piece.

Calls in both directions and control calls are entries of one log, in the order of the journal. What HAR has
no member for stands in members that begin with an underscore, as the format asks.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from coinslot_sandbox.journal_entries import Entry, Excerpt, Gap
from coinslot_sandbox.journal_filter import body_of

OWN_MEMBERS = (
    "seq",
    "workspace",
    "portal",
    "dir",
    "endpoint",
    "game_id",
    "order_id",
    "user_id",
    "external_id",
    "delivery_id",
    "attempt",
    "verdict",
    "fault_id",
)


def har_pieces(pages: Iterable[Excerpt], *, version: str) -> Iterator[bytes]:
    """The archive's bytes, page by page; what was dropped is said behind the last entry."""
    head = {"version": "1.2", "creator": {"name": "Coinslot", "version": version}}
    gaps: list[Gap] = []
    yield b'{"log": ' + _json(head)[:-1] + b', "entries": ['
    separator = b"\n"
    for page in pages:
        pieces: list[bytes] = []
        gaps = page.gaps
        for entry in page.entries:
            pieces += [separator, _json(har_entry(entry))]
            separator = b",\n"
        yield b"".join(pieces)
    dropped = "; ".join(f"{gap.dropped} entries dropped before #{gap.before_seq}" for gap in gaps)
    yield b'\n], "comment": ' + _json(dropped) + b"}}\n" if dropped else b"\n]}}\n"


def har_entry(entry: Entry) -> dict[str, Any]:
    """One entry of the log."""
    elapsed_ms = max(entry["elapsed_ms"], 0)
    at = datetime.fromtimestamp(entry["at_s"], UTC).isoformat(timespec="milliseconds")
    made: dict[str, Any] = {
        "startedDateTime": at.replace("+00:00", "Z"),
        "time": elapsed_ms,
        "request": _request(entry["request"]),
        "response": _response(entry["reply"], entry["error"]),
        "cache": {},
        "timings": {"send": 0, "wait": elapsed_ms, "receive": 0},
        "_coinslot": {name: entry[name] for name in OWN_MEMBERS},
    }
    if entry["verdict"] is not None:
        made["comment"] = entry["verdict"]["reason"]
    return made


def _request(message: dict[str, Any]) -> dict[str, Any]:
    body = body_of(message)
    made: dict[str, Any] = {
        "method": message["method"],
        "url": _url(message),
        "httpVersion": "HTTP/1.1",
        "cookies": _cookies(_header(message, "cookie")),
        "headers": _headers(message),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(message["target"].partition("?")[2], keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(body),
    }
    if body:
        made["postData"] = {"mimeType": _header(message, "content-type"), "params": [], **_text(body)}
    return made


def _response(message: dict[str, Any] | None, error: str | None) -> dict[str, Any]:
    """The reply; where there was none, status 0 as browsers write it, and why."""
    known = message or {"status": 0, "headers": [], "body_b64": ""}
    body, status = body_of(known), known["status"]
    made: dict[str, Any] = {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
        "httpVersion": "HTTP/1.1",
        "cookies": _cookies(_header(known, "set-cookie")),
        "headers": _headers(known),
        "content": {"size": len(body), "mimeType": _header(known, "content-type"), **_text(body)},
        "redirectURL": _header(known, "location"),
        "headersSize": -1,
        "bodySize": len(body),
    }
    return made if error is None else {**made, "_error": error}


def _url(message: dict[str, Any]) -> str:
    """The absolute address; the journal keeps host and target apart, as they cross the wire."""
    target = str(message["target"])
    if target.startswith(("http://", "https://")):
        return target
    host = _header(message, "host") or "localhost"
    return f"http://{host}{target if target.startswith('/') else f'/{target}'}"


def _header(message: dict[str, Any], name: str) -> str:
    return next((value for known, value in message["headers"] if known.lower() == name), "")


def _headers(message: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in message["headers"]]


def _cookies(header: str) -> list[dict[str, str]]:
    try:
        return [{"name": name, "value": item.value} for name, item in SimpleCookie(header).items()]
    except CookieError:
        return []


def _text(body: bytes) -> dict[str, str]:
    """A body as text, in Base64 where it is none."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
