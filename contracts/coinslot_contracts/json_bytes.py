"""JSON as bytes: the spellings in which one value can be sent, and a parser that refuses doubt.

A signature covers bytes, not values, so a value has no meaning here without its spelling.
Reading is strict, because two parsers that disagree about one body are how money is lost: duplicate keys,
NaN, numbers beyond a double, bad UTF-8, byte order marks and deep nesting are refused.
"""

import gzip
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.wire import Headers

BODY_BYTES_MAX: Final = 1_048_576
DEPTH_MAX: Final = 64
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class JsonInvalid(ValueError):
    """The bytes are not JSON that every parser reads alike; the text says why and holds no part of them."""


def parse_json(text: bytes | str, *, bytes_max: int = BODY_BYTES_MAX, depth_max: int = DEPTH_MAX) -> Any:
    """Read one JSON value, or raise JsonInvalid.

    text       UTF-8 bytes, or a str that was already decoded
    returns    dict, list, str, int (exact, however large up to 4,300 digits), float (finite), bool or None
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > bytes_max:
        raise JsonInvalid(f"longer than {bytes_max} bytes")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise JsonInvalid("starts with a byte order mark")
    _check_depth(raw, depth_max)
    value, problem = _read(raw)
    if problem:
        raise JsonInvalid(problem)
    return value


def _read(raw: bytes) -> tuple[Any, str]:
    """The value, or what is wrong.

    It is raised only afterwards, since the standard library's errors hold the whole text: as the context of
    ours, even a suppressed one, they would show it to whoever collects crashes.
    """
    try:
        return _DECODER.decode(raw.decode("utf-8")), ""
    except UnicodeDecodeError:
        return None, "not UTF-8"
    except JsonInvalid as error:
        return None, str(error)
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos}"
    except ValueError:
        return None, "a number has too many digits"


def parse_json_object(text: bytes | str, **limits: int) -> dict[str, Any]:
    """Read one JSON object, or raise JsonInvalid."""
    value = parse_json(text, **limits)
    if not isinstance(value, dict):
        raise JsonInvalid("not a JSON object")
    return value


def _check_depth(raw: bytes, depth_max: int) -> None:
    if raw.count(b"[") + raw.count(b"{") <= depth_max:
        return
    depth = 0
    for match in _STRUCTURE.finditer(raw):
        token = match.group()
        if token in (b"[", b"{"):
            depth += 1
            if depth > depth_max:
                raise JsonInvalid(f"nested deeper than {depth_max}")
        elif token in (b"]", b"}"):
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise JsonInvalid("a key is given twice in one object")
    return value


def _refuse_constant(name: str) -> float:
    raise JsonInvalid(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise JsonInvalid("a number is too large")
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
)
"""Made once: json.loads with hooks makes a decoder for each call, which costs more than a small document."""


def dump_compact(value: Any) -> bytes:
    """The default spelling: no spaces, UTF-8 unescaped, keys in their own order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _spaced(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _indented(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def _sorted(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _reversed(value: Any) -> bytes:
    return dump_compact(_turned(value))


def _turned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _turned(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [_turned(item) for item in value]
    return value


def _escaped(value: Any) -> bytes:
    """Every character outside ASCII, and the first of every string value, as a \\u escape.

    The first one too, because otherwise a body of plain ASCII would be spelt as in `compact`.
    """
    if isinstance(value, Mapping):
        members = (json.dumps(key).encode() + b":" + _escaped(item) for key, item in value.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(_escaped(item) for item in value) + b"]"
    if isinstance(value, str) and value and ord(value[0]) < 128:
        return b'"' + f"\\u{ord(value[0]):04x}".encode() + json.dumps(value[1:])[1:].encode()
    return json.dumps(value).encode()


def _slash_escaped(value: Any) -> bytes:
    return dump_compact(value).replace(b"/", b"\\/")


def _trailing_newline(value: Any) -> bytes:
    return dump_compact(value) + b"\n"


def _gzip(value: Any) -> bytes:
    return gzip.compress(dump_compact(value), mtime=0)


def _float_integers(value: Any) -> bytes:
    """Every whole number with a fraction of zero: 1 as 1.0, however large."""
    if isinstance(value, Mapping):
        members = (dump_compact(key) + b":" + _float_integers(item) for key, item in value.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(_float_integers(item) for item in value) + b"]"
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return dump_compact(value) + (b".0" if is_whole else b"")


def _nulls_dropped(value: Any) -> bytes:
    return dump_compact(_without_nulls(value))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _bom(value: Any) -> bytes:
    return b"\xef\xbb\xbf" + dump_compact(value)


def _duplicate_keys(value: Any) -> bytes:
    """Each member of the outermost object twice, with one value."""
    if not isinstance(value, Mapping) or not value:
        return dump_compact(value)
    once = dump_compact(value)[1:-1]
    return b"{" + once + b"," + once + b"}"


SPELLINGS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "compact": dump_compact,
    "spaced": _spaced,
    "indented": _indented,
    "sorted": _sorted,
    "reversed": _reversed,
    "escaped": _escaped,
    "slash_escaped": _slash_escaped,
    "trailing_newline": _trailing_newline,
    "gzip": _gzip,
}
ODD_SPELLINGS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "float_integers": _float_integers,
    "nulls_dropped": _nulls_dropped,
    "bom": _bom,
    "duplicate_keys": _duplicate_keys,
}


def dump_json(value: Any, encode: str = "compact") -> bytes:
    """Write a JSON value in one of the named spellings; KeyError for an unknown name.

    All of SPELLINGS but `gzip` parse back to the same value; `gzip` is the compact spelling, compressed.
    Those of ODD_SPELLINGS are read differently by different parsers, `parse_json` refuses some.
    The names are explained in `vocabulary.ENCODINGS`.
    """
    return (SPELLINGS.get(encode) or ODD_SPELLINGS[encode])(value)


def spelling_headers(encode: str) -> Headers:
    """The headers that a body in this spelling needs beside its Content-Type."""
    return (("Content-Encoding", "gzip"),) if encode == "gzip" else ()
