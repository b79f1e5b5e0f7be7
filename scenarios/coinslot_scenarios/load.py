"""From files to items: read every scenario file, expand its cases, check it whole, collect every problem.

Knows files and the grammar, runs nothing. A scenario without a single mistake becomes one item for each case.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coinslot_contracts.clauses import clauses
from coinslot_contracts.portal import discover

from coinslot_scenarios.grammar import Reader, ScenarioShape
from coinslot_scenarios.kinds import assertions, verbs
from coinslot_scenarios.model import Item, Scenario, Step
from coinslot_scenarios.problems import InvalidFiles, Problem, did_you_mean, unknown
from coinslot_scenarios.references import References
from coinslot_scenarios.templates import NameUnknown, fill, lookup_in
from coinslot_scenarios.yamldoc import Document, read_documents

AREAS = ("login", "callback", "pay", "arrived", "refund", "recon", "jwt", "verify", "purchase", "general")
SUITE = Path(__file__).parent / "suite"
_CASE_PART = re.compile(r"[^a-z0-9]+")


def suite_files() -> list[Path]:
    """The shipped checks: areas in the order in which causes come before consequences."""
    found = SUITE.rglob("*.yaml")
    return sorted(found, key=lambda file: (file.parent.parent.name, _area(file.parent.name), file.name))


def _area(name: str) -> int:
    return AREAS.index(name) if name in AREAS else len(AREAS)


def files_below(path: Path) -> list[Path]:
    """A scenario file, or every YAML file below a folder."""
    if path.is_dir():
        return sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
    return [path]


def load_items(files: Iterable[Path]) -> list[Item]:
    """Every item of these files; InvalidFiles with all problems of all files.

    A YAML file found in a folder whose first key is not `coinslot` is somebody else's and left alone.
    """
    items: list[Item] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for file in files:
        documents, unreadable = read_documents(file, shown_as=shown_path(file))
        problems += unreadable
        for document in documents:
            if not _is_ours(document):
                continue
            reader = Reader(document)
            items += _items(reader, file, seen)
            problems += reader.problems
    if problems:
        raise InvalidFiles(problems)
    return items


def shown_path(file: Path) -> str:
    """A path for people: below the suite from `suite/`, else from the working folder where it is below it."""
    if file.is_relative_to(SUITE):
        return (Path("suite") / file.relative_to(SUITE)).as_posix()
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(file)


def _is_ours(document: Document) -> bool:
    return not isinstance(document.value, dict) or bool({"coinslot", "steps"} & document.value.keys())


def _items(reader: Reader, file: Path, seen: dict[str, str]) -> list[Item]:
    shape = reader.scenario()
    value = reader.document.value
    if shape is None:
        if isinstance(value, dict) and value.get("coinslot", 1) == 1:
            reader.steps(value.get("steps", []), ("steps",))
        return []
    _check_head(reader, shape, file, seen)
    scenario = _scenario(reader, shape)
    found = []
    for case, values in _cases(reader, shape):
        filled = {key: _fill(value.get(key, []), values) for key in ("steps", "cleanup")}
        names = References(reader, {**values, **shape.let})
        names.check(filled["steps"], ("steps",))
        names.check(filled["cleanup"], ("cleanup",))
        steps = reader.steps(filled["steps"], ("steps",))
        cleanup = reader.steps(filled["cleanup"], ("cleanup",))
        found.append(_item(scenario, case, values, steps, cleanup, shape.needs))
    return found


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    try:
        return fill(value, lookup_in(values, keep_others=True))
    except NameUnknown:
        return value


def _check_head(reader: Reader, shape: ScenarioShape, file: Path, seen: dict[str, str]) -> None:
    if shape.id in seen:
        reader.report(("id",), f"id {shape.id} is used in {seen[shape.id]} too", value=True)
    seen.setdefault(shape.id, reader.document.file)
    if file.is_relative_to(SUITE) and file.stem != shape.id:
        reader.report(("id",), f"a check of the suite is named by its id: {shape.id}.yaml", value=True)
    for index, clause in enumerate(shape.clause):
        if clause not in clauses():
            reader.report(("clause", index), unknown("clause", clause, clauses()), value=True)
    known = [clauses()[clause] for clause in shape.clause if clause in clauses()]
    if shape.level == "must" and known and all(clause.is_assumption for clause in known):
        reader.report(("level",), "a check that rests on sandbox assumptions alone may not be 'must'")
    _check_let(reader, shape)
    if shape.cases is not None and shape.matrix is not None:
        reader.report(("matrix",), "'cases' and 'matrix' exclude each other")
    names = [case["name"] for case in shape.cases or []]
    for index, name in enumerate(names):
        if name in names[:index]:
            reader.report(("cases", index, "name"), f"case '{name}' is there twice", value=True)


def _check_let(reader: Reader, shape: ScenarioShape) -> None:
    made = {name: value for name, value in shape.let.items() if isinstance(value, dict)}
    if not made:
        return
    from faker import Faker

    providers = [name for name in dir(Faker()) if not name.startswith("_")]
    for name, value in made.items():
        if not {"fake"} <= value.keys() <= {"fake", "args"}:
            reader.report(
                ("let", name), f"'{name}' is a value or {{fake: provider, args: {{…}}}}", value=True
            )
        elif value["fake"] not in providers:
            hint = did_you_mean(str(value["fake"]), providers)
            reader.report(("let", name, "fake"), f"unknown provider '{value['fake']}'{hint}", value=True)
        elif not isinstance(value.get("args", {}), dict):
            reader.report(("let", name, "args"), "'args' must be a mapping", value=True)


def _scenario(reader: Reader, shape: ScenarioShape) -> Scenario:
    named = (clause.split(":")[0] for clause in shape.clause)
    portal = next((name for name in named if name in discover()), next(iter(discover())))
    return Scenario(
        id=shape.id,
        title=shape.title,
        clauses=tuple(shape.clause),
        level=shape.level,
        portal=portal,
        tags=tuple(shape.tags),
        why=" ".join(shape.why.split()),
        fix=" ".join(shape.fix.split()),
        catches=tuple(shape.catches),
        let=shape.let,
        place=reader.document.place(("id",)),
    )


def _cases(reader: Reader, shape: ScenarioShape) -> list[tuple[str | None, dict[str, Any]]]:
    if shape.cases:
        return [(case["name"], {k: v for k, v in case.items() if k != "name"}) for case in shape.cases]
    if shape.matrix:
        names = list(shape.matrix)
        rows = [dict(zip(names, row, strict=True)) for row in itertools.product(*shape.matrix.values())]
        return [(_case_name(row), row) for row in rows]
    if shape.cases is not None or shape.matrix is not None:
        reader.report(("cases",) if shape.cases is not None else ("matrix",), "has no rows")
    return [(None, {})]


def _case_name(row: Mapping[str, Any]) -> str:
    return "-".join(_CASE_PART.sub("-", str(value).lower()).strip("-") or "x" for value in row.values())


def _item(
    scenario: Scenario,
    case: str | None,
    values: Mapping[str, Any],
    steps: Sequence[Step],
    cleanup: Sequence[Step],
    needs: Iterable[str],
) -> Item:
    rows = [(verbs()[step.verb], step.args) for step in (*steps, *cleanup)]
    rows_of_expect = [(assertions()[one.kind], one.args) for step in steps for one in step.expect]
    derived = {need for row, args in rows for need in row.needs(args, scenario.portal)}
    derived |= {need for row, args in rows_of_expect for need in row.needs(args, scenario.portal)}
    return Item(
        scenario=scenario,
        case=case,
        values=values,
        steps=tuple(steps),
        cleanup=tuple(cleanup),
        needs=frozenset(derived) | frozenset(needs),
        exclusive=any(row.exclusive(args) for row, args in rows)
        or any(row.exclusive(args) for row, args in rows_of_expect),
    )
