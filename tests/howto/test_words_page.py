"""docs/vocabulary.md: every name that the sandbox knows, made from contracts."""

import importlib.util
from pathlib import Path

from coinslot_contracts import vocabulary
from coinslot_contracts.portal import discover

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/vocabulary.md").read_text("utf-8")


def _tool():
    spec = importlib.util.spec_from_file_location("make_words_page", ROOT / "tools/make_words_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_contracts_make():
    """`make docs` was run after the last change of a name or its sentence."""
    assert _tool().page(discover()) == PAGE


def test_the_page_names_everything_that_can_be_asked_for():
    """Whatever table of the vocabulary is added later has to find its place on the page."""
    inside = {"TOKEN_SIGNERS", "CALLBACK_MODES", "ORDER_CAUSES", "VERIFY_STATES"}
    tables = {
        name: words
        for name, words in vars(vocabulary).items()
        if name.isupper() and isinstance(words, dict) and name not in inside
    }

    missing = [(table, word) for table, words in tables.items() for word in words if f"`{word}`" not in PAGE]

    assert len(tables) > 10
    assert missing == []
