"""Programs that are not Python: found, skipped loudly where missing, demanded where CI demands them.

A test says what it needs with `@pytest.mark.tool("node")`. COINSLOT_REQUIRE is a comma list of such names.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

REQUIRE = "COINSLOT_REQUIRE"
ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors"
PROGRAMS = {
    "java": ("java", "javac"),
    "node": ("node",),
    "jsonwebtoken": ("node",),
    "jose": ("node",),
    "node-backend": ("node",),
    "chromium": ("chromium", "chromedriver"),
    "postgres": ("initdb", "pg_ctl"),
}
"""Tool -> the programs that it means; any other tool is the program of its own name."""
LIBRARIES = ("jsonwebtoken", "jose")
NODE_BACKEND = "scenarios/coinslot_scenarios/backends/node"
FOLDERS = {
    **{name: VECTORS / "node/node_modules" / name for name in LIBRARIES},
    "node-backend": ROOT / NODE_BACKEND / "node_modules/express",
}
MODULES = {"chromium": "selenium", "postgres": "psycopg"}
"""Tool -> the Python package that drives it."""
REMEDIES = {
    **dict.fromkeys(LIBRARIES, "npm ci --prefix tests/vectors/node"),
    "node-backend": f"npm ci --prefix {NODE_BACKEND}",
}
SKIP_MARK = "tool missing: "
ELSEWHERE = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin")
"""Where packages put programs that they keep off the path."""


def find_program(name: str) -> str | None:
    """The program's path: from the path, else the newest where packages hide it."""
    hidden = [str(file) for folder in ELSEWHERE for file in Path("/").glob(f"{folder}/{name}")]
    newest = max(hidden, key=lambda file: [int(digits) for digits in re.findall(r"\d+", file)], default=None)
    return shutil.which(name) or newest


def missing(tool: str) -> str | None:
    """One line that says what is not there, or None."""
    absent = [name for name in PROGRAMS.get(tool, (tool,)) if find_program(name) is None]
    if absent:
        return f"{SKIP_MARK}{tool} (no {', '.join(absent)} on the path)"
    module = MODULES.get(tool)
    if module is not None and importlib.util.find_spec(module) is None:
        return f"{SKIP_MARK}{tool} (run: pip install {module})"
    folder = FOLDERS.get(tool)
    if folder is not None and not folder.is_dir():
        return f"{SKIP_MARK}{tool} (run: {REMEDIES[tool]})"
    return None


def is_required(tool: str) -> bool:
    """Whether COINSLOT_REQUIRE names the tool; a library is required with the program that runs it."""
    wanted = {name.strip() for name in os.environ.get(REQUIRE, "").split(",")}
    return tool in wanted or bool(wanted.intersection(PROGRAMS.get(tool, ())))


def need(tool: str) -> None:
    """Skip the running test where the tool is missing; fail it where COINSLOT_REQUIRE names the tool."""
    reason = missing(tool)
    if reason is None:
        return
    if is_required(tool):
        pytest.fail(f"{reason}, and {REQUIRE} demands it", pytrace=False)
    pytest.skip(reason)


def run(command: Sequence[str | Path], *, stdin: bytes = b"", timeout_s: float = 60) -> str:
    """Run a program to its end and return what it printed; its errors are shown where it fails."""
    program = shutil.which(str(command[0])) or str(command[0])
    done = subprocess.run(
        [program, *map(str, command[1:])], input=stdin, capture_output=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Judge the markers before the test's fixtures run."""
    for mark in item.iter_markers("tool"):
        for tool in mark.args:
            need(tool)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end how many tests a missing tool has prevented, and which."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if SKIP_MARK in reason:
            tool = reason.partition(SKIP_MARK)[2]
            counts[tool] = counts.get(tool, 0) + 1
    for tool, count in sorted(counts.items()):
        terminalreporter.write_line(f"NOT TESTED: {count} test(s) need {tool}", yellow=True, bold=True)
