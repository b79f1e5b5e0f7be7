"""Hooks for every test: what happens where a program that is not Python is missing."""

from coinslot_testkit.tools import pytest_runtest_setup, pytest_terminal_summary

__all__ = ["pytest_runtest_setup", "pytest_terminal_summary"]
