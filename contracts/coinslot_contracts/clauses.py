"""The register of clauses and assumptions: what each cited sentence binds, in our own words.

A clause has the id of its portal's document (`jogos:iap.sha1`), with section and line; a standard has
`rfc8725:3.1`; where every document is silent, an assumption (`sandbox:at-least-once`) says what we chose.
All are data: `portals/<portal>/clauses.toml`, `standards.toml` and `assumptions.toml`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from coinslot_contracts.portal import discover


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One citable sentence.

    id        "jogos:iap.sha1", "rfc8725:3.1" or "sandbox:at-least-once"
    source    title of the document
    section   its section, in words
    lines     line numbers in our copy of the document, "" for standards and assumptions
    binds     "backend", "portal" or "nobody"
    strength  "must", "should" or "info"
    says      what it binds, in our own words
    """

    id: str
    source: str
    section: str
    lines: str
    binds: str
    strength: str
    says: str

    @property
    def is_assumption(self) -> bool:
        """Whether no document says this, so that it can never carry a `must` alone."""
        return self.id.startswith("sandbox:")


class ClauseUnknown(KeyError):
    """No register holds a clause of this id."""


@cache
def clauses() -> Mapping[str, Clause]:
    """Every clause, standard and assumption, by id, in the order of their files."""
    here = files("coinslot_contracts")
    found: dict[str, Clause] = {}
    for portal in discover().values():
        found |= _read(portal.folder / "clauses.toml")
    return found | _read(here / "standards.toml") | _read(here / "assumptions.toml")


def get_clause(clause_id: str) -> Clause:
    """The clause of this id; ClauseUnknown where there is none."""
    try:
        return clauses()[clause_id]
    except KeyError:
        raise ClauseUnknown(clause_id) from None


def _read(file: Traversable) -> dict[str, Clause]:
    document = tomllib.loads(file.read_text("utf-8"))
    source = document["source"]
    return {entry["id"]: _clause(entry, source) for entry in document["clause"]}


def _clause(entry: Mapping[str, Any], source: str) -> Clause:
    return Clause(
        id=entry["id"],
        source=entry.get("source", source),
        section=entry["section"],
        lines=entry.get("lines", ""),
        binds=entry["binds"],
        strength=entry["strength"],
        says=" ".join(entry["says"].split()),
    )
