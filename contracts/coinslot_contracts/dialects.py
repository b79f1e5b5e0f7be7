"""Manners of speaking: what a portal may say in more than one way.

A dialect is a switch with named variants, the first of which is the default. Parts of a portal first make
what they say by default and then tell it in the chosen manner, so that with every default nothing changes.
A manner is no fault: whatever is chosen, the portal goes on working for whoever reads it rightly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.wire import Headers

Speak = Callable[[str], str | None]
"""Name of a dialect -> the chosen variant; None for the default."""


def plainly(name: str) -> str | None:  # noqa: ARG001 - the form of Speak
    """Every dialect at its default."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One thing that a portal's document leaves open or says in two ways.

    variants   name -> one sentence that says what is sent; the first is the default
    clause     id of the assumption or clause that says why it is open
    """

    variants: Mapping[str, str]
    clause: str

    @property
    def default(self) -> str:
        """The variant that is spoken where none was chosen."""
        return next(iter(self.variants))


def _same_header(header: Mapping[str, Any], kid: str | None, speak: Speak) -> dict[str, Any]:  # noqa: ARG001
    return dict(header)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenManner:
    """How a portal's token is told beside its claims; the defaults change nothing.

    header      (good header, the key's id as it is published, speak) -> header
    algorithm   speak -> what new tokens are signed with; None for the part's own algorithm
    """

    header: Callable[[Mapping[str, Any], str | None, Speak], dict[str, Any]] = _same_header
    algorithm: Callable[[Speak], str | None] = lambda speak: None  # noqa: ARG005


def _same_members(members: Mapping[str, Any], speak: Speak) -> dict[str, Any]:  # noqa: ARG001
    return dict(members)


def _compact(members: Mapping[str, Any], speak: Speak) -> tuple[bytes, Headers]:  # noqa: ARG001
    return dump_compact(members), ()


def _same_headers(headers: Headers, speak: Speak) -> Headers:  # noqa: ARG001
    return headers


def _same_text(text: str, speak: Speak) -> str:  # noqa: ARG001
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeManner:
    """How a portal's notification is told; the defaults change nothing.

    members     (members of `NoticesPart.fields`, speak) -> members
    dump        (members, speak) -> body bytes, and the headers that this spelling needs
    signature   (value of the signature header, speak) -> value
    headers     (all headers of the notification, speak) -> headers
    tells       (refund status, speak) -> whether the portal notifies of it by itself
    """

    members: Callable[[Mapping[str, Any], Speak], dict[str, Any]] = _same_members
    dump: Callable[[Mapping[str, Any], Speak], tuple[bytes, Headers]] = _compact
    signature: Callable[[str, Speak], str] = _same_text
    headers: Callable[[Headers, Speak], Headers] = _same_headers
    tells: Callable[[int, Speak], bool] = lambda status, speak: status == 1  # noqa: ARG005
