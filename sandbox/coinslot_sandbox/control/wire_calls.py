"""Control calls about what crosses the wire: deliveries, hand-made callbacks, faults, journal."""

from typing import Any, Final

from coinslot_sandbox.control import schema_faults
from coinslot_sandbox.control.call import Call, Reply, choice, limit, number, seconds, unknown
from coinslot_sandbox.control.reading import is_decimal
from coinslot_sandbox.control.resources import dump_fault
from coinslot_sandbox.journal import JournalFilter

WAIT_S_DEFAULT: Final = 25.0
WAIT_S_MAX: Final = 60.0
SEQ_MAX: Final = 2**62


def post_fault(call: Call) -> Reply:
    """Let a fault act from now on."""
    fault_id = f"flt_{call.services.ground.ids.text('fault', 12)}"
    fault = schema_faults.parse_fault(call.body, call.context, fault_id=fault_id)
    return 201, dump_fault(call.services.faults.add(fault))


def list_faults(call: Call) -> Reply:
    """Every fault that was not healed."""
    return 200, {"faults": [dump_fault(report) for report in call.services.faults.list_faults()]}


def delete_fault(call: Call) -> Reply:
    """Heal a fault; what it holds up ends too."""
    fault_id = call.args["faultId"]
    report = call.services.faults.heal(fault_id)
    if report is None:
        raise unknown("fault", fault_id)
    call.services.hospice.release([fault_id])
    return 200, dump_fault(report)


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
