"""Where a fault meets a call: which one acts, what becomes of the answer, and whether it really acted.

The endpoint is asked first in every case; a fault then changes its answer, lies in its place or takes the
connection. Counted is what went out, or where silence is the fault, what the client waited for.
"""

from dataclasses import dataclass

from coinslot_contracts.portal import Answer, Endpoint, LieView, Subject
from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.fault_acts import Act, act, stands_in
from coinslot_sandbox.faults import FaultBook, Taken, hold_key
from coinslot_sandbox.http_server import Connection, TakenSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a call is answered.

    answer   what the portal says and learns, be it a lie
    learns   whether the portal takes the call in
    taken    the fault that acts, None where none does
    act      what it does to the answer
    """

    answer: Answer
    learns: bool
    taken: Taken | None
    act: Act


def judged(
    endpoint: Endpoint,
    wire: WireRequest,
    view: LieView,
    taken: Taken | None,
    *,
    faults: FaultBook,
    mark: tuple[str, str],
) -> Verdict:
    """The answer to a call, as the fault has it that was taken for it.

    mark  a header that every answer carries
    """
    honest = endpoint.answer(wire, view)
    if taken is None:
        return _plain(honest, mark)
    lie = endpoint.lies.get(taken.fault.kind)
    if lie is None:
        done = act(taken, wire, marked(honest.reply, mark))
        return Verdict(answer=honest, learns=not stands_in(taken), taken=taken, act=done)
    told = lie.tell(wire, view, endpoint.answer, taken)
    if (told.reply, told.events) == (honest.reply, honest.events):
        faults.missed(taken)
        return _plain(honest, mark)
    return Verdict(answer=told, learns=True, taken=taken, act=Act(reply=marked(told.reply, mark)))


def find_fault(
    faults: FaultBook, endpoint: Endpoint, subject: Subject, connection: Connection | None
) -> Taken | None:
    """The fault that acts on this call; none does where the client has hung up already."""
    taken = faults.take(endpoint=endpoint.name, order_id=subject.order_id)
    if taken is not None and connection is not None and connection.is_gone():
        faults.missed(taken)
        return None
    return taken


def let_act(
    taken: Taken,
    done: Act,
    *,
    faults: FaultBook,
    workspace: str,
    connection: Connection | None,
    held: TakenSocket | None,
) -> None:
    """Count the fault, then let it act: whoever feels it finds it counted and journalled.

    Where the bytes could not go out after all, the count is taken back.
    """
    if done.script is not None and held is None:
        faults.missed(taken)
        return
    faults.fired(taken)

    def lost() -> None:
        if not done.is_felt:
            faults.missed(taken, counted=True)

    if held is not None and done.script is not None:
        key = hold_key(workspace, taken.fault.fault_id)
        held.act(done.script, key=key, lost=lost, is_over=lambda: faults.is_over(taken))
    elif connection is not None:
        connection.when_lost = lost


def _plain(answer: Answer, mark: tuple[str, str]) -> Verdict:
    return Verdict(answer=answer, learns=True, taken=None, act=Act(reply=marked(answer.reply, mark)))


def marked(reply: WireReply, mark: tuple[str, str]) -> WireReply:
    """The answer with this header on it."""
    if mark in reply.headers:
        return reply
    return WireReply(status=reply.status, headers=(*reply.headers, mark), body=reply.body)
