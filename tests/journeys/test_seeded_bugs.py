"""Every seeded bug of the Flask backend makes `coinslot check` exit 1 and fails the check that claims it."""

import os
import re
from collections import defaultdict
from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_scenarios.check import CheckOptions, run_check
from coinslot_scenarios.load import load_items, suite_files
from coinslot_scenarios.select_items import Selection
from coinslot_testkit.harness import Lines

FLASK = Path(coinslot_scenarios.__file__).parent / "backends" / "flask" / "profile.yaml"


def _claims():
    """Bug -> the checks that claim it."""
    found = defaultdict(set)
    for item in load_items(suite_files()):
        for bug in item.scenario.catches:
            found[bug].add(item.scenario.id)
    return {bug: sorted(found[bug]) for bug in sorted(found)}


CLAIMS = _claims()


@pytest.mark.parametrize(("bug", "check_ids"), CLAIMS.items(), ids=CLAIMS)
def test_a_seeded_bug_fails_the_checks_that_claim_it(sandbox, tmp_path, bug, check_ids):
    """1, and each check by name; the rest of the command is seen in test_check.py and test_playgama.py."""
    printer = Lines()
    ready = sandbox.ready

    result = run_check(
        CheckOptions(
            profile=FLASK,
            environ={**os.environ, "COINSLOT_CONTROL_TOKEN": ready["control_token"], "COINSLOT_BUG": bug},
            selection=Selection(wanted=tuple(check_ids)),
            report=tmp_path / "report",
            preflight=False,
            max_fail=1 if len(check_ids) == 1 else None,
            slow_factor=0.2,
            sandbox_url=ready["jogos"]["web_url"],
            control_url=ready["control_url"],
        ),
        printer,
    )

    assert result.exit_code == 1, printer.err
    assert re.match(r"\d+ passed, [1-9]\d* failed, ", printer.out[-1])
    failed = [re.match(r"FAIL ([A-Z0-9-]+)", line) for line in printer.out]
    assert {found[1] for found in failed if found} == set(check_ids)


def test_every_seeded_bug_is_claimed_by_a_check():
    """A bug that nobody catches shows nothing."""
    listed = (FLASK.parent / "bugs.py").read_text("utf-8")
    seeded = set(re.findall(r'^    "([a-z0-9-]+)": ', listed, re.MULTILINE))

    assert seeded
    assert set(CLAIMS) == seeded
