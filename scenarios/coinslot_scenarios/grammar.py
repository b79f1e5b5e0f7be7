"""The grammar of one document: keys of the file, of a step and of an assertion, dispatched by verb by hand.

Verbs and assertions come from their tables; each brings the shape of its own arguments. Every mistake becomes
a Problem at its place, and reading goes on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from coinslot_scenarios.kinds import AssertionKind, Verb, assertions, verbs
from coinslot_scenarios.model import FORMAT, Assertion, Step
from coinslot_scenarios.problems import Problem, closest, unknown
from coinslot_scenarios.shapes import Shape, known_keys, problems_of
from coinslot_scenarios.yamldoc import Document, Path_

_CASE_NAME = re.compile(r"[a-z0-9-]+")
_ID = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d+[a-z]?")
_STEP_KEYS = ("as", "expect", "note", "control", "reason")
LATER_VERBS = ("do", "restart", "clock", "together")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _id(value: Any) -> Any:
    if isinstance(value, str) and not _ID.fullmatch(value):
        raise ValueError("must look like AREA-TOPIC-01")
    return value


def _case(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("holds a row without a name")
    if not _CASE_NAME.fullmatch(value["name"]):
        raise ValueError(f"holds the name '{value['name']}': use a-z, 0-9 and - alone")
    return value


Words = Annotated[list[str], BeforeValidator(_one_or_many)]


class ScenarioShape(Shape):
    """One document; steps are read apart, verb by verb."""

    coinslot: int
    id: Annotated[str, BeforeValidator(_id)]
    title: Annotated[str, Field(max_length=100)]
    clause: Annotated[list[str], BeforeValidator(_one_or_many), Field(min_length=1)]
    level: Literal["must", "should", "info"] = "must"
    needs: Words = Field(default_factory=list)
    tags: Words = Field(default_factory=list)
    why: str = ""
    fix: str = ""
    catches: Words = Field(default_factory=list)
    let: dict[str, Any] = Field(default_factory=dict)
    cases: list[Annotated[dict[str, Any], BeforeValidator(_case)]] | None = None
    matrix: dict[str, list[Any]] | None = None
    steps: Annotated[list[Any], Field(min_length=1)]
    cleanup: list[Any] = Field(default_factory=list)


@dataclass(slots=True)
class Reader:
    """Reads the steps of one document with one case filled in; collects problems."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def report(self, path: Path_, message: str, *, value: bool = False) -> None:
        """Note a problem at a key, or at its value."""
        place = self.document.value_place(path) if value else self.document.place(path)
        self.problems.append(Problem(place, message))

    def scenario(self) -> ScenarioShape | None:
        """The document's own keys; None where they cannot be used."""
        value = self.document.value
        if not isinstance(value, dict):
            self.report((), "a scenario is a mapping that begins coinslot: 1")
            return None
        version = value.get("coinslot", FORMAT)
        if isinstance(version, int) and version != FORMAT:
            self.report(
                ("coinslot",), f"needs a coinslot that reads format {version}; this one reads 1", value=True
            )
            return None
        known = known_keys(ScenarioShape, ())
        strange = [key for key in value if key not in known]
        for key in strange:
            self.report((key,), unknown("key", key, known))
        before = len(self.problems)
        usable = {key: part for key, part in value.items() if key in known}
        shape: ScenarioShape | None = self.model(ScenarioShape, usable, ())
        misspelt = {f"key '{closest(key, known)}' is missing" for key in strange}
        self.problems[before:] = [one for one in self.problems[before:] if one.message not in misspelt]
        return shape

    def model(self, model: type[BaseModel], value: Any, at: Path_) -> Any:
        """A validated value; None, and problems, where it is wrong."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += problems_of(error, model, self.document, at)
            return None

    def steps(self, values: Any, at: Path_) -> tuple[Step, ...]:
        """Every step that can be read."""
        if not isinstance(values, list):
            self.report(at, f"'{at[-1]}' must be a list of steps", value=True)
            return ()
        found = (self.step(value, (*at, index)) for index, value in enumerate(values))
        return tuple(step for step in found if step is not None)

    def step(self, value: Any, at: Path_) -> Step | None:
        """One step: exactly one verb, and what any step may have."""
        if not isinstance(value, dict):
            self.report(at, "a step is a mapping with one verb", value=True)
            return None
        verb = self._verb(value, at)
        if verb is None:
            return None
        raw = value.get(verb.name, {}) if verb.name != "expect" else {}
        args = self._args(verb, raw, (*at, verb.name))
        expect = self._expect(value.get("expect", []), (*at, "expect"))
        if verb.judges and not expect:
            self.report((*at, verb.name), f"'{verb.name}' needs 'expect'")
        return self._built(verb, value, args, expect, at) if args is not None else None

    def _verb(self, value: Mapping[str, Any], at: Path_) -> Verb | None:
        named = [key for key in value if key in verbs() and key != "expect"]
        strange = [key for key in value if key not in verbs() and key not in _STEP_KEYS]
        if len(named) == 1 or (not named and not strange and "expect" in value):
            for key in strange:
                self.report((*at, key), unknown("key", key, _STEP_KEYS))
            return verbs()[named[0] if named else "expect"]
        if len(named) > 1:
            self.report((*at, named[1]), f"one step has two verbs: '{named[0]}' and '{named[1]}'")
        elif strange:
            self.report((*at, strange[0]), _no_verb(strange[0]))
        else:
            self.report(at, "a step needs a verb", value=True)
        return None

    def _args(self, verb: Verb, raw: Any, at: Path_) -> Any:
        return self.model(verb.args, expanded(verb, raw), at)

    def _built(
        self, verb: Verb, value: Mapping[str, Any], args: Any, expect: tuple[Assertion, ...], at: Path_
    ) -> Step | None:
        shape = self.model(
            _StepShape, {key: value[key] for key in ("as", *_STEP_KEYS[2:]) if key in value}, at
        )
        if shape is None:
            return None
        if shape.control == "off" and not shape.reason.strip():
            self.report((*at, "control"), "'control: off' needs a 'reason'")
        raw = {} if verb.name == "expect" else expanded(verb, value.get(verb.name, {}))
        return Step(
            verb=verb.name,
            raw=raw,
            args=args,
            name=shape.as_,
            expect=expect,
            note=shape.note,
            control=shape.control,
            place=self.document.place((*at, verb.name)),
        )

    def _expect(self, values: Any, at: Path_) -> tuple[Assertion, ...]:
        if not isinstance(values, list):
            self.report(at, "'expect' must be a list of assertions", value=True)
            return ()
        found = (self._assertion(value, (*at, index)) for index, value in enumerate(values))
        return tuple(one for one in found if one is not None)

    def _assertion(self, value: Any, at: Path_) -> Assertion | None:
        if not isinstance(value, dict):
            self.report(at, "an assertion is a mapping", value=True)
            return None
        kind = next((kind for name, kind in assertions().items() if name in value), None)
        if kind is None:
            first = next(iter(value), "")
            self.report((*at, first), unknown("assertion", str(first), assertions()))
            return None
        args = self.model(kind.args, value, at)
        if args is None:
            return None
        place = self.document.place((*at, kind.name))
        return Assertion(kind=kind.name, raw=value, args=args, level=args.level, place=place)


class _StepShape(Shape):
    as_: str | None = Field(default=None, alias="as")
    note: str = ""
    control: Literal["around", "after", "off"] = "around"
    reason: str = ""


def expanded(verb: Verb, raw: Any) -> Any:
    """`heal: outage` as `heal: {fault: outage}`; `sync:` alone as `sync: {}`."""
    if raw is None:
        return {}
    return {verb.shorthand: raw} if verb.shorthand and not isinstance(raw, dict) else raw


def _no_verb(word: str) -> str:
    if word in LATER_VERBS:
        return f"verb '{word}' needs a later version of coinslot"
    return unknown("verb", word, verbs())


def entity_uses(row: Verb | AssertionKind, raw: Mapping[str, Any]) -> Iterable[tuple[str, str, Any]]:
    """(member, kind of entity, name) for everything that arguments refer to."""
    return [(member, kind, raw[member]) for member, kind in row.uses.items() if raw.get(member) is not None]
