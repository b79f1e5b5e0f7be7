"""The ways in which common JSON libraries write one value again, tried from the nearest to the farthest.

A style is a choice on each of six questions; what a style is called depends on where it differs from the way
in which the body itself is written.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, Final

from coinslot_sandbox.diagnosis.finding import Budget

DUMP_COST: Final = 24
"""Writing JSON costs about so many times what hashing the same bytes does."""
CHANGES_MAX: Final = 3
COMBINED_BODY_BYTES_MAX: Final = 65_536
DOUBLE_EXACT_MAX: Final = 2**53

_LAYOUTS: Final[Mapping[str, tuple[tuple[str, str], int | str | None]]] = {
    "compact": ((",", ":"), None),
    "spaced": ((", ", ": "), None),
    "indented": ((",", ": "), 2),
    "indented-4": ((",", ": "), 4),
    "indented-tab": ((",", ": "), "\t"),
    "indented-jackson": ((",", " : "), 2),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "layout": tuple(_LAYOUTS),
    "escape": ("plain", "ascii", "ascii-upper", "html", "gson"),
    "slash": ("plain", "escaped"),
    "order": ("kept", "sorted"),
    "nulls": ("kept", "dropped"),
    "numbers": ("kept", "javascript", "doubles"),
}
_NAMES: Final[Mapping[str, str]] = {
    "indented-4": "reserialised-indented",
    "indented-tab": "reserialised-indented",
    "indented-jackson": "reserialised-indented",
    "ascii": "reserialised-ascii-escaped",
    "ascii-upper": "reserialised-ascii-escaped",
    "html": "reserialised-html-escaped",
    "gson": "reserialised-html-escaped",
    "escaped": "reserialised-slash-escaped",
    "dropped": "reserialised-nulls-dropped",
    "javascript": "reserialised-numbers",
    "doubles": "reserialised-numbers",
    "plain": "reserialised-unescaped",
}
_ESCAPE: Final = re.compile(r"\\\\|\\u[0-9a-f]{4}")
_HTML: Final = {"html": re.compile("[<>&\u2028\u2029]"), "gson": re.compile("[<>&='\u2028\u2029]")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a value is written; each member is one of `_CHOICES`."""

    layout: str = "compact"
    escape: str = "plain"
    slash: str = "plain"
    order: str = "kept"
    nulls: str = "kept"
    numbers: str = "kept"


