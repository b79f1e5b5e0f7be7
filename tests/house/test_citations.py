"""Every clause that is cited and every name that is mentioned exists, and every clause says something."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from coinslot_contracts.clauses import ClauseUnknown, clauses, get_clause
from coinslot_contracts.portal import discover

ROOT = Path(__file__).resolve().parents[2]
CITED_IN = ("*.py", "*.toml", "*.json", "*.yaml", "*.md")
PORTALS = "|".join(discover())
# a clause id, but no endpoint address or package extra that merely looks like one
CITATION = re.compile(rf"(?<![\w/.:-])(?:{PORTALS}|sandbox|rfc\d+):[a-z0-9][a-z0-9.A-Z-]*[a-z0-9A-Z]")

# a name of one of the verifier's modules, as its prose writes it: `http_out.HttpOut`
NAMED = re.compile(r"`(\w+)\.([A-Z]\w+)`")
VERIFIER = ROOT / "verifier/coinslot_verifier"


def _sources() -> list[Path]:
    folders = ("contracts", "verifier", "sandbox", "scenarios", "tests")
    found = [file for folder in folders for glob in CITED_IN for file in (ROOT / folder).rglob(glob)]
    return [file for file in found if "node_modules" not in file.parts and file != Path(__file__)]


def test_every_cited_clause_is_registered():
    """A citation that leads nowhere helps nobody."""
    unknown = {
        (str(file.relative_to(ROOT)), cited)
        for file in _sources()
        for cited in CITATION.findall(file.read_text("utf-8"))
        if cited not in clauses()
    }

    assert unknown == set()


def test_the_search_for_citations_finds_some():
    """The twin of the test above: it would pass as well if it looked at nothing."""
    text = (ROOT / "contracts/coinslot_contracts/portals/jogos/notices.py").read_text("utf-8")

    assert {"jogos:iap.1.fields", "jogos:iap.4"} <= set(CITATION.findall(text))


def test_an_unknown_clause_is_an_error():
    """jogos:iap.9 is not in the document."""
    with pytest.raises(ClauseUnknown):
        get_clause("jogos:iap.9")


@pytest.mark.parametrize("clause_id", list(clauses()))
def test_a_clause_says_where_it_stands_and_what_it_binds(clause_id):
    """Portal clauses name their lines; the rest have none."""
    clause = get_clause(clause_id)

    assert clause.says
    assert clause.section
    assert clause.binds in {"backend", "portal", "nobody"}
    assert clause.strength in {"must", "should", "info"}
    is_of_a_portal = clause_id.split(":")[0] in discover()
    assert bool(re.fullmatch(r"\d+(-\d+)?", clause.lines)) == is_of_a_portal


def test_every_name_that_the_verifiers_prose_mentions_exists():
    """Whoever writes a source or a sender of their own catches what the docstring says."""
    modules = {file.stem for file in VERIFIER.glob("*.py")}
    texts = {file.name: file.read_text("utf-8") for file in VERIFIER.rglob("*.py")}
    mentioned = {
        (file, module, name)
        for file, text in texts.items()
        for module, name in NAMED.findall(text)
        if module in modules
    }

    assert ("key_source.py", "http_out", "HttpOut") in mentioned
    assert {
        (file, module, name)
        for file, module, name in mentioned
        if not hasattr(import_module(f"coinslot_verifier.{module}"), name)
    } == set()
