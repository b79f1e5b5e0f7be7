"""Hooks for every test: missing programs are skipped loudly, and no property is judged by the clock."""

import os

from coinslot_testkit.tools import pytest_runtest_setup, pytest_terminal_summary
from hypothesis import settings

__all__ = ["pytest_runtest_setup", "pytest_terminal_summary"]

# A shared machine makes any example slow now and then; pytest's own time limit catches what hangs. In CI the
# examples are the same in every run, so that a failure belongs to the change that shows it.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")
