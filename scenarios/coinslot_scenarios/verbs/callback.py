"""`callback`: a notification made by hand, with exactly the bytes and the signature that are asked for.

callback: {order: o1, type: pay|refund, body?: {set, drop, raw, encode}, signature?, headers?, copies?,
           at_once?}
Exactly `copies` attempts for each order of the group, never a retry.
"""

from typing import Annotated, Any

from pydantic import Field, model_validator

from coinslot_scenarios.answers import Answer, callback_answer
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import Verb
from coinslot_scenarios.model import Step
from coinslot_scenarios.shapes import Count, Flag, Shape, Templated
from coinslot_scenarios.words import Encoding, NotificationKind, Signature


class Body(Shape):
    """How the body differs from the documented one."""

    set: dict[str, Any] = Field(default_factory=dict)
    drop: Annotated[list[str], Templated] = Field(default_factory=list)
    raw: str | None = None
    encode: Encoding = "compact"

    @model_validator(mode="after")
    def _one_way(self) -> "Body":
        if self.raw is not None and (self.set or self.drop or "encode" in self.model_fields_set):
            raise ValueError("a raw body is sent as it is: leave set, drop and encode out")
        return self


class Args(Shape):
    """The signature is always made over the bytes really sent, then spoilt as named."""

    order: str
    type: NotificationKind
    body: Body = Field(default_factory=Body)
    signature: Signature = "valid"
    headers: dict[str, str | None] = Field(default_factory=dict)
    copies: Count = 1
    at_once: Flag = False


def run(run: ItemRun, step: Step, args: Args) -> StepResult:
    """Send to the backend, one order of the group after the other."""
    result = StepResult(step=step, after_seq=run.world.journal.mark())
    run.refunded = run.refunded or args.type == "refund"
    for order_id in run.orders[args.order].ids:
        result.answers += send_callback(run, order_id, args, hostile=negative(args))
    return result


def send_callback(run: ItemRun, order_id: str, args: Args, *, hostile: bool) -> list[Answer]:
    """All copies for one order, and what the backend answered to each."""
    body: dict[str, Any] = args.body.model_dump(exclude_unset=True)
    if "set" in body:
        body["set"] = run.with_moments(body["set"])
    answer_s = run.world.profile.shape.limits.answer_s
    sent = run.world.client.send_callback(
        wait_s=answer_s * (1 if args.at_once else args.copies),
        order=order_id,
        type=args.type,
        body=body,
        signature=args.signature,
        headers=args.headers or None,
        copies=args.copies,
        at_once=args.at_once,
        timeout_s=answer_s,
    )
    notices = run.portal.notices
    assert notices is not None
    return [
        callback_answer(
            attempt,
            notices=notices,
            order_id=order_id,
            url=sent["delivery"]["url"],
            outage=run.outage,
            hostile=hostile,
        )
        for attempt in sent["attempts"]
    ]


def negative(args: Args) -> bool:
    """Whether body or signature is one that a backend must refuse."""
    return bool(
        args.signature not in ("valid", "upper", "bearer") or args.body.drop or args.body.raw is not None
    )


VERB = Verb(
    name="callback",
    args=Args,
    run=run,
    uses={"order": "order"},
    needs=lambda _args, portal: {f"{portal}.callback"},
    negative=negative,
)
