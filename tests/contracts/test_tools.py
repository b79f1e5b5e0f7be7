"""What happens where a tool is missing: a loud, counted skip, or a failure where it is demanded."""

import subprocess
import sys
from pathlib import Path

import pytest
from coinslot_testkit.inner_pytest import run_inner_pytest

TESTS = Path(__file__).resolve().parents[1]
INNER = '''
"""Inner tests of test_tools."""
import pytest

@pytest.mark.tool("no-such-tool")
def test_needs_it():
    raise AssertionError("must not run")

@pytest.mark.tool("python3-or-any", "jsonwebtoken")
def test_needs_two():
    raise AssertionError("must not run")

@pytest.mark.tool("{python}")
def test_has_it():
    pass
'''


def run_inner(
    tmp_path: Path, require: str, monkeypatch: pytest.MonkeyPatch
) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_inner.py").write_text(INNER.replace("{python}", Path(sys.executable).as_posix()))
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {TESTS.as_posix()}\nmarkers =\n    tool(name): x\n"
    )
    monkeypatch.setenv("COINSLOT_REQUIRE", require)
    return run_inner_pytest("-q", tmp_path, cwd=tmp_path)


def test_a_missing_tool_is_a_skip_that_the_last_lines_count(tmp_path, monkeypatch):
    """Nobody shall think that everything was tested."""
    done = run_inner(tmp_path, "", monkeypatch)

    assert done.returncode == 0
    assert "1 passed, 2 skipped" in done.stdout
    assert "NOT TESTED: 1 test(s) need no-such-tool (no no-such-tool on the path)" in done.stdout


@pytest.mark.parametrize("require", ["no-such-tool", "node, no-such-tool", "no-such-tool,python3-or-any"])
def test_a_demanded_tool_that_is_missing_is_a_failure(tmp_path, monkeypatch, require):
    """CI installs the tools, so a skip there means that something was not tested."""
    done = run_inner(tmp_path, require, monkeypatch)

    assert done.returncode == 1
    assert (
        "tool missing: no-such-tool (no no-such-tool on the path), and COINSLOT_REQUIRE demands it"
        in done.stdout
    )
    assert "1 passed" in done.stdout
