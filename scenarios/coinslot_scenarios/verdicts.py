"""From findings to a verdict, from verdicts to an exit code and the verdict line.

The tables are fixed: a control that failed, or a fault that never fired, is never a pass; an assertion that
failed stands whatever the controls said.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coinslot_scenarios.item import ItemRun


class Verdict(StrEnum):
    """What is said of one item."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    WARN = "warn"
    INFO = "info"
    NOT_APPLICABLE = "not-applicable"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


_OF_LEVEL = {"must": Verdict.FAIL, "should": Verdict.WARN, "info": Verdict.INFO}
_SEVERITY = (Verdict.FAIL, Verdict.WARN, Verdict.INFO)
_WORDS = (
    (Verdict.PASS, "passed", True),
    (Verdict.FAIL, "failed", True),
    (Verdict.WARN, "warned", False),
    (Verdict.INFO, "info", False),
    (Verdict.NOT_APPLICABLE, "not applicable", False),
    (Verdict.ERROR, "errors", False),
    (Verdict.INCONCLUSIVE, "inconclusive", True),
)


def decide(run: "ItemRun", fault: str | None) -> tuple[Verdict, str]:
    """The verdict of an item and its reason.

    fault   what the sandbox or the harness did wrong, None where nothing
    """
    certain = [finding for finding in run.findings if not finding.reading.undecided]
    worst = [_OF_LEVEL[finding.level] for finding in certain]
    if Verdict.FAIL in worst:
        return Verdict.FAIL, ""
    if fault is not None:
        return Verdict.ERROR, fault
    unread = [finding.reading.got for finding in run.findings if finding.reading.undecided]
    doubts = [*run.doubts, *unread]
    if doubts:
        return Verdict.INCONCLUSIVE, doubts[0]
    for verdict in _SEVERITY:
        if verdict in worst:
            return verdict, ""
    return Verdict.PASS, ""


def exit_code(verdicts: Iterable[Verdict], *, strict: bool = False, missing: bool = False) -> int:
    """0 all passed · 1 failed or inconclusive · 4 nothing ran · 5 a fault of ours.

    strict    a warning counts as a failure
    missing   a capability that was asked for is not there
    """
    counts = Counter(verdicts)
    if counts[Verdict.ERROR]:
        return 5
    if counts[Verdict.FAIL] or counts[Verdict.INCONCLUSIVE] or missing or (strict and counts[Verdict.WARN]):
        return 1
    return 4 if not counts.keys() - {Verdict.NOT_APPLICABLE} else 0


def verdict_line(outcomes: Sequence[Any], *, seed: int, clauses_checked: int, clauses_all: int) -> str:
    """The machine-stable last line; passed, failed and inconclusive always, the rest where there is some."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    parts = []
    for verdict, word, always in _WORDS:
        if always or counts[verdict]:
            hint = _needs(outcomes) if verdict is Verdict.NOT_APPLICABLE else ""
            parts.append(f"{counts[verdict]} {word}{hint}")
    return f"{', '.join(parts)} - seed {seed} - clauses {clauses_checked}/{clauses_all} checked"


def _needs(outcomes: Sequence[Any]) -> str:
    names = sorted(
        {
            need
            for outcome in outcomes
            if outcome.verdict is Verdict.NOT_APPLICABLE
            for need in outcome.reason.removeprefix("needs ").split(", ")
        }
    )
    return f" (needs {', '.join(names)})" if names else ""
