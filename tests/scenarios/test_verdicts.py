"""From verdicts to exit codes and to the verdict line: the fixed tables."""

from types import SimpleNamespace

import pytest
from coinslot_scenarios.verdicts import Verdict, exit_code, verdict_line

PASS, FAIL, WARN = Verdict.PASS, Verdict.FAIL, Verdict.WARN
NA, UNSURE, ERROR = Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE, Verdict.ERROR


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([PASS], 0),
        ([PASS, WARN, Verdict.INFO, NA], 0),
        ([PASS, FAIL], 1),
        ([PASS, UNSURE], 1),
        ([], 4),
        ([NA, NA], 4),
        ([FAIL, ERROR], 5),
        ([NA, FAIL], 1),
    ],
)
def test_an_exit_code_says_the_worst(verdicts, code):
    """0 passed, 1 failed or inconclusive, 4 nothing ran, 5 a fault of ours."""
    assert exit_code(verdicts) == code


def test_strict_turns_a_warning_into_a_failure():
    """--strict."""
    assert exit_code([PASS, WARN], strict=True) == 1


def test_a_missing_capability_that_was_asked_for_is_a_failure():
    """--require and expect_capabilities."""
    assert exit_code([PASS], missing=True) == 1


def _outcomes(*verdicts):
    return [SimpleNamespace(verdict=verdict, reason="needs probe") for verdict in verdicts]


def test_the_verdict_line_always_holds_three_counts():
    """passed, failed and inconclusive, even where there are none."""
    line = verdict_line(_outcomes(), seed=1, clauses_checked=0, clauses_all=9)

    assert line == "0 passed, 0 failed, 0 inconclusive - seed 1 - clauses 0/9 checked"


def test_the_verdict_line_names_every_class_that_occurs():
    """The form that scripts may read."""
    line = verdict_line(
        _outcomes(PASS, PASS, FAIL, WARN, NA, UNSURE), seed=8123, clauses_checked=31, clauses_all=38
    )

    assert line == (
        "2 passed, 1 failed, 1 warned, 1 not applicable (needs probe), 1 inconclusive"
        " - seed 8123 - clauses 31/38 checked"
    )
