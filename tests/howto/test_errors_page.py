"""docs/errors.md: every code that a user can meet, with what to do about it."""

import importlib.util
import re
from pathlib import Path

import pytest
from coinslot_contracts.errors import ACTORS, ERRORS, CoinslotError, Refused, Undecided
from coinslot_verifier.sidecar.problems import CALL_CODES, TITLES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/errors.md").read_text("utf-8")


def _tool():
    spec = importlib.util.spec_from_file_location("make_errors_page", ROOT / "tools/make_errors_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _leaves(family):
    return {leaf for child in family.__subclasses__() for leaf in (_leaves(child) or {child})}


def test_the_page_is_what_contracts_make():
    """`make docs` was run after the last change of an error class."""
    assert _tool().page() == PAGE


def test_the_page_has_a_row_for_every_code_and_no_other():
    """A code without a remedy helps nobody; one that nobody raises misleads."""
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == [
        *(error.code for error in ERRORS),
        *CALL_CODES,
    ]


@pytest.mark.parametrize("code", CALL_CODES)
def test_a_call_that_the_sidecar_refuses_says_its_cause_and_its_remedy(code):
    """Phrases, with a status that the sidecar knows a title for."""
    call = CALL_CODES[code]

    assert call.status in TITLES
    for text in (call.cause, call.remedy):
        assert text
        assert not text.endswith(".")


def test_every_error_of_contracts_is_listed():
    """ERRORS is what the page and other languages are made from."""
    known = {leaf for leaf in _leaves(CoinslotError) if leaf.__module__ == "coinslot_contracts.errors"}

    assert known - {Refused, Undecided} == set(ERRORS)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_says_its_cause_its_remedy_and_who_acts(error):
    """Whole sentences of its own, for a person who was just woken up."""
    for text in (error.cause, error.remedy, error.__doc__):
        assert text[0].isupper() or text[0] == "`"
        assert text.rstrip().endswith(".")
    assert error.acts in ACTORS
    assert [other for other in ERRORS if other.cause == error.cause] == [error]
