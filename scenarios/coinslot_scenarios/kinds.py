"""What a verb and an assertion are: the rows of the two tables that the grammar is made of.

A verb is one file in `verbs/`, an assertion one file in `assertions/`; each exports its row. Loader and
runner know only these rows, so a new verb changes no other file.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from coinslot_scenarios.item import ItemRun, StepResult
    from coinslot_scenarios.model import Step
    from coinslot_scenarios.readings import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb of the grammar.

    args        the shape of its arguments
    run         does it; returns what it got
    shorthand   the member that a bare value stands for: `heal: outage` is `heal: {fault: outage}`
    binds       kind of entity that its `as` names: player, order, fault
    uses        member -> kind of entity that it refers to
    needs       arguments, portal -> capabilities
    exclusive   arguments -> whether the item must run alone
    negative    arguments -> whether it sends what a backend must refuse
    judges      whether it looks at its expectations itself
    """

    name: str
    args: type[BaseModel]
    run: "Callable[[ItemRun, Step, Any], StepResult]"
    shorthand: str | None = None
    binds: str | None = None
    uses: Mapping[str, str] = field(default_factory=dict)
    needs: Callable[[Any, str], set[str]] = lambda _args, _portal: set()
    exclusive: Callable[[Any], bool] = lambda _args: False
    negative: Callable[[Any], bool] = lambda _args: False
    judges: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionKind:
    """One assertion of the grammar; `judge` reads the state once and never waits.

    takes_steps   members that name earlier steps
    """

    name: str
    args: type[BaseModel]
    judge: "Callable[[ItemRun, Any, StepResult | None], Reading]"
    uses: Mapping[str, str] = field(default_factory=dict)
    takes_steps: tuple[str, ...] = ()
    needs: Callable[[Any, str], set[str]] = lambda _args, _portal: set()
    exclusive: Callable[[Any], bool] = lambda _args: False


@cache
def verbs() -> Mapping[str, Verb]:
    """Every verb, by name."""
    return {row.name: row for row in _rows("coinslot_scenarios.verbs", "VERB")}


@cache
def assertions() -> Mapping[str, AssertionKind]:
    """Every assertion, by name; `order` last, because its name is also a member of others."""
    rows = {row.name: row for row in _rows("coinslot_scenarios.assertions", "ASSERTION")}
    return {name: rows[name] for name in sorted(rows, key=lambda name: name == "order")}


def _rows(package: str, export: str) -> list[Any]:
    path = importlib.import_module(package).__path__
    modules = [importlib.import_module(f"{package}.{found.name}") for found in pkgutil.iter_modules(path)]
    return [getattr(module, export) for module in modules]
