"""Every seeded bug of the Flask backend makes `coinslot check` exit 1 and fails the check that claims it."""

import re
from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_scenarios.load import load_items, suite_files

FLASK = Path(coinslot_scenarios.__file__).parent / "backends" / "flask" / "profile.yaml"

CLAIMS = sorted(
    {(bug, item.scenario.id) for item in load_items(suite_files()) for bug in item.scenario.catches}
)


@pytest.mark.parametrize(("bug", "check_id"), CLAIMS, ids=lambda value: value)
def test_a_seeded_bug_fails_the_check_that_claims_it(coinslot, shared, bug, check_id):
    """1, and the check by name."""
    options, environ = shared

    done = coinslot(
        "check",
        check_id,
        "--profile",
        str(FLASK),
        "--no-preflight",
        "-x",
        "--slow-factor",
        "0.2",
        *options,
        COINSLOT_BUG=bug,
        **environ,
    )

    assert done.code == 1, done.err
    assert re.match(r"\d+ passed, [1-9]\d* failed, ", done.out[-1])
    findings = [line for line in done.out if line.startswith("FAIL ")]
    assert findings[0].startswith(f"FAIL {check_id}")


def test_every_seeded_bug_is_claimed_by_a_check(coinslot):
    """A bug that nobody catches shows nothing."""
    listed = (FLASK.parent / "bugs.py").read_text("utf-8")
    seeded = set(re.findall(r'^    "([a-z0-9-]+)": ', listed, re.MULTILINE))

    assert seeded
    assert {bug for bug, _ in CLAIMS} == seeded
