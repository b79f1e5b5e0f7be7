"""One control call as handlers see it, and how they read its query.

A handler takes a Call and returns status and JSON value; what is refused is raised and becomes a problem.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import invalid, is_decimal
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.services import Services
from coinslot_sandbox.workspaces import Workspaces

LIST_DEFAULT: Final = 1000
LIST_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An answer that is no JSON; `kind` is its Content-Type."""

    text: str
    kind: str


Reply = tuple[int, Any]
"""Status, and a JSON value or a `Streamed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer that goes out piece by piece.

    close     is called once when the last piece has gone out or the reader has
    filename  under which a browser is to keep it
    """

    kind: str
    pieces: Iterator[bytes]
    close: Callable[[], None] | None = None
    filename: str | None = None


@dataclass(slots=True, kw_only=True)
class Noted:
    """What a handler learnt about its call, for the call's journal entry.

    verdict  code and reason
    """

    order_id: str | None = None
    user_id: str | None = None
    external_id: str | None = None
    verdict: tuple[str | None, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One control call.

    args     what the path's variables are
    query    the first value of each query parameter
    headers  the request's, by name in lower case
    noted    what the handler writes for the journal
    """

    workspaces: Workspaces
    services: Services
    context: Context
    args: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    noted: Noted = field(default_factory=Noted)


Handler = Callable[[Call], Reply]


def unknown(what: str, name: str) -> Problem:
    """There is no such thing."""
    shown = name if len(name) <= 60 else name[:60] + "…"
    return Problem(
        404,
        f"{what}-unknown",
        f"there is no {what} {shown}",
        remedy=f"list what there is, or make the {what} first",
    )


def limit(call: Call) -> int:
    """How many items a list may hold."""
    return number(call, "limit", default=LIST_DEFAULT, most=LIST_MAX, least=1)


def number(call: Call, name: str, *, default: int, most: int, least: int = 0) -> int:
    """A whole number of the query."""
    text = call.query.get(name)
    if text is None:
        return default
    if not is_decimal(text) or not least <= int(text) <= most:
        raise invalid(name, f"a whole number from {least} to {most}")
    return int(text)


def seconds(call: Call, name: str, *, default: float, most: float) -> float:
    """A number of seconds of the query."""
    text = call.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise invalid(name, f"a number from 0 to {most:g}")
    return value


def moment(call: Call, name: str, *, most: float) -> float | None:
    """A moment of the query, seconds since 1970; None where it is absent."""
    return seconds(call, name, default=0.0, most=most) if name in call.query else None


def choice(call: Call, name: str, known: tuple[str, ...]) -> str | None:
    """One of the known values of the query, None where it is absent."""
    value = call.query.get(name)
    if value is not None and value not in known:
        raise invalid(name, f"one of {', '.join(known)}")
    return value


def is_newest_first(call: Call) -> bool:
    """Whether a list is to begin with what was made last."""
    return choice(call, "sort", ("oldest", "newest")) == "newest"
