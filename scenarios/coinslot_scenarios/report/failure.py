"""The message of one item that did not pass, in a fixed order.

Verdict, expected and got, control, what happened, request, document, likely, fix, curl.

Plain text; secrets are masked at the end, over the whole message, so that none can slip through a part.
"""

import textwrap
from collections.abc import Sequence

from coinslot_contracts.clauses import get_clause
from coinslot_contracts.wire import WireRequest

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.item import Finding
from coinslot_scenarios.journal import Entry
from coinslot_scenarios.perform import Outcome
from coinslot_scenarios.report.curl import curl_of
from coinslot_scenarios.report.likely import likely_cause
from coinslot_scenarios.report.timeline import timeline
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.verdicts import Verdict

_WIDTH = 108
_INDENT = 12
_WORDS = {
    Verdict.FAIL: "FAIL",
    Verdict.WARN: "WARN",
    Verdict.INFO: "INFO",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
    Verdict.ERROR: "ERROR",
}


def failure_text(outcome: Outcome) -> str:
    """The whole message; ends without a newline."""
    item, run = outcome.item, outcome.run
    finding = _first(outcome)
    lines = [f"{_WORDS[outcome.verdict]} {item.name}  {item.scenario.title}", _where(outcome, finding), ""]
    if outcome.reason:
        lines += _block("reason", outcome.reason)
    if finding is not None:
        lines += _expectation(outcome, finding)
    if run is not None:
        lines += _control(outcome)
        order_id = finding.reading.order_id if finding else None
        about_keys = finding is not None and _about_keys(finding)
        events = timeline(run, order_id=order_id, with_keys=about_keys)
        if events:
            lines += ["", "  what happened (ms since the check began)", *(f"  {event}" for event in events)]
        lines += _request(outcome, finding)
    lines += ["", *_document(outcome)]
    cause = likely_cause(item.scenario.id, finding.reading.signature) if finding else None
    lines += _block("likely", cause) if cause else []
    lines += _block("fix", item.scenario.fix) if item.scenario.fix else []
    text = "\n".join(line.rstrip() for line in lines)
    return run.world.masker.mask(text) if run is not None else text


def _first(outcome: Outcome) -> Finding | None:
    findings = outcome.run.findings if outcome.run is not None else []
    levels = ("must", "should", "info")
    return min(findings, key=lambda one: levels.index(one.level), default=None)


def _about_keys(finding: Finding) -> bool:
    """Whether a token was judged, so that it matters when keys were fetched."""
    answer = finding.reading.answer
    judged = isinstance(answer, Answer) and answer.kind in ("login", "purchase")
    return finding.kind in ("same", "differ") or judged


def _where(outcome: Outcome, finding: Finding | None) -> str:
    place = outcome.item.scenario.place
    line = finding.step.place.line if finding else place.line
    level = finding.level if finding else outcome.item.scenario.level
    return f"     {place.file}:{line}   level {level}   seed {_seed(outcome)}   {outcome.took_s:.2f} s"


def _seed(outcome: Outcome) -> str:
    return str(outcome.run.world.seed) if outcome.run is not None else "-"


def _expectation(outcome: Outcome, finding: Finding) -> list[str]:
    waited = f"   [after {finding.waited_s:.2f} s]" if finding.waited_s is not None else ""
    lines = _block("expected", finding.reading.expected) + _block("got", finding.reading.got + waited)
    run = outcome.run
    others = [one for one in run.findings if one is not finding] if run is not None else []
    for other in others:
        lines += _block("also", f"expected {other.reading.expected}; got {other.reading.got}")
    refused = [player for player in run.players.values() if player.refused] if run is not None else []
    for player in refused:
        lines += _block(
            "note", f"the first, valid login of {player.name} was refused already: {player.refused}"
        )
    return lines


def _control(outcome: Outcome) -> list[str]:
    run = outcome.run
    if run is None or not run.controls:
        return []
    stands = outcome.verdict is not Verdict.INCONCLUSIVE
    listed = " · ".join(dict.fromkeys(run.controls))
    return _block("control", listed + ("   => verdict stands" if stands else "   => nothing is proved"))


def _request(outcome: Outcome, finding: Finding | None) -> list[str]:
    call = finding.reading.call if finding is not None else None
    answer = _answer(outcome, finding)
    name, request = ("call", call.request) if isinstance(call, Entry) else ("request", None)
    request = request or (answer.request if answer is not None else None)
    run = outcome.run
    return [] if request is None or run is None else _wire(name, request, run.world.masker)


def _wire(name: str, request: WireRequest, masker: Masker) -> list[str]:
    lines = ["", *_block(name, f"{request.method} {request.target}")]
    for header, value in request.headers:
        if header.lower() in ("authorization", "content-type", "content-encoding"):
            lines.append(f"{'':{_INDENT}}{header}: {value}")
    if request.body:
        lines += _body(request.body, masker)
    return lines


def _body(body: bytes, masker: Masker) -> list[str]:
    # masked before it is broken into lines: half a secret is not found again
    text = masker.mask(body.decode("utf-8", "backslashreplace"))
    shown = text if len(text) <= 2000 else f"{text[:2000]}… ({len(body)} bytes)"
    return [f"{'':{_INDENT}}{part}" for line in shown.splitlines() for part in _pieces(line)]


def _pieces(line: str) -> Sequence[str]:
    width = _WIDTH - _INDENT
    return [line[start : start + width] for start in range(0, len(line), width)] or [""]


def _answer(outcome: Outcome, finding: Finding | None) -> Answer | None:
    if finding is not None and isinstance(finding.reading.answer, Answer):
        return finding.reading.answer
    run = outcome.run
    wanted = finding.reading.order_id if finding else None
    results = [] if run is None else [answer for result in run.sent for answer in result.answers]
    about = [answer for answer in results if wanted is not None and answer.order_id == wanted]
    return next(iter(about or results[-1:]), None)


def _document(outcome: Outcome) -> list[str]:
    lines: list[str] = []
    for index, clause_id in enumerate(outcome.item.scenario.clauses):
        clause = get_clause(clause_id)
        place = f" (line {clause.lines})" if clause.lines else ""
        place = f" (lines {clause.lines})" if "-" in clause.lines else place
        text = f"{clause.source}, {clause.section}{place}: {clause.says} [{clause.id}]"
        lines += _block("document" if index == 0 else "", text)
    return lines


def curl_text(outcome: Outcome) -> list[str]:
    """The reproducing command, unwrapped so that it can be copied; empty where nothing was sent."""
    answer = _answer(outcome, _first(outcome))
    run = outcome.run
    if answer is None or run is None:
        return []
    step = next((result.step for result in run.sent if answer in result.answers), None)
    copies = getattr(step.args, "copies", 1) if step is not None else 1
    lines = curl_of(answer, copies=copies if isinstance(copies, int) else 1, masker=run.world.masker)
    return [f"  {'curl':{_INDENT - 2}}{lines[0]}", *(f"{'':{_INDENT}}{line}" for line in lines[1:])]


def message(outcome: Outcome) -> str:
    """The failure text with its reproducing command."""
    return "\n".join([failure_text(outcome), *curl_text(outcome)])


def _block(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=f"  {name:{_INDENT - 2}}",
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
