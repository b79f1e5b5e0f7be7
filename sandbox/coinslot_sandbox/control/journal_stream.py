"""The journal as it is shown: entries with their bodies parsed, gaps, and server-sent events as they come.

A stream ends when its time is up, when its reader goes or when the sandbox stops; whoever comes back with the
number of the last event gets what came in between, each entry once.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.journal import Journal, JournalFilter
from coinslot_sandbox.journal_entries import Entry, Gap
from coinslot_sandbox.journal_filter import body_of, json_of
from coinslot_sandbox.journal_paths import ABSENT

PARSED_BYTES_MAX: Final = 65_536
"""The body of a larger message is shown as bytes only."""
HEARTBEAT_S: Final = 10.0
RETRY_MS: Final = 1000
_PAGE: Final = 200


def dump_entry(entry: Entry) -> dict[str, Any]:
    """An entry, with `json` beside the bytes of each body that is JSON."""
    reply = entry["reply"]
    return {
        **entry,
        "request": _parsed(entry["request"]),
        "reply": None if reply is None else _parsed(reply),
    }


def dump_gap(gap: Gap) -> dict[str, Any]:
    """The mark of entries that were dropped."""
    return {"dropped": gap.dropped, "before_seq": gap.before_seq}


def json_line(value: Any) -> bytes:
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def stream_events(
    journal: Journal, clock: Clock, wanted: JournalFilter, *, after: int, for_s: float
) -> Iterator[bytes]:
    """Server-sent events: entries behind a number, `dropped` where some are missing, heartbeats.

    for_s  how long the stream goes on
    """
    ends_s = clock.monotonic_s() + for_s
    yield f": the journal after #{after}\nretry: {RETRY_MS}\n\n".encode()
    beat_s, cursor = clock.monotonic_s(), after
    while not journal.is_ending:
        last_seq = journal.last_seq
        excerpt = journal.excerpt(after=cursor, limit=_PAGE, wanted=wanted)
        entries = excerpt.entries
        is_full = len(entries) == _PAGE
        reached = (
            entries[-1]["seq"] if is_full else max([last_seq, *(entry["seq"] for entry in entries[-1:])])
        )
        events = _events(entries, [gap for gap in excerpt.gaps if cursor < gap.before_seq <= reached])
        cursor = max(cursor, reached)
        now_s = clock.monotonic_s()
        if events or now_s >= beat_s + HEARTBEAT_S:
            yield events or b": alive\n\n"
            beat_s = now_s
        if now_s >= ends_s:
            return
        if not is_full:
            journal.wait(after=cursor, timeout_s=min(beat_s + HEARTBEAT_S, ends_s) - now_s)


def _events(entries: list[Entry], gaps: list[Gap]) -> bytes:
    pieces: list[bytes] = []
    for entry in entries:
        while gaps and gaps[0].before_seq <= entry["seq"]:
            pieces.append(_event("event: dropped", dump_gap(gaps.pop(0))))
        pieces.append(_event(f"id: {entry['seq']}", dump_entry(entry)))
    pieces += [_event("event: dropped", dump_gap(gap)) for gap in gaps]
    return b"".join(pieces)


def _event(head: str, value: Any) -> bytes:
    return head.encode() + b"\ndata: " + json_line(value) + b"\n"


def _parsed(message: dict[str, Any]) -> dict[str, Any]:
    if not 0 < len(message["body_b64"]) <= PARSED_BYTES_MAX * 4 // 3:
        return message
    value = json_of(body_of(message))
    return message if value is ABSENT else {**message, "json": value}
