"""`fault`: one of the portal's endpoints fails or lies, until `heal`, the item's end, or so many times.

fault: {as?: outage, at: <endpoint>, order?: o1, with: {answer, headers, body|json, hang, reset, times}}

`with` takes every kind that the sandbox knows at an endpoint, with its parameters as the sandbox has them.
"""

from typing import TYPE_CHECKING, Annotated, Any

from coinslot_contracts.fault_kinds import TRANSPORT_KINDS
from coinslot_contracts.portal import discover
from coinslot_contracts.vocabulary import FAULT_LIMITS
from pydantic import Field, create_model, model_validator

from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.item import FaultRun, ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Duration, Flag, Number, Shape, Templated
from coinslot_scenarios.words import EndpointName

_DURATIONS = frozenset({"hang", "latency", "trickle"})


class _Common(Shape):
    """What has a form of its own in YAML; the sandbox checks the rest."""

    answer: Annotated[int, Templated] | None = None
    headers: dict[str, str] | None = None
    body: str | None = None
    json_: Any = Field(default=None, alias="json")
    hang: Duration | None = None
    reset: Flag | None = None
    latency: Any = None
    trickle: Any = None
    times: Count | None = None
    nth: Any = None
    probability: Number | None = None
    ttl_s: Number | None = None

    @model_validator(mode="after")
    def _something(self) -> "_Common":
        if not set(self.model_dump(exclude_none=True, by_alias=True)) - set(FAULT_LIMITS):
            raise ValueError("says nothing that goes wrong: answer, headers, body, json, hang or reset")
        return self


def _kinds() -> dict[str, Any]:
    """Every further kind that some endpoint can do."""
    lies = (endpoint.lies for portal in discover().values() for endpoint in portal.endpoints)
    names = {*TRANSPORT_KINDS, *(name for table in lies for name in table)}
    return dict.fromkeys(sorted(names - set(_Common.model_fields)), (Any, None))


if TYPE_CHECKING:
    With = _Common
else:
    With = create_model("With", __base__=_Common, __doc__="What the endpoint does instead.", **_kinds())


class Args(Shape):
    """Without `order` it is for every call, so that the item runs alone."""

    as_: str | None = Field(default=None, alias="as")
    at: EndpointName
    order: str | None = None
    with_: Annotated[With, Templated] = Field(alias="with")


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Cause the fault for one order of the group after the other, or for all calls."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    wanted: dict[str, Any] = args.with_.model_dump(exclude_none=True, by_alias=True)
    for name in _DURATIONS & wanted.keys():
        if isinstance(wanted[name], str):
            wanted[name] = parse_duration(wanted[name])
    for order_id in run.orders[args.order].ids if args.order else [None]:
        name = args.as_ or f"fault {len(run.faults) + 1}"
        name = name if name not in run.faults else f"{name} {len(run.faults) + 1}"
        made = run.world.client.create_fault(at=args.at, order=order_id, **{"with": wanted})
        run.faults[name] = FaultRun(
            name=name, fault_id=made["fault_id"], at=args.at, for_all=order_id is None
        )
        run.record(f"fault at {args.at}: {wanted}", order_id=order_id)
    return result


VERB = Verb(
    name="fault",
    args=Args,
    run=run,
    binds="fault",
    uses={"order": "order"},
    exclusive=lambda args: args.order is None,
)
