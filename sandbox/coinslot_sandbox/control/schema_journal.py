"""What calls about the journal may say: one filter, in bodies and in queries alike, and claims of filters.

Bodies are read member by member; a query is turned into such a body first, so that both know the same names.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from coinslot_sandbox.control.call import Call
from coinslot_sandbox.control.reading import Members, invalid, is_decimal
from coinslot_sandbox.journal_claims import Claim
from coinslot_sandbox.journal_filter import MEMBERS, NO_REPLY, JournalFilter, Place
from coinslot_sandbox.journal_paths import parse_path

DIRECTIONS: Final = ("in", "out", "control")
STATUS_FORM: Final = "^([1-5][0-9]{2}|[1-5]xx|none)$"
SEQ_MAX: Final = 2**62
TIME_S_MAX: Final = 2.0**33
COUNT_MAX: Final = 1_000_000
WITHIN_S_MAX: Final = 60.0
STEPS_MAX: Final = 50
PLACES_MAX: Final = 50
SOUGHT_CHARS_MAX: Final = 10_000
FILTER: Final = (
    *MEMBERS,
    "status",
    "verdict",
    "method",
    "path",
    "header",
    "body",
    "reply_body",
    "after",
    "before",
    "since_s",
    "until_s",
)
"""The members of a filter."""
QUERY: Final = tuple(name for name in FILTER if name not in ("header", "reply_body"))
"""Those that a query may have too; its `body` is a text."""
COUNTS: Final = ("at_least", "at_most", "exactly")


def query_filter(call: Call, *, but: tuple[str, ...] = ()) -> JournalFilter:
    """The filter of a GET; `but` are names that mean something else in this call."""
    given: dict[str, Any] = {
        name: call.query[name] for name in QUERY if name in call.query and name not in but
    }
    for name in ("after", "before"):
        if name in given and is_decimal(given[name]):
            given[name] = int(given[name])
    for name in ("since_s", "until_s"):
        if name in given:
            given[name] = _number(name, given[name])
    return _filter(Members(given, known=QUERY))


def parse_find(body: Mapping[str, Any], *, limit_default: int, limit_max: int) -> tuple[JournalFilter, int]:
    """POST /journal/find: the filter and how many entries at most."""
    members = Members(body, known=(*FILTER, "limit"))
    return _filter(members), members.integer("limit", least=1, most=limit_max) or limit_default


def parse_count(body: Mapping[str, Any]) -> JournalFilter:
    """POST /journal/count: the filter."""
    return _filter(Members(body, known=FILTER))


def parse_assert(body: Mapping[str, Any]) -> tuple[Claim, float]:
    """POST /journal/assert: the claim, and how long to watch."""
    members = Members(body, known=(*FILTER, *COUNTS, "sequence", "never", "within_s"))
    counts = {name: members.integer(name, least=0, most=COUNT_MAX) for name in COUNTS}
    bounded = [name for name in COUNTS if counts[name] is not None]
    sequence, never = _sequence(members), members.table("never")
    kinds = [bool(bounded), sequence is not None, never is not None]
    if kinds.count(True) != 1 or ("exactly" in bounded and len(bounded) > 1):
        raise invalid(
            "the body", "a filter and one claim: at_least, at_most or both, exactly, sequence, never"
        )
    at_least, at_most = counts["at_least"], counts["at_most"]
    if at_least is not None and at_most is not None and at_least > at_most:
        raise invalid("at_most", "not smaller than at_least")
    claim = Claim(
        wanted=_filter(members),
        **counts,
        sequence=sequence or (),
        never=None if never is None else _filter(Members(never, known=FILTER, where="never")),
    )
    return claim, members.number("within_s", least=0.0, most=WITHIN_S_MAX) or 0.0


def _sequence(members: Members) -> tuple[JournalFilter, ...] | None:
    given = members.any("sequence")
    if given is None:
        return None
    if not isinstance(given, list) or not 1 <= len(given) <= STEPS_MAX:
        raise members.wrong("sequence", f"a list of 1 to {STEPS_MAX} filters")
    if not all(isinstance(item, dict) for item in given):
        raise members.wrong("sequence", "a list of filters, each an object")
    return tuple(
        _filter(Members(item, known=FILTER, where=f"sequence[{number}]")) for number, item in enumerate(given)
    )


def _filter(members: Members) -> JournalFilter:
    body, places = _sought(members, "body")
    reply, reply_places = _sought(members, "reply_body")
    given: dict[str, Any] = {
        **{name: members.text(name) for name in (*MEMBERS, "verdict", "method", "path")},
        "dir": members.choice("dir", DIRECTIONS),
        "status": _status(members),
        "headers": _headers(members),
        "body": body,
        "places": places,
        "reply": reply,
        "reply_places": reply_places,
        "after": members.integer("after", least=0, most=SEQ_MAX) or 0,
        "before": members.integer("before", least=0, most=SEQ_MAX),
        "since_s": members.number("since_s", least=0.0, most=TIME_S_MAX),
        "until_s": members.number("until_s", least=0.0, most=TIME_S_MAX),
    }
    assert given.keys() == {item.name for item in fields(JournalFilter)}
    return JournalFilter(**given)


def _status(members: Members) -> str | None:
    value = members.any("status")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text is None:
        return None
    is_number = isinstance(text, str) and is_decimal(text) and 100 <= int(text) <= 599
    is_class = isinstance(text, str) and len(text) == 3 and text[0] in "12345" and text[1:] == "xx"
    if not is_number and not is_class and text != NO_REPLY:
        raise members.wrong("status", "a status from 100 to 599, a class like 4xx, or none")
    return str(text)


def _headers(members: Members) -> tuple[tuple[str, str | None], ...]:
    table = members.table("header") or {}
    if len(table) > PLACES_MAX or not all(
        value is None or isinstance(value, str) for value in table.values()
    ):
        raise members.wrong(
            "header", f"at most {PLACES_MAX} names with their values, or null where any will do"
        )
    return tuple(table.items())


def _sought(members: Members, name: str) -> tuple[str | None, tuple[Place, ...]]:
    """What a body must hold: a text, or values at places of its JSON."""
    value = members.any(name)
    if value is None or isinstance(value, str):
        return members.text(name, chars_max=SOUGHT_CHARS_MAX, lines=True), ()
    if not isinstance(value, dict) or len(value) > PLACES_MAX:
        raise members.wrong(
            name, f"a text that it holds, or an object of at most {PLACES_MAX} paths and values"
        )
    try:
        places = [Place(path=path, steps=parse_path(path), value=item) for path, item in value.items()]
    except ValueError:
        raise members.wrong(name, "an object whose names are paths like $.order.items[0].id") from None
    return None, tuple(places)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(name, f"a number from 0 to {TIME_S_MAX:g}") from None
