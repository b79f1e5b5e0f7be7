"""`${a.b}` in values: a name looked up, nothing else; no expressions and no code.

A text that is one template keeps the type of what it names (`"${copies}"` becomes 3, not "3"); inside a
longer text the value is written out. `$${` is a literal `${`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TEMPLATE = re.compile(r"\$(\$)?\{([^{}]*)\}")
Lookup = Callable[[str], Any]


class NameUnknown(LookupError):
    """A template names what does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def has_template(value: object) -> bool:
    """Whether a value is text that holds at least one live template."""
    return isinstance(value, str) and any(not match[1] for match in _TEMPLATE.finditer(value))


def names_in(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every (path, name) that templates inside a value mention, in reading order."""
    if isinstance(value, str):
        for match in _TEMPLATE.finditer(value):
            if not match[1]:
                yield (), match[2]
    elif isinstance(value, Mapping):
        for key, item in value.items():
            for path, name in names_in(item):
                yield (key, *path), name
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for path, name in names_in(item):
                yield (index, *path), name


def fill(value: Any, lookup: Lookup) -> Any:
    """The value with every template replaced; `lookup` raises NameUnknown, or returns `KEEP` to leave it."""
    if isinstance(value, str):
        return _fill_text(value, lookup)
    if isinstance(value, Mapping):
        return {key: fill(item, lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, lookup) for item in value]
    return value


KEEP = object()
"""What a lookup returns for a name that shall stay a template."""


def _fill_text(text: str, lookup: Lookup) -> Any:
    whole = _TEMPLATE.fullmatch(text)
    if whole and not whole[1]:
        value = lookup(whole[2])
        return text if value is KEEP else value

    def written(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        value = lookup(match[2])
        if value is KEEP:
            return match[0]
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    return _TEMPLATE.sub(written, text)


def lookup_in(names: Mapping[str, Any], *, keep_others: bool = False) -> Lookup:
    """A lookup of dotted names in nested mappings."""

    def find(name: str) -> Any:
        found: Any = names
        for part in name.split("."):
            if not isinstance(found, Mapping) or part not in found:
                if keep_others and found is names:
                    return KEEP
                raise NameUnknown(name)
            found = found[part]
        return found

    return find
