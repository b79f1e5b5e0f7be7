"""The demonstration: the shipped suite against the shipped backend, then one seeded bug and its failure.

Uses `check` as anybody would; the bug is switched on by the backend's own variable.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from coinslot_scenarios.check import CheckOptions, CheckResult, run_check
from coinslot_scenarios.report.terminal import Printer
from coinslot_scenarios.select_items import Selection

BACKEND = Path(__file__).parent / "backends" / "flask"
BUG = "empty-signature-accepted"
CLAIMED = "JG-LOGIN-22"
TAG = "login"
"""The buggy run plays the checks of the area that the mistake is in; the rest would only pass again."""


def run_demo(*, environ: Mapping[str, str], seed: int | None, report: Path) -> int:
    """Both runs; returns the exit code and prints the good run's last two lines last."""
    if importlib.util.find_spec("sqlalchemy") is None:
        raise ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy")
    print_line("1. The suite against a good backend (Flask, built on the verifier)")
    good = _play(environ, Selection(), seed=seed, report=report)
    if good.report is None or good.line is None:
        return good.exit_code
    print_line("")
    print_line(f"2. The same backend with one mistake: {BUG}. This is what a failure looks like:")
    print_line("")
    bad = _play(environ, Selection(tags=(TAG,)), seed=seed, report=report / "buggy", bug=BUG)
    print_line("")
    shown = good.exit_code == 0 and bad.exit_code == 1 and bad.failed(CLAIMED)
    print_line(
        "The good backend passed, and the mistake was caught." if shown else "The demonstration went wrong."
    )
    print_line("")
    print_line(str(good.report))
    print_line(good.line)
    fault = 5 in (good.exit_code, bad.exit_code)
    return 0 if shown else 5 if fault else 1


def _play(
    environ: Mapping[str, str], selection: Selection, *, seed: int | None, report: Path, bug: str = ""
) -> CheckResult:
    options = CheckOptions(
        profile=BACKEND / "profile.yaml",
        environ=environ,
        selection=selection,
        report=report,
        seed=seed,
        preflight=False,
        port=0,
        control_port=0,
        backend_env={"COINSLOT_BUG": bug},
    )
    return run_check(options, Printer(environ=environ))


def print_line(text: str) -> None:
    """One line on stdout, at once."""
    print(text, flush=True)  # noqa: T201 - the demonstration talks to a person
