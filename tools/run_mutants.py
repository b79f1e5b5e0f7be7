"""Change the code that money and trust rest on, one small thing at a time, and see whether a test notices.

`python tools/run_mutants.py [AREA …]` runs mutmut over each area in a copy of the sources under `.prove`,
since mutmut knows projects with one source folder and we have four. It goes on where it was interrupted; a
copy is made anew when sources or tests changed. Each area leaves `.prove/mutants-AREA.json`, with the count
of those still unchecked; why a survivor changes nothing is said by hand in tests/prove/survivors.toml.
COINSLOT_MUTANT_JOBS says how many run side by side.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / ".prove"
REASONS = ROOT / "tests/prove/survivors.toml"
SOURCES = ("contracts/coinslot_contracts", "verifier/coinslot_verifier")
BESIDE = (
    "tests/conftest.py",
    "tests/verifier/conftest.py",
    "tests/coinslot_testkit",
    "tests/vectors",
    "sandbox/coinslot_sandbox/data",
)
"""What the tests need beside themselves."""
AREAS = {
    "signature": (
        ("coinslot_verifier/jws.py",),
        ("verifier/test_jws.py", "verifier/test_jws_exact.py"),
    ),
    "notification": (
        ("coinslot_verifier/notification.py",),
        ("verifier/test_notification.py", "verifier/test_jws_exact.py"),
    ),
    "claims": (
        ("coinslot_verifier/claims.py",),
        ("verifier/test_claims.py", "verifier/test_jws_exact.py"),
    ),
    "key-cache": (
        (
            "coinslot_verifier/kept_keys.py",
            "coinslot_verifier/key_cache.py",
            "coinslot_verifier/key_doubts.py",
            "coinslot_verifier/key_set.py",
        ),
        (
            "verifier/test_kept_keys.py",
            "verifier/test_key_cache.py",
            "verifier/test_key_doubts.py",
            "verifier/test_key_set.py",
            "verifier/test_key_set_entries.py",
        ),
    ),
    "callback": (
        ("coinslot_contracts/portals/jogos/notices.py",),
        ("contracts/test_jogos_notices.py", "verifier/test_notification.py"),
    ),
    "ledger": (
        (
            "coinslot_verifier/ledger.py",
            "coinslot_verifier/ledger_outbox.py",
            "coinslot_verifier/ledger_store.py",
        ),
        (
            "verifier/test_ledger.py",
            "verifier/test_ledger_exact.py",
            "verifier/test_ledger_outages.py",
            "verifier/test_ledger_outbox.py",
            "verifier/test_ledger_reconcile.py",
            "verifier/test_ledger_store.py",
            "verifier/test_purchase_ledger.py",
        ),
    ),
}
"""Area -> the files that are changed; the tests that must notice. Files that do not exist are left out."""
SETTINGS = """
[tool.pytest.ini_options]
pythonpath = ["tests"]
addopts = [
    "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin",
    "-m", "not tool and not thorough and not hypothesis", "-k", "not bounded_number_of_fetches",
]
markers = ["tool(name): not run here", "thorough: not run here", "timeout(seconds): mutmut has its own"]

