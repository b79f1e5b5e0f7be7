"""What is wrong with a file that a person wrote: place, sentence, and the word that was probably meant.

All problems of all files are collected and shown at once, as `file:line:col: message`.
This module knows no YAML and no grammar.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake at one place."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class InvalidFiles(Exception):
    """Files that cannot be used; holds every problem that was found, in reading order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageProblem(Exception):
    """A request that cannot be carried out as given; the text says what happened and what to do next."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The words ", did you mean 'x'?" where a known word is close, else the empty string."""
    close = closest(word, known)
    return f", did you mean '{close}'?" if close else ""


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The sentence for an unknown word: with a suggestion, or else with all that is known."""
    names = list(known)
    hint = did_you_mean(word, names)
    listed = f"; known: {', '.join(names)}" if names and not hint and len(names) <= 24 else ""
    return f"unknown {kind} '{word}'{hint}{listed}"
