"""What becomes of a click: the calls are made one after another until one is refused, and told in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_sandbox.page.actions import ORDER, parse_payload
from coinslot_sandbox.page.api import Api, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said about a click.

    calls   "POST /orders → 201", one for each call that was made
    order_id, delivery_id   what it was about, for a link
    workspace   one that was made, to go to
    """

    ok: bool
    says: str
    remedy: str = ""
    calls: tuple[str, ...] = ()
    order_id: str | None = None
    delivery_id: str | None = None
    workspace: str | None = None


def click(api: Api, form: Mapping[str, str]) -> Told:
    """Make the calls that a form carries."""
    try:
        steps = parse_payload(form.get("do", ""))
        steps[0] = (*steps[0][:2], _filled(steps[0][2], form))
    except ValueError:
        return Told(ok=False, says="This click cannot be understood.", remedy="Reload the page.")
    outcomes: list[Outcome] = []
    order_id = ""
    for method, path, body in steps:
        outcome = api.call(method, path.replace(ORDER, order_id), body)
        outcomes.append(outcome)
        if not outcome.ok:
            break
        order_id = _member(outcome.value, "order", "order_id") or order_id
    return _told(form.get("label", "Done"), outcomes)


def _filled(body: dict[str, Any] | None, form: Mapping[str, str]) -> dict[str, Any] | None:
    """The body of a first step with what a person typed; a field that is left empty stays out."""
    typed: dict[str, Any] = {}
    for name, value in form.items():
        kind, _, member = name.partition(".")
        if value.strip() == "":
            continue
        if kind == "text":
            typed[member] = value.strip()
        elif kind == "number":
            typed[member] = float(value) if "." in value else int(value)
        elif kind == "with":
            typed["with"] = {**typed.get("with", {}), member: int(value) if value.isdigit() else value}
    return {**(body or {}), **typed} if typed else body


def _told(label: str, outcomes: list[Outcome]) -> Told:
    calls = tuple(f"{outcome.method} {outcome.place} → {outcome.status}" for outcome in outcomes)
    last = outcomes[-1]
    order_id = next((found for o in outcomes if (found := _order_id(o.value))), None)
    if not last.ok:
        problem = last.value if isinstance(last.value, dict) else {}
        return Told(
            ok=False,
            says=f"{label}: {problem.get('detail', 'refused')}",
            remedy=problem.get("try", ""),
            calls=calls,
            order_id=order_id,
        )
    is_good = not isinstance(last.value, dict) or last.value.get("ok", True) is not False
    return Told(
        ok=is_good,
        says=f"{label}: {_outcome(last.value)}",
        remedy="" if is_good else last.value.get("remedy") or "",
        calls=calls,
        order_id=order_id,
        delivery_id=_member(last.value, "delivery", "delivery_id") or _member(last.value, "delivery_id"),
        workspace=_member(last.value, "workspace"),
    )


def _outcome(value: Any) -> str:
    """What an answer says in a few words: how the backend took it, or that it is done."""
    fired = value.get("fired") if isinstance(value, dict) else None
    if isinstance(fired, list):
        good = sum(bool(item["accepted"]) for item in fired)
        return f"{len(fired)} sent, {good} acknowledged" if fired else "nothing fell due"
    if isinstance(value, dict) and "cause" in value:
        return f"{value['cause']} – {value['says']}"
    attempts = value.get("attempts") if isinstance(value, dict) else None
    if not attempts:
        return "done"
    if "delivery" not in value:
        attempts = attempts[-1:]  # a resend: what came before was told before
    counts: dict[str, int] = {}
    for attempt in attempts:
        reply = attempt.get("reply")
        said = f"answered {reply['status']}" if reply else str(attempt.get("error") or "no answer")
        verdict = "accepted" if attempt["ack"]["accepted"] else "not accepted"
        counts[f"{said}, {verdict}"] = counts.get(f"{said}, {verdict}", 0) + 1
    told = [text if count == 1 else f"{count} × {text}" for text, count in counts.items()]
    return "the backend " + "; ".join(told)


def _order_id(value: Any) -> str | None:
    places = (("order", "order_id"), ("delivery", "order_id"), ("order_id",))
    return next((found for names in places if (found := _member(value, *names))), None)


def _member(value: Any, *names: str) -> str | None:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
