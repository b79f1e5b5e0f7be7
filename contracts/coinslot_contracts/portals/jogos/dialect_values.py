"""What several dialects share: times and ids in other types, and what stands where there is nothing.

clauses   sandbox:times-in-seconds, sandbox:callback-ids, sandbox:empty-refund-fields
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

BEGIN_OF_TIME_S: Final = -62_135_596_800
"""The first second of the year 1, before which no date can be named."""
END_OF_TIME_S: Final = 253_402_300_799
"""The last second that a date with a year of four digits can name."""
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, and told without a zone


def _date_and_time(at_s: int) -> str:
    named_s = min(max(at_s, BEGIN_OF_TIME_S), END_OF_TIME_S)
    return (_EPOCH + timedelta(seconds=named_s)).isoformat(sep=" ")


TIMES: Final[Mapping[str, Callable[[int], int | str]]] = {
    "milliseconds": lambda at_s: at_s * 1000,
    "text": str,
    "date-and-time": _date_and_time,
}
EMPTIES: Final[Mapping[str, Any]] = {"empty-text": "", "zero": 0, "null-text": "null"}


def with_times(members: Mapping[str, Any], names: Iterable[str], variant: str | None) -> dict[str, Any]:
    """The members with these times told otherwise; None leaves them seconds, an absent time stays absent."""
    tell = None if variant is None else TIMES.get(variant)
    if tell is None:
        return dict(members)
    told = {name: tell(members[name]) for name in names if members[name] is not None}
    return {**members, **told}


def with_ids(members: Mapping[str, Any], names: Iterable[str], variant: str | None) -> dict[str, Any]:
    """The members with these ids as text, where that is the variant."""
    told = {name: str(members[name]) for name in names} if variant == "text" else {}
    return {**members, **told}


def with_empties(members: Mapping[str, Any], names: Iterable[str], variant: str | None) -> dict[str, Any]:
    """The members with something else than null in these, or without them, where they hold nothing."""
    empty = {name for name in names if members[name] is None}
    if variant == "absent":
        return {name: value for name, value in members.items() if name not in empty}
    blank = EMPTIES.get(variant or "")
    return {name: blank if name in empty else value for name, value in members.items()}
