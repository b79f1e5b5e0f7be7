"""Which items a run plays: by path, id or clause, then narrowed by word, tag, portal and level.

Knows the shipped suite's place and nothing of running.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coinslot_scenarios.load import files_below, load_items, suite_files
from coinslot_scenarios.model import LEVELS, Item
from coinslot_scenarios.problems import UsageProblem, closest


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was asked for.

    wanted   paths, check ids, clause ids; nothing means the shipped suite
    word     part of an item's name, title or tag
    level    this level and the stricter ones
    """

    wanted: tuple[str, ...] = ()
    word: str | None = None
    tags: tuple[str, ...] = ()
    portal: str | None = None
    level: str | None = None


def select(selection: Selection) -> list[Item]:
    """The items; InvalidFiles for mistakes in files, UsageProblem for what is no path, id or clause."""
    paths = [Path(one) for one in selection.wanted if Path(one).exists()]
    names = [one for one in selection.wanted if not Path(one).exists()]
    items = load_items(file for path in paths for file in files_below(path)) if paths else []
    if names or not paths:
        suite = load_items(suite_files())
        items += _named(suite, names) if names else suite
    return [item for item in items if _fits(item, selection)]


def _named(suite: Sequence[Item], names: Iterable[str]) -> list[Item]:
    found: dict[str, Item] = {}
    for name in names:
        fitting = [item for item in suite if _is_named(item, name)]
        if not fitting:
            known = {item.scenario.id for item in suite} | {
                c for item in suite for c in item.scenario.clauses
            }
            close = closest(name, known)
            hint = f", did you mean '{close}'?" if close else "; `coinslot check --list` shows the checks"
            raise UsageProblem(f"'{name}' is no file, no check and no clause that a check cites{hint}")
        found |= {item.name: item for item in fitting}
    return [item for item in suite if item.name in found]


def _is_named(item: Item, name: str) -> bool:
    if name in (item.scenario.id, item.name):
        return True
    return any(clause == name or clause.startswith(f"{name}.") for clause in item.scenario.clauses)


def _fits(item: Item, selection: Selection) -> bool:
    scenario = item.scenario
    if selection.word:
        text = " ".join([item.name, scenario.title, *scenario.tags]).lower()
        if selection.word.lower() not in text:
            return False
    if selection.tags and not set(selection.tags) & set(scenario.tags):
        return False
    if selection.portal and scenario.portal != selection.portal:
        return False
    levels = [str(level) for level in LEVELS]
    return selection.level is None or levels.index(scenario.level) <= levels.index(selection.level)
