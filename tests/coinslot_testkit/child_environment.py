"""The environment of a test's own child process: it finds this kit, wherever the tests were started."""

import os
from pathlib import Path

TESTS = str(Path(__file__).resolve().parent.parent)


def with_testkit() -> dict[str, str]:
    """Ours, and `coinslot_testkit` importable."""
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": TESTS if not known else os.pathsep.join((TESTS, known))}
