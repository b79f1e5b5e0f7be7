"""Hooks for every test: missing programs are skipped loudly, and no property is judged by the clock."""

import os

import pytest
from coinslot_testkit import tools
from coinslot_testkit.postgres_server import postgres_server
from coinslot_testkit.tools import pytest_runtest_setup
from hypothesis import settings

__all__ = ["postgres_server", "pytest_runtest_setup"]

# A shared machine makes any example slow now and then; pytest's own time limit catches what hangs. In CI the
# examples are the same in every run, so that a failure belongs to the change that shows it.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded as `table`, wherever they ran, and what could not be tested."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, text in report.user_properties:
                if name == "table":
                    terminalreporter.write_sep("-", report.nodeid)
                    terminalreporter.write_line(text)
    tools.pytest_terminal_summary(terminalreporter)
