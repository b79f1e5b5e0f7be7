"""`answer`: what the backend answered to this step: yes, no, or details of status, code and body.

answer: accepted | rejected | granted | not_granted | pending | {status, code, msg, json, header, ms,
        server_error}     of: every|any|first|last
granted and not_granted are the words of purchases; pending is a no that may become a yes.
"""

from typing import Annotated, Any

from coinslot_contracts.wire import find_header
from pydantic import Field, WrapValidator

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.backend import find_json, status_matches
from coinslot_scenarios.item import ItemRun, StepResult
from coinslot_scenarios.kinds import AssertionKind
from coinslot_scenarios.matchers import ABSENT, describe, matches
from coinslot_scenarios.problems import unknown
from coinslot_scenarios.readings import Reading, quantify
from coinslot_scenarios.shapes import Flag, Shape
from coinslot_scenarios.templates import has_template
from coinslot_scenarios.words import Matcher, Of, OwnLevel

WORDS = ("accepted", "rejected", "granted", "not_granted", "pending")
YES = ("accepted", "granted")
NO = ("rejected", "not_granted")


class Details(Shape):
    """Parts of one answer; all that are given must match."""

    status: Matcher = None
    code: Matcher = None
    msg: Matcher = None
    json_: dict[str, Matcher] = Field(default_factory=dict, alias="json")
    header: dict[str, Matcher] = Field(default_factory=dict)
    ms: Matcher = None
    server_error: Flag | None = None


def _word_or_details(value: Any, handler: Any) -> Any:
    if isinstance(value, str) and not has_template(value) and value not in WORDS:
        raise ValueError(unknown("answer", value, WORDS))
    return value if isinstance(value, str) else handler(value)


class Args(Shape):
    """`rejected` is everything that is not accepted, `not_granted` all that is not granted."""

    answer: Annotated[Details, WrapValidator(_word_or_details)]
    of: Of = "every"
    level: OwnLevel | None = None


def judge(run: ItemRun, args: Args, result: StepResult | None) -> Reading:  # noqa: ARG001 - as every assertion
    """Every answer of the step, by the quantifier."""
    answers = result.answers if result is not None else []
    if not answers:
        return Reading(
            holds=False,
            expected=f"answer: {_wanted(args)}",
            got="no answer: nothing was sent",
            undecided=True,
            signature="answer:none",
        )
    plural = "answers" if len(answers) > 1 else ""
    return quantify([_one(args, answer) for answer in answers], args.of, plural=plural)


def _one(args: Args, answer: Answer) -> Reading:
    wanted: Any = args.answer
    failures = [] if isinstance(wanted, str) else _differences(wanted, answer)
    holds = _holds(wanted, answer) if isinstance(wanted, str) else not failures
    got = f"answer: {_word(answer)} - {answer.shown}"
    if failures:
        got = f"{'; '.join(failures)} - {answer.shown}"
    elif not answer.accepted:
        got += f"   ({answer.why})"
    return Reading(
        holds=holds,
        expected=f"answer: {_wanted(args)}",
        got=got,
        refuted=not holds,
        signature=_signature(answer, failures),
        order_id=answer.order_id,
        answer=answer,
        note=answer.note if holds and wanted in YES else None,
    )


def _holds(wanted: str, answer: Answer) -> bool:
    return answer.pending if wanted == "pending" else answer.accepted == (wanted in YES)


def _word(answer: Answer) -> str:
    if answer.kind != "purchase":
        return "accepted" if answer.accepted else "rejected"
    return "granted" if answer.accepted else "pending" if answer.pending else "not granted"


def _signature(answer: Answer, failures: list[str]) -> str:
    if failures:
        return "answer:" + failures[0].split(" ")[0]
    if answer.server_error:
        return "answer:server_error"
    if answer.accepted:
        return "answer:accepted"
    incomplete = answer.kind == "login" and answer.status is not None and 200 <= answer.status < 300
    return "answer:incomplete" if incomplete else "answer:rejected"


def _wanted(args: Args) -> str:
    wanted: Any = args.answer
    if isinstance(wanted, str):
        return wanted
    given = wanted.model_dump(by_alias=True, exclude_unset=True)
    return ", ".join(f"{name} {describe_part(value)}" for name, value in given.items())


def describe_part(value: Any) -> str:
    """An expectation, or a mapping of expectations, in words."""
    if isinstance(value, dict) and any(str(key).startswith("$") or "-" in str(key) for key in value):
        return ", ".join(f"{key} {describe(wanted)}" for key, wanted in value.items())
    return describe(value)


def _differences(wanted: Details, answer: Answer) -> list[str]:
    body = answer.json
    found = []
    if wanted.server_error is not None and answer.server_error is not wanted.server_error:
        found.append("server_error: the backend broke down" if answer.server_error else "server_error: none")
    if "status" in wanted.model_fields_set and not _status(wanted.status, answer):
        found.append(f"status is {answer.status}")
    if "code" in wanted.model_fields_set and not _member(wanted.code, body, "code"):
        found.append(f"code is {_shown(body, 'code')}")
    if "msg" in wanted.model_fields_set and not _member(wanted.msg, body, "msg"):
        found.append(f"msg is {_shown(body, 'msg')}")
    if "ms" in wanted.model_fields_set and not matches(wanted.ms, answer.elapsed_ms):
        found.append(f"ms: it took {answer.elapsed_ms:.0f} ms")
    for path, expected in wanted.json_.items():
        if not any(matches(expected, value) for value in find_json(path, body) or [ABSENT]):
            found.append(f"json {path} is not {describe(expected)}")
    for name, expected in wanted.header.items():
        value = find_header(answer.headers, name)
        if not matches(expected, ABSENT if value is None else value):
            found.append(f"header {name} is {value}")
    return found


def _status(wanted: Any, answer: Answer) -> bool:
    return answer.status is not None and status_matches(wanted, answer.status)


def _member(wanted: Any, body: Any, name: str) -> bool:
    return matches(wanted, body.get(name, ABSENT) if isinstance(body, dict) else ABSENT)


def _shown(body: Any, name: str) -> str:
    return repr(body[name]) if isinstance(body, dict) and name in body else "absent"


def needs(args: Args, portal: str) -> set[str]:
    """That the profile tells how this backend says `pending`."""
    wanted: Any = args.answer
    return {f"{portal}.purchase.pending"} if wanted == "pending" else set()


ASSERTION = AssertionKind(name="answer", args=Args, judge=judge, needs=needs)
