"""One journal entry as a value: what it is made of, how large it is, and where entries were dropped.

Knows neither threads nor the store. Shapes: interface, "Journal entry".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.masking import Mask

Entry = dict[str, Any]

GAPS_MAX = 100
_FRAME_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What crossed the wire, and what was made of it; the journal adds number, time and workspace.

    dir         "in" and "out" are seen from the sandbox; "control" is a call that steered it
    diagnosis   of a signature that was refused: cause, says, remedy, clause
    """

    dir: str
    endpoint: str
    request: WireRequest
    reply: WireReply | None
    at_s: float
    elapsed_ms: float
    portal: str | None = None
    game_id: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    external_id: str | None = None
    delivery_id: str | None = None
    attempt: int | None = None
    error: str | None = None
    verdict: tuple[str | None, str] | None = None
    fault_id: str | None = None
    diagnosis: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """So many entries are missing just before the one with this number."""

    dropped: int
    before_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Entries, oldest first, and every gap that the journal had at the moment when they were read."""

    entries: list[Entry]
    gaps: list[Gap]


def make_entry(seq: int, crossing: Crossing, *, workspace: str, secrets: Iterable[str]) -> Entry:
    """A crossing as an entry, with every secret masked."""
    mask = Mask(secrets, is_control=crossing.dir == "control")
    verdict = crossing.verdict
    return {
        "seq": seq,
        "at_s": round(crossing.at_s, 6),
        "elapsed_ms": round(crossing.elapsed_ms, 3),
        "workspace": workspace,
        "portal": crossing.portal,
        "dir": crossing.dir,
        "endpoint": crossing.endpoint,
        "game_id": crossing.game_id,
        "order_id": crossing.order_id,
        "user_id": crossing.user_id,
        "external_id": crossing.external_id,
        "delivery_id": crossing.delivery_id,
        "attempt": crossing.attempt,
        "request": mask.request(crossing.request),
        "reply": None if crossing.reply is None else mask.reply(crossing.reply),
        "error": None if crossing.error is None else mask.text(crossing.error),
        "verdict": None if verdict is None else {"code": verdict[0], "reason": verdict[1]},
        "fault_id": crossing.fault_id,
        "diagnosis": None if crossing.diagnosis is None else dict(crossing.diagnosis),
    }


def size_of(entry: Entry) -> int:
    """About how many bytes an entry takes."""
    reply = entry["reply"]
    error = entry["error"]
    return (
        _FRAME_BYTES
        + len(entry["request"]["body_b64"])
        + (len(reply["body_b64"]) if reply else 0)
        + (len(error) if error else 0)
    )


def widened(gaps: list[Gap], *, dropped: int, from_seq: int, before_seq: int) -> list[Gap]:
    """The gaps, with one more from an entry's number up to another's; what touches becomes one.

    from_seq    number of the first entry that is missing now, 0 for the oldest that there was
    before_seq  number of the entry behind the new gap
    """
    inside = [gap for gap in gaps if from_seq <= gap.before_seq <= before_seq]
    total = dropped + sum(gap.dropped for gap in inside)
    others = [gap for gap in gaps if gap not in inside]
    merged = sorted([*others, Gap(dropped=total, before_seq=before_seq)], key=lambda gap: gap.before_seq)
    if len(merged) <= GAPS_MAX:
        return merged
    first, second, *rest = merged
    return [Gap(dropped=first.dropped + second.dropped, before_seq=second.before_seq), *rest]
