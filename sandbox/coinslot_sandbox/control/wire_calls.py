"""Control calls about the journal, and the API's own document."""

from typing import Any, Final

from coinslot_sandbox.control.call import Call, Reply, choice, limit, number, seconds, unknown
from coinslot_sandbox.control.reading import is_decimal
from coinslot_sandbox.journal import JournalFilter

WAIT_S_DEFAULT: Final = 25.0
WAIT_S_MAX: Final = 60.0
SEQ_MAX: Final = 2**62


def list_journal(call: Call) -> Reply:
    """Entries after a number, oldest first; everything that was journalled before the call is among them."""
    wanted = JournalFilter(
        dir=choice(call, "dir", ("in", "out", "control")),
        endpoint=call.query.get("endpoint"),
        order_id=call.query.get("order_id"),
        user_id=call.query.get("user_id"),
    )
    after = number(call, "after", default=0, most=SEQ_MAX)
    call.services.journal.settle()
    return 200, _entries(call, after, wanted)


def wait_journal(call: Call) -> Reply:
    """As the list, once there is something after a number or time is up."""
    after = number(call, "after", default=0, most=SEQ_MAX)
    timeout_s = seconds(call, "timeout_s", default=WAIT_S_DEFAULT, most=WAIT_S_MAX)
    call.services.journal.wait(after=after, timeout_s=timeout_s)
    return 200, _entries(call, after, JournalFilter())


def get_journal_entry(call: Call) -> Reply:
    """One entry."""
    text = call.args["seq"]
    entry = call.services.journal.find(int(text)) if is_decimal(text) and int(text) < SEQ_MAX else None
    if entry is None:
        raise unknown("entry", text)
    return 200, entry


def get_document(call: Call) -> Reply:
    """This API as an OpenAPI document."""
    from coinslot_sandbox.control.openapi import document

    return 200, document(call.context.portals)


def _entries(call: Call, after: int, wanted: JournalFilter) -> dict[str, Any]:
    journal, items_max = call.services.journal, limit(call)
    last_seq = journal.last_seq
    entries = list(journal.entries(after=after, limit=items_max, wanted=wanted))
    if len(entries) == items_max or (entries and entries[-1]["seq"] > last_seq):
        last_seq = entries[-1]["seq"]
    return {"entries": entries, "last_seq": last_seq, "dropped": journal.dropped}
