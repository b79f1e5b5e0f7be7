"""Measure which branches of contracts and verifier their tests take, and say which they do not.

`python tools/run_coverage.py [ARGUMENTS OF PYTEST …]` runs tests/contracts and tests/verifier under coverage,
with the settings of pyproject.toml, processes that they start included. It leaves `.prove/coverage-all.json`
and ends as pytest does: not 0 where a test fails or a line or branch is never taken.
"""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / ".prove"
REPORT = PARTS / "coverage/report.json"
SOURCES = ("contracts", "verifier")
TESTS = ("tests/contracts", "tests/verifier")
PRAGMA = re.compile(r"#\s*pragma:?\s*no\s?(cover|branch)", re.IGNORECASE)


def main() -> int:
    """Measure, write the part down, and return what pytest returned."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    here = _commit()
    wanted = ["-n", "4", "--dist", "worksteal", "-m", "not thorough", *TESTS, *sys.argv[1:]]
    reports = ["--cov", "--cov-report=term", f"--cov-report=json:{REPORT}"]
    code = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "pytest", *reports, *wanted],
        cwd=ROOT,
        env=_environment(),
        check=False,
    ).returncode
    if REPORT.exists():
        found = {**_totals(), "pragmas": pragmas(), "is_good": code == 0}
        day = datetime.now(UTC).date().isoformat()
        part = {"proof": "coverage", "part": "all", "commit": here, "day": day, "found": found}
        (PARTS / "coverage-all.json").write_text(json.dumps(part, indent=1) + "\n", "utf-8")
    return code


def _environment() -> dict[str, str]:
    """The same generated examples each time; PostgreSQL demanded, since the ledger has branches for it."""
    packages = [str(ROOT / name) for name in ("contracts", "verifier", "sandbox", "scenarios", "tests")]
    required = {"postgres", *filter(None, os.environ.get("COINSLOT_REQUIRE", "").split(","))}
    more = {"CI": "1", "COINSLOT_REQUIRE": ",".join(sorted(required))}
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(packages)}


def _totals() -> dict[str, Any]:
    totals = json.loads(REPORT.read_text("utf-8"))["totals"]
    return {
        "statements": totals["num_statements"],
        "statements_taken": totals["covered_lines"],
        "branches": totals["num_branches"],
        "branches_taken": totals["covered_branches"],
        "excluded": totals["excluded_lines"],
        "percent": totals["percent_covered"],
    }


def pragmas() -> list[str]:
    """Where the sources ask not to be measured: "file:line"."""
    return [
        f"{file.relative_to(ROOT).as_posix()}:{number}"
        for folder in SOURCES
        for file in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if PRAGMA.search(line)
    ]


def _commit() -> str:
    changed = _git("status", "--porcelain", "--", ".", ":!docs/proof.md")
    return _git("rev-parse", "HEAD") + ("+changes" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
