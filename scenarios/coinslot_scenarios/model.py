"""What a scenario file says, as values: scenarios, their items, steps and assertions.

Built by `load` from validated documents; frozen, so that items can run side by side. Nothing here runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from coinslot_scenarios.problems import Place

FORMAT = 1
Level = Literal["must", "should", "info"]
LEVELS: tuple[Level, ...] = ("must", "should", "info")
ControlMode = Literal["around", "after", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One expectation of a step.

    kind    name in the table of assertions: answer, called, order, granted, same, differ
    level   level of its own below the check's, or None
    """

    kind: str
    raw: Mapping[str, Any]
    args: BaseModel
    level: Level | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a verb with its arguments, and what is expected of it.

    name      what later steps call it (`as`)
    raw       the verb's arguments as written, with templates of run time
    control   whether the valid twin runs around a negative step
    """

    verb: str
    raw: Any
    args: BaseModel
    name: str | None
    expect: tuple[Assertion, ...]
    note: str
    control: ControlMode
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One document of a scenario file, without its steps.

    portal   the portal that it is about, from its clauses
    place    where its id stands
    """

    id: str
    title: str
    clauses: tuple[str, ...]
    level: Level
    portal: str
    tags: tuple[str, ...]
    why: str
    fix: str
    catches: tuple[str, ...]
    let: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What runs and gets a verdict: a scenario with one case of it.

    needs       capabilities that the profile must give, written and derived
    exclusive   must run alone, because it turns what all items share
    """

    scenario: Scenario
    case: str | None
    values: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    cleanup: tuple[Step, ...] = ()
    needs: frozenset[str] = frozenset()
    exclusive: bool = False

    @property
    def name(self) -> str:
        """JG-PAY-05[eight-at-once]"""
        return f"{self.scenario.id}[{self.case}]" if self.case else self.scenario.id
