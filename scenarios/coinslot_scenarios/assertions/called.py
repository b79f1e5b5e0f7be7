"""`called`: the backend called an endpoint of the portal, so often, with this body, signed as documented.

called: arrivedorder|getOrders|publicKey|jwks|verify   order?, player?, signature?, body?, query?, since?,
        before?, times?
"""

from collections.abc import Sequence
from typing import Any, Literal

from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from coinslot_contracts.wire import find_header
from pydantic import Field

from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.journal import Entry
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.matchers import ABSENT, describe, matches, upper_bound
from coinslot_scenarios.readings import Reading, quantify
from coinslot_scenarios.shapes import Shape
from coinslot_scenarios.words import Matcher, Of, OwnLevel, ShortEndpoint


class Args(Shape):
    """Without `times`: at least once. A call counts when everything that is given matches it."""

    called: ShortEndpoint
    order: str | None = None
    player: str | None = None
    signature: Literal["valid", "invalid"] | None = None
    body: dict[str, Matcher] = Field(default_factory=dict)
    query: dict[str, Matcher] = Field(default_factory=dict)
    since: str | None = None
    before: str | None = None
    times: Matcher = Field(default_factory=lambda: {"gte": 1})
    of: Of = "every"
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Count the calls in the journal, for each order of the group."""
    if args.order is None:
        return _one(run, args, None)
    group = run.orders[args.order]
    externals: Sequence[str | None] = group.external_ids or [None] * len(group.ids)
    pairs = zip(group.ids, externals, strict=True)
    return quantify([_one(run, args, one, external) for one, external in pairs], args.of, plural="orders")


def _one(run: ItemRun, args: Args, order_id: str | None, external_id: str | None = None) -> Reading:
    after = run.results[args.since].after_seq if args.since else 0
    before = run.results[args.before].after_seq if args.before else None
    endpoint = f"{run.portal.name}.{args.called}"
    order_ids = None if order_id is None else [order_id]
    external_ids = [] if external_id is None else [external_id]
    seen = run.calls(endpoint, after=after, before=before, order_ids=order_ids, external_ids=external_ids)
    if args.player is not None:
        seen = [entry for entry in seen if entry.user_id == run.players[args.player].user_id]
    fitting = [entry for entry in seen if not differences(run, args, entry)]
    holds = matches(args.times, len(fitting))
    return Reading(
        holds=holds,
        expected=_wanted(args),
        got=_got(run, args, seen, len(fitting)),
        refuted=not holds and len(fitting) > upper_bound(args.times),
        signature=_signature(args, seen, fitting),
        order_id=order_id,
        call=None if holds else next((entry for entry in seen if entry not in fitting), None),
    )


def differences(run: ItemRun, args: Args, entry: Entry) -> list[str]:
    """Why a call does not count, in words; empty where it does."""
    found = []
    if args.signature is not None and (signature_holds(run, entry) is not (args.signature == "valid")):
        found.append(f"signature is not {args.signature}")
    if args.body:
        members = _members(entry)
        found += [
            f"{name} is {members.get(name, 'absent')!r}"
            for name, wanted in args.body.items()
            if not matches(wanted, members.get(name, ABSENT))
        ]
    query = entry.request.query
    found += [
        f"query {name} is {query.get(name, 'absent')}"
        for name, wanted in args.query.items()
        if not matches(wanted, query.get(name, ABSENT))
    ]
    return found


def signature_holds(run: ItemRun, entry: Entry) -> bool:
    """Whether the call's signature is the one over its raw bytes under the game's shared key."""
    notices = run.portal.notices
    if notices is None:
        return False
    key = run.world.games[run.portal.name].shared_key.encode()
    sent = find_header(entry.request.headers, notices.signature_header)
    return sent == notices.sign(entry.request.body, key)


def _members(entry: Entry) -> dict[str, Any]:
    try:
        return parse_json_object(entry.request.body)
    except JsonInvalid:
        return {}


def _wanted(args: Args) -> str:
    parts = [f"called: {args.called}"]
    parts += [f"order: {args.order}"] if args.order else []
    parts += [f"signature: {args.signature}"] if args.signature else []
    parts += [f"{name} {describe(wanted)}" for name, wanted in (args.body | args.query).items()]
    return ", ".join([*parts, f"times: {describe(args.times)}"])


def _got(run: ItemRun, args: Args, seen: list[Entry], fitting: int) -> str:
    if not seen:
        return f"{args.called} was not called"
    others = [entry for entry in seen if differences(run, args, entry)]
    if not others:
        return f"{args.called} was called {fitting} times"
    reason = "; ".join(differences(run, args, others[0]))
    return f"{args.called} was called {len(seen)} times, {fitting} of them as expected; the others: {reason}"


def _signature(args: Args, seen: list[Entry], fitting: list[Entry]) -> str:
    if not seen:
        return "called:none"
    if not fitting and args.signature:
        return "called:signature"
    return "called:times" if fitting else "called:differs"


ASSERTION = AssertionKind(
    name="called",
    args=Args,
    judge=judge,
    uses={"order": "order", "player": "player"},
    takes_steps=("since", "before"),
    exclusive=lambda args: args.order is None and args.player is None and "times" in args.model_fields_set,
)
