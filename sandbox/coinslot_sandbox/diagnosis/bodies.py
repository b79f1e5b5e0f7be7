"""What was hashed instead of the body that crossed the wire: the body after a mistake, by name.

Byte-level mistakes first, then those that need the JSON inside; how JSON is written again is `json_styles`.
"""

import base64
import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

from coinslot_sandbox.diagnosis import json_styles
from coinslot_sandbox.diagnosis.finding import Budget

BOM: Final = b"\xef\xbb\xbf"
INFLATED_BYTES_MAX: Final = 1_048_576
GZIP_BODY_BYTES_MAX: Final = 65_536
OBJECT_TEXTS: Final = ("[object Object]", "undefined", "null", "None", "Array", "{}", "nil")

Names = tuple[str, ...]
Body = tuple[Names, bytes]


def byte_mistakes(body: bytes) -> Iterator[Body]:
    """The body after each mistake that needs no JSON; some leave it as it is."""
    for name, make in _BYTES:
        made = make(body)
        if made is not None:
            yield (name,), made
    yield from ((("body-is-object",), text.encode()) for text in OBJECT_TEXTS)
    yield from _compressions(body)


def json_mistakes(body: bytes, budget: Budget) -> Iterator[Body]:
    """The body after each mistake that has to do with the JSON inside it; none where it holds no JSON."""
    try:
        value = json_styles.read_value(body)
    except ValueError:
        return
    yield from json_styles.respellings(body, value, budget)
    if budget.spend(len(body), times=json_styles.DUMP_COST):
        yield from _flattened(value)


def _flattened(value: Any) -> Iterator[Body]:
    """Members as text without JSON: values joined, or name=value pairs, in their order and sorted."""
    yield ("body-dict-repr",), _utf8(repr(value))
    if not isinstance(value, dict):
        return
    members = [(name, _text(item)) for name, item in value.items()]
    given = [(name, text) for name, text in members if text]
    for pairs in (members, sorted(members), given, sorted(given)):
        yield ("body-values-joined",), _utf8("".join(text for _, text in pairs))
        yield ("body-as-form",), _utf8("&".join(f"{name}={text}" for name, text in pairs))
        yield ("body-as-form",), urlencode(pairs, errors="replace").encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _compressions(body: bytes) -> Iterator[Body]:
    if body[:2] == b"\x1f\x8b" or body[:1] == b"\x78":
        inflated = _inflated(body)
        if inflated is not None:
            yield ("body-decompressed",), inflated
    elif len(body) <= GZIP_BODY_BYTES_MAX:
        for level in (9, 6):
            packed = gzip.compress(body, level, mtime=0)
            for system in (3, 255, 0, 19):  # who packed it writes the name of its system into the tenth byte
                yield ("body-compressed",), packed[:9] + bytes([system]) + packed[10:]


def _inflated(body: bytes) -> bytes | None:
    """At most 1 MiB of it: a small body can inflate to anything."""
    try:
        return zlib.decompressobj(wbits=47).decompress(body, INFLATED_BYTES_MAX)
    except zlib.error:
        return None


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _in_encoding(encoding: str) -> Callable[[bytes], bytes | None]:
    def encode(body: bytes) -> bytes | None:
        text = _decoded(body)
        return None if text is None else text.encode(encoding, "replace")

    return encode


_BYTES: Final[tuple[tuple[str, Callable[[bytes], bytes | None]], ...]] = (
    ("body-newline-added", lambda body: body + b"\n"),
    ("body-newline-added", lambda body: body + b"\r\n"),
    ("body-newline-removed", lambda body: body.removesuffix(b"\n").removesuffix(b"\r")),
    ("body-trimmed", lambda body: body.strip()),
    ("body-crlf", lambda body: body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
    ("body-lf", lambda body: body.replace(b"\r\n", b"\n")),
    ("body-lines-joined", lambda body: body.replace(b"\r\n", b"").replace(b"\n", b"")),
    ("body-bom-added", lambda body: BOM + body),
    ("body-bom-removed", lambda body: body.removeprefix(BOM)),
    ("body-empty", lambda body: b""),  # noqa: ARG005 - one form for all
    ("body-bytes-repr", lambda body: repr(body).encode()),
    ("body-latin-1", _in_encoding("latin-1")),
    ("body-ascii", _in_encoding("ascii")),
    ("body-mojibake", lambda body: body.decode("latin-1").encode()),
    ("body-mojibake", lambda body: body.decode("cp1252", "replace").encode()),
    ("body-replacement-characters", lambda body: body.decode("ascii", "replace").encode()),
    ("body-base64", base64.b64encode),
    ("body-hex", lambda body: body.hex().encode()),
    ("body-url-encoded", lambda body: quote(body, safe="").encode()),
    ("body-url-encoded", lambda body: quote_plus(body).encode()),
)
