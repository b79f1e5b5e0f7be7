"""Does a value match what a check expects? Literals compare by value and type; a mapping holds conditions.

`{gte, lte, in, not, matches, type, absent}`; several conditions must all hold. Pure functions.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

ABSENT: Final = object()
"""The value of a member that was not sent."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def same_value(left: Any, right: Any) -> bool:
    """Equality as JSON has it: true is not 1, "1" is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def matches(expected: Any, actual: Any) -> bool:
    """Whether the actual value is, or fulfils, what is expected."""
    if isinstance(expected, Mapping):
        return all(_CONDITIONS[name](wanted, actual) for name, wanted in expected.items())
    return actual is not ABSENT and same_value(expected, actual)


def _number(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(wanted: Any, actual: Any) -> bool:
        is_number = isinstance(actual, int | float) and not isinstance(actual, bool)
        return is_number and test(actual, wanted)

    return check


def _is_type(wanted: Any, actual: Any) -> bool:
    if isinstance(actual, bool):
        return bool(wanted == "boolean")
    return isinstance(actual, _TYPES.get(wanted, ()))


def _like(wanted: Any, actual: Any) -> bool:
    return isinstance(actual, str) and re.search(str(wanted), actual) is not None


_CONDITIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gte": _number(lambda actual, wanted: actual >= wanted),
    "lte": _number(lambda actual, wanted: actual <= wanted),
    "in": lambda wanted, actual: any(matches(item, actual) for item in wanted),
    "not": lambda wanted, actual: not matches(wanted, actual),
    "matches": _like,
    "type": _is_type,
    "absent": lambda wanted, actual: (actual is ABSENT) is bool(wanted),
}


def upper_bound(expected: Any) -> float:
    """The largest number that can still match: a counter beyond it is refuted for good."""
    if isinstance(expected, Mapping):
        bounds = [expected["lte"]] if "lte" in expected else []
        if "in" in expected:
            bounds.append(max((upper_bound(item) for item in expected["in"]), default=0))
        return float(min(bounds)) if bounds else float("inf")
    return float(expected) if isinstance(expected, int | float) else float("inf")


def describe(expected: Any) -> str:
    """An expectation in words for a failure message."""
    if not isinstance(expected, Mapping):
        return repr(expected) if isinstance(expected, str) else str(expected).lower()
    words = {
        "gte": "at least",
        "lte": "at most",
        "in": "one of",
        "not": "not",
        "matches": "like",
        "type": "a",
    }
    parts = []
    for name, wanted in expected.items():
        if name == "absent":
            parts.append("absent" if wanted else "present")
        elif name == "in":
            parts.append("one of " + ", ".join(describe(item) for item in wanted))
        else:
            parts.append(f"{words[name]} {describe(wanted)}")
    return " and ".join(parts)
