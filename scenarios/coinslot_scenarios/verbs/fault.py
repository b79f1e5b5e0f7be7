"""`fault`: one of the portal's endpoints fails or lies, until `heal`, the item's end, or so many times.

fault: {as?: outage, at: <endpoint>, order?: o1, with: {answer, headers, body|json, hang, reset, times}}
"""

from typing import Annotated, Any

from pydantic import Field, model_validator

from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.item import FaultRun, ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Duration, Flag, Shape, Templated
from coinslot_scenarios.words import EndpointName


class With(Shape):
    """What the endpoint does instead."""

    answer: Annotated[int, Templated] | None = None
    headers: dict[str, str] | None = None
    body: str | None = None
    json_: Any = Field(default=None, alias="json")
    hang: Duration | None = None
    reset: Flag | None = None
    times: Count | None = None

    @model_validator(mode="after")
    def _something(self) -> "With":
        acts = (self.answer, self.headers, self.body, self.json_, self.hang, self.reset)
        if all(part is None for part in acts):
            raise ValueError("says nothing that goes wrong: answer, headers, body, json, hang or reset")
        return self


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
    if "hang" in wanted:
        wanted["hang"] = parse_duration(wanted["hang"])
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
