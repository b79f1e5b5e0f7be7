"""Control calls about the journal: reading, finding, counting, claiming, following, exporting, forgetting.

Reads settle first: what was journalled before the call is among what it sees. Secrets were taken out before
anything was recorded, so nothing is to be hidden here.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from coinslot_sandbox.control import schema_journal
from coinslot_sandbox.control.call import (
    LIST_DEFAULT,
    LIST_MAX,
    Call,
    Reply,
    Streamed,
    limit,
    number,
    seconds,
    unknown,
)
from coinslot_sandbox.control.journal_stream import dump_entry, dump_gap, json_line, stream_events
from coinslot_sandbox.control.reading import is_decimal
from coinslot_sandbox.control.schema_journal import SEQ_MAX
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.har import har_pieces
from coinslot_sandbox.journal import Journal, JournalFilter
from coinslot_sandbox.journal_claims import Near, Tally
from coinslot_sandbox.journal_entries import Excerpt
from coinslot_sandbox.version import sandbox_version

WAIT_S_DEFAULT: Final = 25.0
WAIT_S_MAX: Final = 60.0
STREAM_S_MAX: Final = 86_400.0


def list_journal(call: Call) -> Reply:
    """Entries after a number, oldest first; everything that was journalled before the call is among them."""
    wanted = schema_journal.query_filter(call)
    call.services.journal.settle()
    return 200, _listed(call.services.journal, wanted, limit(call))


def wait_journal(call: Call) -> Reply:
    """As the list, once there is something after a number or time is up."""
    after = number(call, "after", default=0, most=SEQ_MAX)
    timeout_s = seconds(call, "timeout_s", default=WAIT_S_DEFAULT, most=WAIT_S_MAX)
    journal, items_max = call.services.journal, limit(call)
    journal.wait(after=after, timeout_s=timeout_s)
    return 200, _listed(journal, JournalFilter(after=after), items_max)


def get_journal_entry(call: Call) -> Reply:
    """One entry."""
    text = call.args["seq"]
    entry = call.services.journal.find(int(text)) if is_decimal(text) and int(text) < SEQ_MAX else None
    if entry is None:
        raise unknown("entry", text)
    return 200, dump_entry(entry)


def find_entries(call: Call) -> Reply:
    """Entries that a filter takes, oldest first."""
    wanted, items_max = schema_journal.parse_find(call.body, limit_default=LIST_DEFAULT, limit_max=LIST_MAX)
    call.services.journal.settle()
    return 200, _listed(call.services.journal, wanted, items_max)


def count_entries(call: Call) -> Reply:
    """How many entries a filter takes."""
    wanted = schema_journal.parse_count(call.body)
    journal = call.services.journal
    journal.settle()
    count = sum(len(page.entries) for page in journal.pages(wanted))
    return 200, {"count": count, "last_seq": journal.last_seq, "dropped": journal.dropped}


def assert_entries(call: Call) -> Reply:
    """Judge a claim about the journal, at once or while it is watched for a while."""
    claim, within_s = schema_journal.parse_assert(call.body)
    journal, clock = call.services.journal, call.services.ground.clock
    deadline_s = clock.monotonic_s() + within_s
    journal.settle()
    tally, cursor = Tally(claim), 0
    while True:
        last_seq = journal.last_seq
        for page in journal.pages(JournalFilter(after=cursor)):
            for entry in page.entries:
                tally.take(entry)
                cursor = entry["seq"]
        cursor = max(cursor, last_seq)
        left_s = deadline_s - clock.monotonic_s()
        if tally.state != "open" or left_s <= 0 or not journal.wait(after=cursor, timeout_s=left_s):
            break
    return 200, _verdict(tally, journal)


def clear_journal(call: Call) -> Reply:
    """Forget every entry; the numbers go on."""
    call.services.journal.clear()
    return 200, {"last_seq": call.services.journal.last_seq}


def stream_journal(call: Call) -> Reply:
    """Entries as they come, as server-sent events; each has its number as its id."""
    journal, clock = call.services.journal, call.services.ground.clock
    wanted = schema_journal.query_filter(call, but=("after",))
    resumed = call.headers.get("last-event-id") or call.query.get("last_event_id") or call.query.get("after")
    if resumed is not None and not (is_decimal(resumed) and int(resumed) <= SEQ_MAX):
        raise Problem(
            400,
            "field-invalid",
            "Last-Event-ID must be the number of an entry",
            remedy="send the id of the last event that was received, or leave it out",
        )
    for_s = seconds(call, "timeout_s", default=STREAM_S_MAX, most=STREAM_S_MAX)
    slots = call.workspaces.common.journals.streams
    if not slots.acquire(blocking=False):
        raise Problem(
            503,
            "streams-exhausted",
            "as many live streams are open as the sandbox serves at once",
            remedy="close one, or poll GET /journal/wait",
        )
    after = journal.last_seq if resumed is None else int(resumed)
    events = stream_events(journal, clock, wanted, after=after, for_s=for_s)
    return 200, Streamed(kind="text/event-stream", pieces=events, close=slots.release)


def export_har(call: Call) -> Reply:
    """The journal as an HTTP archive."""
    journal, wanted = call.services.journal, schema_journal.query_filter(call)
    journal.settle()
    pieces = har_pieces(journal.pages(wanted), version=sandbox_version())
    return 200, Streamed(kind="application/json", pieces=pieces, filename="journal.har")


def export_lines(call: Call) -> Reply:
    """The journal with one JSON object on each line; gaps stand where entries were dropped."""
    journal, wanted = call.services.journal, schema_journal.query_filter(call)
    journal.settle()
    pieces = _lines(journal.pages(wanted), after=wanted.after)
    return 200, Streamed(kind="application/jsonl", pieces=pieces, filename="journal.jsonl")


def _lines(pages: Iterable[Excerpt], *, after: int) -> Iterator[bytes]:
    for page in pages:
        lines: list[bytes] = []
        for entry in page.entries:
            lines += [json_line(dump_gap(gap)) for gap in page.gaps if after < gap.before_seq <= entry["seq"]]
            lines.append(json_line(dump_entry(entry)))
            after = entry["seq"]
        yield b"".join(lines)


def _listed(journal: Journal, wanted: JournalFilter, items_max: int) -> dict[str, Any]:
    last_seq = journal.last_seq
    excerpt = journal.excerpt(after=wanted.after, limit=items_max, wanted=wanted)
    entries = excerpt.entries
    if len(entries) == items_max or (entries and entries[-1]["seq"] > last_seq):
        last_seq = entries[-1]["seq"]
    return {
        "entries": [dump_entry(entry) for entry in entries],
        "last_seq": last_seq,
        "dropped": sum(gap.dropped for gap in excerpt.gaps),
        "gaps": [dump_gap(gap) for gap in excerpt.gaps if wanted.after < gap.before_seq <= last_seq],
        "trouble": _trouble(journal),
    }


def _trouble(journal: Journal) -> dict[str, Any] | None:
    trouble = journal.trouble
    if trouble is None:
        return None
    return {"code": trouble.code, "says": trouble.says, "waiting": trouble.waiting}


def _verdict(tally: Tally, journal: Journal) -> dict[str, Any]:
    dropped = journal.dropped
    says = tally.says
    if dropped:
        says += f"; {dropped} older entries were dropped and cannot be counted"
    return {
        "ok": tally.ok,
        "found": tally.found,
        "says": says,
        "entries": [dump_entry(entry) for entry in tally.entries],
        "nearest": [_dump_near(near) for near in tally.nearest],
        "last_seq": journal.last_seq,
        "dropped": dropped,
    }


def _dump_near(near: Near) -> dict[str, Any]:
    return {
        "entry": dump_entry(near.entry),
        "same": near.same,
        "of": near.given,
        "differs": [
            {"member": item.member, "wanted": item.wanted, "found": item.found} for item in near.differs
        ],
    }
