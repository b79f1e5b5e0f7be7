"""The only coercions in the product: from a JSON member to a value that the rest may trust.

Each function names the field in its error. Absent, null and empty are one thing: missing.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.errors import FieldInvalid, FieldMissing

INT64_MAX = 2**63 - 1
TEXT_CHARS_MAX = 1024
_UNSAFE: Final = re.compile("[\x00-\x1f\ud800-\udfff]")


def required(fields: Mapping[str, Any], name: str) -> Any:
    """The member's value; FieldMissing where it is absent, null or the empty string."""
    value = fields.get(name)
    if value is None or value == "":
        raise FieldMissing(f"{name} is missing")
    return value


def decimal_id(fields: Mapping[str, Any], name: str) -> str:
    """An identifier that the documents write as a number or as its string; always `str` inside.

    returns  decimal digits, never through a float, so exact beyond 2^53
    errors   FieldMissing; FieldInvalid for anything but an integer or ASCII digits, and for leading zeros:
             "0257" is not player 257, and must not become it
    """
    value = fields.get(name)
    if type(value) is str:
        is_plain = value.isdigit() and value.isascii() and (value[0] != "0" or value == "0")
        if is_plain and (len(value) < 19 or (len(value) == 19 and int(value) <= INT64_MAX)):
            return value
    elif type(value) is int and 0 <= value <= INT64_MAX:  # a bool is none
        return str(value)
    required(fields, name)
    raise FieldInvalid(f"{name} must be a whole number from 0, or its decimal digits as a string")


def text(fields: Mapping[str, Any], name: str, *, chars_max: int = TEXT_CHARS_MAX) -> str:
    """An opaque, case-sensitive string of 1 to chars_max characters without control characters."""
    value = fields.get(name)
    if type(value) is str and 0 < len(value) <= chars_max and value.isprintable():
        return value
    value = required(fields, name)
    if not isinstance(value, str):
        raise FieldInvalid(f"{name} must be a string")
    if len(value) > chars_max:
        raise FieldInvalid(f"{name} is longer than {chars_max} characters")
    if _UNSAFE.search(value):
        raise FieldInvalid(f"{name} holds a control character or half a surrogate pair")
    return value


def seconds(fields: Mapping[str, Any], name: str) -> int:
    """A time in whole seconds since 1970; FieldInvalid for any other type or beyond 64 bits."""
    value = required(fields, name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT64_MAX:
        raise FieldInvalid(f"{name} must be a whole number of seconds since 1970")
    return value


def optional_seconds(fields: Mapping[str, Any], name: str) -> int | None:
    """As `seconds`, but None where the member is missing."""
    return None if fields.get(name) in (None, "") else seconds(fields, name)


def positive_int(fields: Mapping[str, Any], name: str) -> int:
    """A JSON integer from 1 to 2,147,483,647: a page number or size."""
    value = required(fields, name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**31 - 1:
        raise FieldInvalid(f"{name} must be a whole number from 1")
    return value


def choice(fields: Mapping[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    """One of the allowed values, of the same type: 1 is not True and not "1"."""
    value = required(fields, name)
    for item in allowed:
        if type(item) is type(value) and item == value:
            return item
    listed = ", ".join(str(item) for item in allowed)
    raise FieldInvalid(f"{name} must be one of {listed}")
