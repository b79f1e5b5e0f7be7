"""Control calls about faults: set, list, heal, presets, and what kinds there are."""

from typing import Any

from coinslot_sandbox.control import schema_faults
from coinslot_sandbox.control.call import Call, Reply, unknown
from coinslot_sandbox.control.resources import dump_fault


def post_fault(call: Call) -> Reply:
    """Let a fault act from now on."""
    fault_id = f"flt_{call.services.ground.ids.text('fault', 12)}"
    fault = schema_faults.parse_fault(call.body, call.context, fault_id=fault_id)
    return 201, dump_fault(call.services.faults.add(fault))


def list_faults(call: Call) -> Reply:
    """Every fault that was not healed, and the preset that was laid last."""
    return 200, _faults(call)


def delete_fault(call: Call) -> Reply:
    """Heal a fault; what it holds up ends too."""
    fault_id = call.args["faultId"]
    report = call.services.heal(fault_id)
    if report is None:
        raise unknown("fault", fault_id)
    return 200, dump_fault(report)


def post_preset(call: Call) -> Reply:
    """Lay a preset's faults in the place of the last one's."""
    name = schema_faults.parse_preset(call.body)
    call.services.lay_preset(name)
    return 200, _faults(call)


def list_kinds(call: Call) -> Reply:
    """What can be wrong, where, and with which parameters."""
    return 200, {"kinds": schema_faults.dump_kinds(call.context)}


def _faults(call: Call) -> dict[str, Any]:
    book = call.services.faults
    faults = [dump_fault(report) for report in book.list_faults()]
    return {"preset": book.preset, "seed": call.services.record.seed, "faults": faults}
