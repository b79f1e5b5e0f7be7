"""What the kinds that every endpoint can do make of an answer; pure, and it names no portal."""

from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.wire import Headers, WireReply

from coinslot_sandbox.faults import Fault

SILENT: Final = frozenset({"hang", "reset"})


def stands_in(fault: Fault) -> bool:
    """Whether the fault answers in the endpoint's place, so that the portal learns nothing from the call."""
    params = fault.params
    if fault.kind == "answer":
        return params["status"] is not None or params["body"] is not None
    return fault.kind in SILENT


def changed(params: Any, reply: WireReply) -> WireReply:
    """The answer as a fault of the kind `answer` makes it."""
    status, body, headers = params["status"], params["body"], params["headers"]
    if status is not None or body is not None:
        given = ("Content-Type", "application/json")
        own: Headers = (given,) if body is not None else ()
        reply = WireReply(status=status or 200, headers=own, body=body or b"")
    replaced = {name.lower() for name, _ in headers}
    kept = tuple((name, value) for name, value in reply.headers if name.lower() not in replaced)
    return replace(reply, headers=(*kept, *headers))