def read_value(body: bytes) -> Any:
    """The JSON value that a common library reads; raises ValueError where it is none.

    Lenient on purpose: a duplicate member or a NaN is what a re-serialisation changes.
    """
    try:
        return json.loads(body.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def respellings(body: bytes, value: Any, budget: Budget) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Other spellings of the body's value, each once, with the names of what changed; nearest first."""
    speller = _Speller(body, value, budget)
    base = speller.base()
    starts = [base] if base is not None else [Style(layout=layout) for layout in _LAYOUTS]
    singles = [[change] for change in _changes(starts[0], with_layout=base is not None)]
    yield from speller.spell(base, starts, [[]])
    useful = []
    for single in singles:
        before = speller.distinct
        yield from speller.spell(base, starts, [single])
        if speller.distinct > before:
            useful.append(single[0])
    if len(body) <= COMBINED_BODY_BYTES_MAX:
        for count in range(2, CHANGES_MAX + 1):
            yield from speller.spell(base, starts, combinations(useful, count))
    if budget.spend(len(body), times=DUMP_COST):
        text = json.dumps(body.decode("utf-8", "replace"), ensure_ascii=False)
        yield ("reserialised-as-string",), text.encode("utf-8", "surrogatepass")


class _Speller:
    """Writes one value in many styles, each result once, while the budget lasts."""

    def __init__(self, body: bytes, value: Any, budget: Budget) -> None:
        self._body = body
        self._value = value
        self._budget = budget
        self._seen = {body}

    @property
    def distinct(self) -> int:
        """How many different spellings there are so far."""
        return len(self._seen)

    def base(self) -> Style | None:
        """The style in which the body is written, None where it is none of ours."""
        for style in _guesses(self._body):
            if (
                self._budget.spend(len(self._body), times=DUMP_COST)
                and dump(self._value, style) == self._body
            ):
                return style
        return None

    def spell(
        self, base: Style | None, starts: Sequence[Style], changes: Iterable[Sequence[tuple[str, str]]]
    ) -> Iterator[tuple[tuple[str, ...], bytes]]:
        """What comes out of changing each of the starting styles in each of these ways, if it is new."""
        for change in changes:
            named = dict(change)
            if len(named) < len(change):
                continue
            for start in starts:
                if not self._budget.spend(len(self._body), times=DUMP_COST):
                    return
                style = replace(start, **named)
                spelt = dump(self._value, style)
                if spelt is not None and spelt not in self._seen:
                    self._seen.add(spelt)
                    yield _names(base, style), spelt


def dump(value: Any, style: Style) -> bytes | None:
    """The value in this style; None where it cannot be written so."""
    separators, indent = _LAYOUTS[style.layout]
    try:
        written = json.dumps(
            _changed(value, style),
            ensure_ascii=style.escape.startswith("ascii"),
            separators=separators,
            indent=indent,
            sort_keys=style.order == "sorted",
        )
    except (RecursionError, ValueError, OverflowError):
        return None
    if style.escape == "ascii-upper":
        written = _ESCAPE.sub(lambda match: _upper(match.group()), written)
    if style.escape in _HTML:
        written = _HTML[style.escape].sub(lambda match: f"\\u{ord(match.group()):04x}", written)
    if style.slash == "escaped":
        written = written.replace("/", "\\/")
    return written.encode("utf-8", "surrogatepass")


def _guesses(body: bytes) -> Iterator[Style]:
    """Styles that the body may be written in, as far as a glance at it tells."""
    escape = "ascii" if b"\\u" in body else "plain"
    slash = "escaped" if b"\\/" in body else "plain"
    if b"\n" in body:
        layouts = [name for name in _LAYOUTS if name.startswith("indented")]
    else:
        layouts = ["spaced" if b'": ' in body else "compact"]
    for layout in layouts:
        yield Style(layout=layout, escape=escape, slash=slash)


def _changes(start: Style, *, with_layout: bool) -> list[tuple[str, str]]:
    """Every change of one choice."""
    return [
        (name, choice)
        for name, choices in _CHOICES.items()
        for choice in choices
        if choice != getattr(start, name) and (with_layout or name != "layout")
    ]


def _names(base: Style | None, style: Style) -> tuple[str, ...]:
    start = base or Style(layout="")
    changed = [
        getattr(style, item.name)
        for item in fields(Style)
        if getattr(style, item.name) != getattr(start, item.name)
    ]
    return tuple(dict.fromkeys(_NAMES.get(choice, f"reserialised-{choice}") for choice in changed))


def _changed(value: Any, style: Style) -> Any:
    if style.nulls == "kept" and style.numbers == "kept":
        return value
    return _walk(value, drop_nulls=style.nulls == "dropped", number=_NUMBERS[style.numbers])


def _walk(value: Any, *, drop_nulls: bool, number: Callable[[int | float], int | float]) -> Any:
    if isinstance(value, dict):
        return {
            name: _walk(item, drop_nulls=drop_nulls, number=number)
            for name, item in value.items()
            if item is not None or not drop_nulls
        }
    if isinstance(value, list):
        return [_walk(item, drop_nulls=drop_nulls, number=number) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return value


def _javascript(value: int | float) -> int | float:
    """As JSON.parse and JSON.stringify leave it: everything is a double, whole ones have no point."""
    if isinstance(value, int):
        return value if abs(value) <= DOUBLE_EXACT_MAX else int(float(value))
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


_NUMBERS: Final[Mapping[str, Callable[[int | float], int | float]]] = {
    "kept": lambda value: value,
    "javascript": _javascript,
    "doubles": float,
}


def _upper(escape: str) -> str:
    return escape if escape == "\\\\" else "\\u" + escape[2:].upper()
