"""Which entries of a journal are wanted, and how far an entry is from being one of them.

Compares what the journal holds, secrets masked: nothing that is hidden can be found out by asking for it.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.json_bytes import JsonInvalid, parse_json

from coinslot_sandbox.journal_entries import Entry
from coinslot_sandbox.journal_paths import ABSENT, Steps, at_path, same_json

MEMBERS: Final = (
    "dir",
    "endpoint",
    "portal",
    "game_id",
    "order_id",
    "user_id",
    "external_id",
    "delivery_id",
)
"""The members of an entry that are compared as they are."""
NO_REPLY: Final = "none"
_SHOWN_CHARS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a JSON body, as it was written and as steps, and the value that is wanted there."""

    path: str
    steps: Steps
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One member of a filter and what an entry holds of it."""

    member: str
    wanted: Any
    found: Any
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Which entries are wanted; None means any.

    status           of the reply: "404", "4xx", or "none" where there was no reply
    verdict          the verdict's code
    path             of the request's target, without the query
    headers          of the request: name and value, or name and None where it must only be there
    body, reply      texts that the body or the reply's body must hold
    places           values in the request's JSON body; reply_places those in the reply's
    after, before    numbers, exclusive
    since_s, until_s seconds since 1970, inclusive
    """

    dir: str | None = None
    endpoint: str | None = None
    portal: str | None = None
    game_id: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    external_id: str | None = None
    delivery_id: str | None = None
    status: str | None = None
    verdict: str | None = None
    method: str | None = None
    path: str | None = None
    headers: tuple[tuple[str, str | None], ...] = ()
    body: str | None = None
    places: tuple[Place, ...] = ()
    reply: str | None = None
    reply_places: tuple[Place, ...] = ()
    after: int = 0
    before: int | None = None
    since_s: float | None = None
    until_s: float | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is wanted."""
        return self.spans(entry) and all(compared.is_same for compared in self.compare(entry))

    def spans(self, entry: Entry) -> bool:
        """Whether the entry lies within the numbers and times that are asked about."""
        seq, at_s = entry["seq"], entry["at_s"]
        return (
            seq > self.after
            and (self.before is None or seq < self.before)
            and (self.since_s is None or at_s >= self.since_s)
            and (self.until_s is None or at_s <= self.until_s)
        )

    def compare(self, entry: Entry) -> Iterator[Compared]:
        """Every given member with what the entry holds of it, the cheapest first."""
        for name in MEMBERS:
            wanted = getattr(self, name)
            if wanted is not None:
                yield _compared(name, wanted, entry[name])
        yield from self._compare_heads(entry)
        request, reply = entry["request"], entry["reply"]
        yield from _compare_body("body", self.body, self.places, request)
        yield from _compare_body("reply_body", self.reply, self.reply_places, reply)

    def _compare_heads(self, entry: Entry) -> Iterator[Compared]:
        request, verdict = entry["request"], entry["verdict"]
        if self.status is not None:
            found = NO_REPLY if entry["reply"] is None else str(entry["reply"]["status"])
            is_same = self.status in (found, f"{found[0]}xx")
            yield Compared(member="status", wanted=self.status, found=found, is_same=is_same)
        if self.verdict is not None:
            yield _compared("verdict", self.verdict, None if verdict is None else verdict["code"])
        if self.method is not None:
            yield _compared("method", self.method, request["method"])
        if self.path is not None:
            yield _compared("path", self.path, request["target"].partition("?")[0])
        for name, value in self.headers:
            values = [sent for known, sent in request["headers"] if known.lower() == name.lower()]
            is_same = bool(values) if value is None else value in values
            yield Compared(
                member=f"header {name}", wanted=value, found=", ".join(values) or None, is_same=is_same
            )


def body_of(message: dict[str, Any] | None) -> bytes:
    """The bytes of a request's or a reply's body."""
    return b"" if message is None else base64.b64decode(message["body_b64"])


def json_of(body: bytes) -> Any:
    """A body's JSON value, ABSENT where it is none that every parser reads alike."""
    try:
        return parse_json(body)
    except JsonInvalid:
        return ABSENT


def _compared(member: str, wanted: Any, found: Any) -> Compared:
    return Compared(member=member, wanted=wanted, found=found, is_same=wanted == found)


def _compare_body(
    member: str, text: str | None, places: tuple[Place, ...], message: dict[str, Any] | None
) -> Iterator[Compared]:
    if text is None and not places:
        return
    body = body_of(message)
    if text is not None:
        shown = body[:_SHOWN_CHARS].decode("utf-8", "replace")
        yield Compared(member=member, wanted=text, found=shown, is_same=text.encode() in body)
    if not places:
        return
    value = json_of(body)
    for place in places:
        found = ABSENT if value is ABSENT else at_path(value, place.steps)
        is_same = found is not ABSENT and same_json(found, place.value)
        shown_value = None if found is ABSENT else found
        yield Compared(
            member=f"{member} {place.path}", wanted=place.value, found=shown_value, is_same=is_same
        )
