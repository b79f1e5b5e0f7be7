"""What is claimed of a journal, how a claim is judged entry by entry, and what is said where it fails.

Pure: entries are handed in as they come. A claim that can only be broken by time (at most, exactly, never) is
watched for as long as the caller watches; one that is fulfilled by entries is answered at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from coinslot_sandbox.journal_entries import Entry
from coinslot_sandbox.journal_filter import Compared, JournalFilter

SHOWN_MAX: Final = 5
NEAREST_MAX: Final = 3
_SPAN_SHOWN: Final = ("after", "before", "since_s", "until_s")

State = Literal["open", "holds", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said to be in a journal.

    wanted    which entries are meant; with `sequence` or `never`, those among which is looked
    at_least … exactly  how many
    sequence  entries that must come in this order, others between them or not
    never     entries of which there must be none
    """

    wanted: JournalFilter
    at_least: int | None = None
    at_most: int | None = None
    exactly: int | None = None
    sequence: tuple[JournalFilter, ...] = ()
    never: JournalFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """An entry that is nearly wanted, and in what it differs."""

    entry: Entry
    given: int
    differs: tuple[Compared, ...]

    @property
    def same(self) -> int:
        """How many members are as wanted."""
        return self.given - len(self.differs)


@dataclass(slots=True)
class Nearest:
    """The entries that are nearest to what is wanted."""

    found: list[Near] = field(default_factory=list)

    def look(self, entry: Entry, filters: Sequence[JournalFilter]) -> bool:
        """Look at one entry; whether it is wanted."""
        compared = [item for wanted in filters for item in wanted.compare(entry)]
        differs = tuple(item for item in compared if not item.is_same)
        is_wanted = not differs and all(wanted.spans(entry) for wanted in filters)
        near = Near(entry=entry, given=len(compared), differs=differs)
        if differs and near.same > 0 and all(wanted.spans(entry) for wanted in filters):
            ranked = sorted([*self.found, near], key=lambda item: (item.same, item.entry["seq"]))
            self.found = ranked[-NEAREST_MAX:]
        return is_wanted

    @property
    def best_first(self) -> list[Near]:
        """What was found."""
        return self.found[::-1]


class Tally:
    """Judges one claim over entries that are handed in one by one, oldest first."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._nearest = Nearest()
        self._steps: list[Entry] = []
        self._seen_early: dict[int, int] = {}
        self.found = 0
        self.entries: list[Entry] = []

    @property
    def nearest(self) -> list[Near]:
        """Entries that are nearly what is missing; none where nothing is."""
        return self._nearest.best_first if self._lacks else []

    @property
    def state(self) -> State:
        """Whether the claim holds for good, is broken for good, or depends on what is still to come."""
        claim = self._claim
        most = claim.exactly if claim.exactly is not None else claim.at_most
        if claim.sequence:
            return "holds" if self.found == len(claim.sequence) else "open"
        if claim.never is not None:
            return "broken" if self.found else "open"
        if most is not None:
            return "broken" if self.found > most else "open"
        return "open" if self._lacks else "holds"

    @property
    def ok(self) -> bool:
        """Whether the claim holds of what was handed in."""
        return self.state != "broken" and not self._lacks

    @property
    def says(self) -> str:
        """One sentence: what was found and what was claimed."""
        claim = self._claim
        if claim.sequence:
            return self._says_of_sequence()
        if claim.never is not None:
            what = _among(described(claim.never), claim.wanted)
            return f"found {self.found} of what must never be: {what}" if self.found else f"never: {what}"
        text = f"found {self.found}, wanted {self._wanted_count()}: {described(claim.wanted)}"
        return text if self.ok else text + self._hint()

    def take(self, entry: Entry) -> None:
        """Count one entry."""
        claim = self._claim
        if claim.sequence:
            self._take_step(entry)
        elif claim.never is not None:
            self._count(entry, claim.wanted.takes(entry) and claim.never.takes(entry))
        else:
            self._count(entry, self._nearest.look(entry, (claim.wanted,)))

    def _count(self, entry: Entry, is_wanted: bool) -> None:
        self.found += is_wanted
        if is_wanted and len(self.entries) < SHOWN_MAX:
            self.entries.append(entry)

    def _take_step(self, entry: Entry) -> None:
        claim = self._claim
        if self.found == len(claim.sequence):
            return
        if self._nearest.look(entry, (claim.wanted, claim.sequence[self.found])):
            self._count(entry, True)
            self._steps.append(entry)
            self._nearest = Nearest()
            return
        for number in range(self.found + 1, len(claim.sequence)):
            if claim.wanted.takes(entry) and claim.sequence[number].takes(entry):
                self._seen_early[number] = entry["seq"]

    @property
    def _lacks(self) -> bool:
        claim = self._claim
        least = claim.exactly if claim.exactly is not None else claim.at_least
        if claim.sequence:
            return self.found < len(claim.sequence)
        return least is not None and self.found < least

    def _wanted_count(self) -> str:
        claim = self._claim
        if claim.exactly is not None:
            return f"exactly {claim.exactly}"
        bounds = (("at least", claim.at_least), ("at most", claim.at_most))
        return " and ".join(f"{name} {bound}" for name, bound in bounds if bound is not None)

    def _says_of_sequence(self) -> str:
        steps = self._claim.sequence
        at = ", ".join(f"#{entry['seq']}" for entry in self._steps)
        if self.found == len(steps):
            return f"found all {len(steps)} in order, at {at}"
        missing = _among(described(steps[self.found]), self._claim.wanted)
        text = f"found {self.found} of {len(steps)} in order{f', at {at}' if at else ''}; step "
        text += f"{self.found + 1} is missing: {missing}"
        early = [f"step {number + 1} was seen at #{seq}" for number, seq in self._seen_early.items()]
        later = [item for item in early if not item.startswith(f"step {self.found + 1} ")]
        wrong = [item for item in early if item not in later]
        if wrong:
            text += f"; {wrong[0]}, before what must come first"
        elif later:
            text += f"; {later[0]} without it"
        return text + self._hint()

    def _hint(self) -> str:
        near = self.nearest
        if not near:
            return ""
        best = near[0]
        differs = "; ".join(
            f"{item.member} is {_shown(item.found)}, not {_shown(item.wanted)}" for item in best.differs
        )
        return f"; the nearest is #{best.entry['seq']}: {differs}"


def described(wanted: JournalFilter) -> str:
    """A filter in words."""
    parts = [
        f"{name} {value}"
        for name in JournalFilter.__dataclass_fields__
        if name not in ("headers", "places", "reply_places", "body", "reply", *_SPAN_SHOWN)
        and (value := getattr(wanted, name)) is not None
    ]
    parts += [f"header {name}{'' if value is None else f' {value}'}" for name, value in wanted.headers]
    parts += [
        f"{name} holding {_shown(value)}"
        for name, value in (("body", wanted.body), ("reply_body", wanted.reply))
        if value is not None
    ]
    parts += [f"body {place.path} = {_shown(place.value)}" for place in wanted.places]
    parts += [f"reply_body {place.path} = {_shown(place.value)}" for place in wanted.reply_places]
    parts += [f"{name} {value}" for name in _SPAN_SHOWN if (value := getattr(wanted, name))]
    return ", ".join(parts) or "any entry"


def _among(what: str, scope: JournalFilter) -> str:
    where = described(scope)
    return what if where == "any entry" else f"{what} (among {where})"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:80] + "…"
