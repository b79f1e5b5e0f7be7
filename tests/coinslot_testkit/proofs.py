"""Parts of long proofs: what a part found is written down at once, so that a run can be resumed.

A part counts for the commit it ran at, and a changed working tree is another one each time.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".prove"


@dataclass(slots=True)
class Proof:
    """One part of a proof; `members` is what it found, as JSON."""

    is_new: bool
    members: dict[str, Any] = field(default_factory=dict)


def commit() -> str:
    """The commit that is checked out, marked where the working tree differs from it."""
    return _git("rev-parse", "HEAD") + (
        "+changes" if _git("status", "--porcelain", "--", ".", ":!docs/proof.md") else ""
    )


@contextmanager
def proven(name: str, part: int | str) -> Iterator[Proof]:
    """A part: what it found at this commit before, else a new one that is written at the end of the block."""
    here = commit()
    file = FOLDER / f"{name}-{part}.json"
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if known.get("commit") == here and not here.endswith("+changes"):
        yield Proof(is_new=False, members=known["found"])
        return
    proof = Proof(is_new=True)
    yield proof
    FOLDER.mkdir(exist_ok=True)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    written = {"proof": name, "part": part, "commit": here, "day": day, "found": proof.members}
    file.write_text(json.dumps(written, indent=1) + "\n", "utf-8")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
