"""House rules that a linter does not know."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 400
ENGINES = ("verifier/coinslot_verifier", "sandbox/coinslot_sandbox", "scenarios/coinslot_scenarios")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
INDEX_HOST = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|npmjs|debian)[\w.-]*", re.IGNORECASE)


def _tracked(*globs: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *globs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


PYTHON = [file for file in _tracked("*.py") if file != Path(__file__)]


@pytest.mark.parametrize("file", PYTHON, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_is_short_says_what_it_is_and_is_finished(file):
    """ARCHITECTURE.md: a reader knows from the first lines what a file may and may not know."""
    text = file.read_text("utf-8")

    assert len(text.splitlines()) <= LINES_MAX
    assert not text.strip() or text.lstrip().startswith(('"""', "#!"))
    assert UNFINISHED.search(text) is None


def test_no_engine_names_a_portal():
    """A portal is one folder: engines know `Portal`, and none by name."""
    named = {
        str(file.relative_to(ROOT))
        for folder in ENGINES
        for file in (ROOT / folder).rglob("*.py")
        if "backends" not in file.parts
        and re.search(r"jogos|playgama", file.read_text("utf-8"), re.IGNORECASE)
    }

    assert named == set()


def test_no_file_names_a_package_index():
    """Pins have hashes, no addresses: any index that serves the same bytes will do."""
    binary = {".png", ".ico"}
    named = {
        str(file.relative_to(ROOT))
        for file in _tracked()
        if file.suffix not in binary and file != Path(__file__) and INDEX_HOST.search(file.read_text("utf-8"))
    }

    assert named == set()


def test_the_architecture_page_stays_short():
    """Under 150 lines, or nobody reads it."""
    assert len((ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) < 150