[tool.mutmut]
source_paths = ["src"]
also_copy = ["sandbox"]
only_mutate = {files}
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
process_isolation = "forkserver"
timeout_constant = 4.0
timeout_multiplier = 3.0
"""
"""Properties are left out: each would cost every mutant hundreds of examples, and what they meet by chance is
no proof that a change is noticed. So a mutant counts as noticed where a test of one stated case fails. Tests
of thousands of forged tokens are left out too, for their time. And each mutant is tried in a process
that ran no test before (forkserver): what a test leaves in memory would hide a change of what made it."""
NOTICED = ("killed", "timeout")
UNCHECKED = "not checked"
LINE = re.compile(r"^\s*(\S+__mutmut_\d+): ([a-z ]+)$", re.MULTILINE)


def main() -> int:
    """Run the areas that are named, or all; 1 where a survivor has no reason or a mutant was not checked."""
    asked = sys.argv[1:] or list(AREAS)
    unknown = [area for area in asked if area not in AREAS]
    if unknown:
        print(f"no such area: {', '.join(unknown)}; there are {', '.join(AREAS)}", file=sys.stderr)  # noqa: T201
        return 2
    missed = 0
    stale = set(_reasons())
    for area in asked:
        _say(f"{area}: running, minutes …")
        begun_s = time.monotonic()
        part = run(area)
        (PARTS / f"mutants-{area}.json").write_text(json.dumps(part, indent=1) + "\n", "utf-8")
        found = part["found"]
        unexplained = [one for one in found["survivors"] if not one["reason"]]
        missed += len(unexplained) + found["unchecked"]
        stale -= {one["hash"] for one in found["survivors"]}
        counted = f"unexplained: {len(unexplained)}, unchecked: {found['unchecked']}"
        _say(f"{area}: {found['counts']}; {counted}; {(time.monotonic() - begun_s) / 60:.1f} min")
        for one in unexplained:
            _say(f"\nMISSED {one['name']} ({one['hash']}, {one['verdict']})\n{one['diff']}")
    if len(asked) == len(AREAS) and stale:
        _say(f"reasons for what survives no more, to be removed: {', '.join(sorted(stale))}")
    return 1 if missed else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a command


def run(area: str) -> dict[str, Any]:
    """Run one area and tell what came of it, also where it ended early."""
    folder = PARTS / f"mutants/{area}"
    _stage(area, folder)
    ended_badly = _mutmut(folder, "run", "--max-children", os.environ.get("COINSLOT_MUTANT_JOBS", "2"))
    verdicts = LINE.findall(_mutmut(folder, "results", "--all", "true").stdout)
    counts = Counter(verdict for _, verdict in verdicts)
    if ended_badly.returncode and (not verdicts or counts[UNCHECKED]):
        _say(f"mutmut did not come to its end in {folder}:\n{ended_badly.stdout[-4000:]}")
    survivors = [
        {**_survivor(folder, name), "verdict": verdict}
        for name, verdict in verdicts
        if verdict not in (*NOTICED, UNCHECKED)
    ]
    return {
        "commit": _git("rev-parse", "HEAD") + ("+changes" if _git("status", "--porcelain") else ""),
        "day": datetime.now(UTC).date().isoformat(),
        "found": {
            "area": area,
            "files": list(AREAS[area][0]),
            "counts": dict(counts),
            "unchecked": counts[UNCHECKED],
            "survivors": survivors,
        },
    }


def _survivor(folder: Path, name: str) -> dict[str, str]:
    """Its change and its reason; the change is named by a digest, because numbers move with the code."""
    lines = _mutmut(folder, "show", name).stdout.split("\n")
    diff = "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))
    digest = hashlib.sha256(f"{name.rpartition('__mutmut_')[0]}\n{diff}".encode()).hexdigest()[:12]
    reason = _reasons().get(digest, {}).get("reason", "")
    return {"name": name, "hash": digest, "diff": diff, "reason": reason}


def _reasons() -> dict[str, dict[str, str]]:
    return tomllib.loads(REASONS.read_text("utf-8"))


def _stage(area: str, folder: Path) -> None:
    """A copy in the layout that mutmut knows, kept while nothing in it changed."""
    files, tests = AREAS[area]
    known = [
        file for file in files if any((ROOT / source).parent.joinpath(file).exists() for source in SOURCES)
    ]
    wanted = [test for test in tests if (ROOT / "tests" / test).exists()]
    settings = SETTINGS.format(
        files=json.dumps([f"src/{file}" for file in known]),
        tests=json.dumps([f"tests/{test}" for test in wanted]),
    )
    mark = folder / "staged.sha256"
    beside = [ROOT / "tests" / test for test in wanted] + [ROOT / name for name in BESIDE]
    digest = _digest(settings, [*(ROOT / source for source in SOURCES), *beside])
    if mark.exists() and mark.read_text("ascii") == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for source in SOURCES:
        shutil.copytree(ROOT / source, folder / "src" / Path(source).name, ignore=ignored)
    for origin in beside:
        copy = folder / origin.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, copy, ignore=ignored)
        else:
            shutil.copy(origin, copy)
    for name in ("src", "tests"):  # Python remembers of a path that it was not there when it started
        (folder / "mutants" / name).mkdir(parents=True)
    (folder / "pyproject.toml").write_text(settings, "utf-8")
    mark.write_text(digest, "ascii")


def _digest(settings: str, origins: list[Path]) -> str:
    total = hashlib.sha256(settings.encode())
    for origin in origins:
        for file in sorted(origin.rglob("*.py")) if origin.is_dir() else [origin]:
            total.update(file.read_bytes())
    return total.hexdigest()


def _mutmut(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut; the copy comes first on the path, before the installed packages."""
    copy = folder / "mutants"
    path = os.pathsep.join(map(str, (copy / "src", copy / "tests")))
    return subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONUTF8": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # hooks of what is not needed, once for each mutant
            "CI": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
