"""Hooks for every test: what a missing program means, and that no verdict depends on speed."""

from coinslot_testkit.tools import pytest_runtest_setup, pytest_terminal_summary
from hypothesis import settings

__all__ = ["pytest_runtest_setup", "pytest_terminal_summary"]

settings.register_profile("coinslot", deadline=None)
settings.load_profile("coinslot")
