"""Where a value stands in a JSON body: `$.order.items[0].id`, the part of JSONPath that names one place.

Knows no journal. Wildcards, slices and filters are refused, because a place is compared with one value.
"""

import re
from typing import Any, Final

Steps = tuple[str | int, ...]

PATH_FORM: Final = r"""^(\$|[^.\[\]$"'*][^.\[\]"'*]*)(\.[^.\[\]"'*]+|\[(\d{1,6}|"[^"]*"|'[^']*')\])*$"""
"""What a path looks like; without `$` it begins with a member's name."""
ABSENT: Final = object()

_FORM: Final = re.compile(PATH_FORM)
_STEP: Final = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")


def parse_path(text: str) -> Steps:
    """The steps to a place, ValueError where this is no path."""
    if _FORM.fullmatch(text) is None:
        raise ValueError("no path to one place in a JSON body")
    steps: list[str | int] = []
    for match in _STEP.finditer(text.removeprefix("$")):
        name, index, *quoted = match.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(next(part for part in (name, *quoted) if part is not None))
    return tuple(steps)


def at_path(value: Any, steps: Steps) -> Any:
    """What stands there, ABSENT where there is no such place."""
    for step in steps:
        has_member = isinstance(value, dict) and isinstance(step, str) and step in value
        has_item = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if not has_member and not has_item:
            return ABSENT
        value = value[step]
    return value


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, and "1" is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)
