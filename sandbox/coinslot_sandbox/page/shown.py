"""How values are shown: times, sizes, bytes, statuses; pure functions, used by the templates as filters.

Text that came from a backend or a player stays text: the templates escape it, nothing here makes markup.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

FOLDER: Final = Path(__file__).parent
HEX_BYTES_MAX: Final = 4096
HEX_ROW: Final = 16
MARKS: Final = {" ": "·", "\t": "→", "\n": "↵", "\r": "␍"}
REFUND_WORDS: Final = {0: "refunding", 1: "refunded", 2: "refund failed", 3: "refund rejected"}


def moment(at_s: float | None) -> str:
    """A time of day with its milliseconds; the script turns it into the reader's own."""
    if at_s is None:
        return "–"
    whole = int(at_s)
    return time.strftime("%H:%M:%S", time.gmtime(whole)) + f".{int((at_s - whole) * 1000):03}Z"


def iso(at_s: float | None) -> str:
    """A moment whole, as a machine reads it."""
    return "" if at_s is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def elapsed(ms: float | None) -> str:
    """How long something took."""
    if ms is None:
        return ""
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def short(name: str | None, chars: int = 8) -> str:
    """The beginning of a long id."""
    text = name or ""
    return text if len(text) <= chars + 2 else text[:chars] + "…"


def refund_word(status: int | None) -> str:
    """What a refundStatus means."""
    return "none" if status is None else REFUND_WORDS.get(status, str(status))


def unpacked(text_b64: str | None) -> bytes:
    """The bytes of a Base64 member."""
    return base64.b64decode(text_b64 or "")


def readable(body: bytes) -> str:
    """Bytes as text; what is no UTF-8 shows as escapes."""
    return body.decode("utf-8", "backslashreplace")


def spelled(body: bytes) -> Iterator[tuple[str, bool]]:
    """Bytes as text with visible white space: pieces, and whether each is such a mark."""
    run = ""
    for character in readable(body[:HEX_BYTES_MAX]):
        mark = MARKS.get(character)
        if mark is None and character.isprintable():
            run += character
            continue
        if run:
            yield run, False
            run = ""
        yield (mark or f"\\x{ord(character):02x}") + ("\n" if character == "\n" else ""), True
    if run:
        yield run, False


def hex_rows(body: bytes) -> list[tuple[str, str, str]]:
    """A dump of the first bytes: offset, hex, and characters where they are plain."""
    rows = []
    for start in range(0, min(len(body), HEX_BYTES_MAX), HEX_ROW):
        row = body[start : start + HEX_ROW]
        plain = "".join(chr(byte) if 32 < byte < 127 else MARKS.get(chr(byte), ".") for byte in row)
        rows.append((f"{start:04x}", row.hex(" "), plain))
    return rows


def pretty(value: Any) -> str:
    """A JSON value on one line."""
    return json.dumps(value, ensure_ascii=False)


def size(body: bytes) -> str:
    """How many bytes."""
    return f"{len(body):,} byte{'' if len(body) == 1 else 's'}"


def step(text: str) -> str:
    """A part of a path in a link."""
    return quote(text, safe="")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "iso": iso,
    "elapsed": elapsed,
    "short": short,
    "refund_word": refund_word,
    "unpacked": unpacked,
    "readable": readable,
    "spelled": spelled,
    "hex_rows": hex_rows,
    "pretty": pretty,
    "size": size,
    "step": step,
}
GLOBALS: Final[Mapping[str, Any]] = {"HEX_BYTES_MAX": HEX_BYTES_MAX}
