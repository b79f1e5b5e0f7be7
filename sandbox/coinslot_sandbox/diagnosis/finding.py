"""What a diagnosis finds, the sentences of one cause, and the limit on how much is tried.

Nothing here or beside it does I/O, knows the time, or puts a key into a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNIT_BYTES = 1024
"""What one attempt costs at least: a digest of a short body is not free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What one mistake is called in sentences; parts in braces are filled in by whoever found it.

    says    what the code that made the signature or the token, or that reads it, did
    remedy  what to do instead
    topic   what it is about; the portal's part knows the clause
    """

    says: str
    remedy: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found.

    ok      a correct reader accepts it
    cause   stable kebab-case name of the mistake; None where nothing known matched or nothing is wrong; with
            `ok`, what a stricter reader stumbles over
    also    further mistakes that came together with it, by name
    clause  id of the clause or assumption that is behind it
    tried   how many mistakes were tried, combinations included
    notes   what else is worth knowing, sentences
    """

    ok: bool
    cause: str | None
    says: str
    remedy: str
    clause: str
    tried: int
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The diagnosis in the shape of the control API."""
        return {
            "ok": self.ok,
            "cause": self.cause,
            "also": list(self.also),
            "says": self.says,
            "remedy": self.remedy,
            "clause": self.clause,
            "tried": self.tried,
            "notes": list(self.notes),
        }


class Budget:
    """How much may still be computed, in bytes that are read; what does not fit is not tried.

    Counted and not timed, so that the same question always gets the same answer.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left_bytes = limit_bytes
        self.tried = 0

    def spend(self, size_bytes: int, *, times: int = 1) -> bool:
        """Whether something over so many bytes may be computed; what is granted is taken off."""
        cost = max(size_bytes * times, UNIT_BYTES)
        if cost > self._left_bytes:
            return False
        self._left_bytes -= cost
        return True


def compose(
    causes: Sequence[tuple[str, Cause]], facts: Mapping[str, str], clauses: Mapping[str, str], *, clause: str
) -> dict[str, Any]:
    """The members of a Diagnosis that name these mistakes, the first one being the main one.

    clauses  topic -> clause of the portal; `clause` where a topic has none
    """
    says = [cause.says.format(**facts) for _, cause in causes]
    remedies = dict.fromkeys(cause.remedy.format(**facts) for _, cause in causes)
    main = causes[0][1]
    return {
        "cause": causes[0][0],
        "also": tuple(name for name, _ in causes[1:]),
        "says": "; and ".join(says),
        "remedy": "; ".join(remedies),
        "clause": clauses.get(main.topic, clause),
    }
