"""Reading a JSON body member by member; each mistake is a Problem that names the member.

Strict on purpose: an unknown member is refused with what was probably meant, and no type is coerced.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object

from coinslot_sandbox.errors import Problem

TEXT_CHARS_MAX = 1024


def read_body(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object; an empty one is {}."""
    if not raw.strip():
        return {}
    try:
        members = parse_json_object(raw)
    except JsonInvalid as error:
        raise Problem(
            400, "json-invalid", f"the body is {error}", remedy="send one JSON object, UTF-8"
        ) from None
    _check_surrogates(members)
    return members


def invalid(name: str, expected: str) -> Problem:
    """A member has the wrong form."""
    return Problem(
        400, "field-invalid", f"{name} must be {expected}", remedy=f"correct {name} and send it again"
    )


def unknown_name(name: str, value: str, known: Iterable[str], *, code: str = "field-invalid") -> Problem:
    """A member holds a name that there is none of."""
    names = list(known)
    return Problem(
        400, code, f"{name} {_short(value)!r} is unknown", remedy=did_you_mean(value, names) or _one_of(names)
    )


def did_you_mean(value: str, known: Iterable[str]) -> str | None:
    """ "did you mean …?" for the nearest of the known names, None where none is near."""
    near = difflib.get_close_matches(value, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else None


class Members:
    """The members of one JSON object, taken one by one.

    where  path of the object in the body, "" for the body itself
    """

    def __init__(self, members: Mapping[str, Any], *, known: tuple[str, ...], where: str = "") -> None:
        self._members = members
        self._where = where
        for name in members:
            if name not in known:
                raise Problem(
                    400,
                    "field-unknown",
                    f"there is no member {self._name(_short(name))}",
                    remedy=did_you_mean(name, known) or _one_of(known),
                )

    def has(self, name: str) -> bool:
        """Whether the member was given, be it null."""
        return name in self._members

    def is_null(self, name: str) -> bool:
        """Whether the member was given as null."""
        return name in self._members and self._members[name] is None

    def text(
        self, name: str, *, chars_max: int = TEXT_CHARS_MAX, chars_min: int = 1, lines: bool = False
    ) -> str | None:
        """A string; None where it is absent or null."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not chars_min <= len(value) <= chars_max:
            raise invalid(self._name(name), f"a string of {chars_min} to {chars_max} characters")
        if not lines and any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise invalid(self._name(name), "a string without control characters")
        return value

    def required_text(self, name: str, *, chars_max: int = TEXT_CHARS_MAX) -> str:
        """A string that must be given."""
        value = self.text(name, chars_max=chars_max)
        if value is None:
            raise self.missing(name)
        return value

    def decimal_id(self, name: str) -> str | None:
        """An id as decimal digits, as a string or a number."""
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return str(value)
        if isinstance(value, str) and is_decimal(value):
            return value
        raise invalid(self._name(name), "a whole number from 0 to 9223372036854775807, or its digits")

    def required_decimal_id(self, name: str) -> str:
        """An id that must be given."""
        value = self.decimal_id(name)
        if value is None:
            raise self.missing(name)
        return value

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number; None where it is absent or null."""
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise invalid(self._name(name), f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, *, least: float, most: float) -> float | None:
        """A number; None where it is absent or null."""
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise invalid(self._name(name), f"a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str) -> bool | None:
        """true or false; None where it is absent or null."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(self._name(name), "true or false")
        return value

    def choice(self, name: str, known: Iterable[str], *, code: str = "field-invalid") -> str | None:
        """One of the known names; None where it is absent or null."""
        names = list(known)
        value = self.text(name)
        if value is not None and value not in names:
            raise unknown_name(self._name(name), value, names, code=code)
        return value

    def table(self, name: str) -> dict[str, Any] | None:
        """A JSON object; None where it is absent or null."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, dict):
            raise invalid(self._name(name), "an object")
        return value

    def texts(self, name: str, *, items_max: int = 10_000) -> tuple[str, ...] | None:
        """A list of strings; None where it is absent or null."""
        value = self._members.get(name)
        if value is None:
            return None
        good = isinstance(value, list) and len(value) <= items_max
        if not good or not all(isinstance(item, str) and 0 < len(item) <= TEXT_CHARS_MAX for item in value):
            raise invalid(self._name(name), f"a list of at most {items_max} strings")
        return tuple(value)

    def any(self, name: str) -> Any:
        """The member as it is."""
        return self._members.get(name)

    def missing(self, name: str) -> Problem:
        """The member must be given and was not."""
        return Problem(
            400, "field-missing", f"{self._name(name)} is missing", remedy=f"give {self._name(name)}"
        )

    def wrong(self, name: str, expected: str) -> Problem:
        """The member has the wrong form."""
        return invalid(self._name(name), expected)

    def _name(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


def is_decimal(text: str) -> bool:
    """Whether a text is a whole number's digits, without leading zeros, within 64 bits."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19
    return plain and (text == "0" or text[0] != "0") and int(text) < 2**63


def _one_of(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"take one of {listed}" if listed else "send an empty object"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _check_surrogates(value: Any) -> None:
    """Half a surrogate pair is no character and cannot be sent as UTF-8."""
    if isinstance(value, str):
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            raise invalid("every string", "free of half surrogate pairs")
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_surrogates(name)
            _check_surrogates(item)
