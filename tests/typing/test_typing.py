"""The verifier under a user's type checker: right code is clean, and wrong code is found."""

import os
import re
import sys
from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WRONG = HERE / "wrong_code.py"


def _found():
    """(file, line, code) of what mypy --strict says of both files; its cache is kept, or it is slow."""
    cache = ROOT / ".mypy_cache/user"
    strict = ["--strict", "--config-file=", f"--cache-dir={cache}", f"--python-executable={sys.executable}"]
    files = [str(HERE / "user_code.py"), str(WRONG)]
    said, trouble, _ = api.run([*strict, "--follow-imports=silent", "--no-pretty", *files])
    assert trouble == ""
    return {
        (Path(file).name, int(line), code)
        for file, line, code in re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    }


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_a_users_right_code_is_clean_and_every_mistake_is_found(monkeypatch):
    """Every public name is typed, adapters included; were the package untyped, all mistakes would pass."""
    monkeypatch.setenv("MYPYPATH", os.pathsep.join(str(ROOT / name) for name in ("contracts", "verifier")))
    lines = WRONG.read_text("utf-8").splitlines()
    expected = {
        (WRONG.name, number, code)
        for number, line in enumerate(lines, 1)
        if (match := re.search(r"# error: ([\w -]+)$", line))
        for code in match[1].split()
    }

    assert _found() == expected
    assert len(expected) >= 10
