"""YAML as it is safe to write checks in: values with the place of every key, and no surprises.

YAML 1.2 booleans only (`no` and `on` stay text), duplicate keys, merge keys, tags and recursive anchors are
refused, anchors are allowed. PyYAML composes the nodes, from libyaml's events where it has them; values and
places are built here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coinslot_scenarios.problems import Place, Problem

NODES_MAX = 100_000
BYTES_MAX = 2_000_000
Path_ = tuple[str | int, ...]
_PREFIX = "tag:yaml.org,2002:"
_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    value    plain dict, list, str, int, float, bool and None
    places   path -> place of the value; of a member, the place of its key
    """

    file: str
    value: Any
    places: Mapping[Path_, Place] = field(repr=False)
    values: Mapping[Path_, Place] = field(repr=False)

    def place(self, path: Path_) -> Place:
        """The place of this path, or of the nearest part of it that was written."""
        return _nearest(self.places, path, self.file)

    def value_place(self, path: Path_) -> Place:
        """The place of the value at this path (behind its key), or of the nearest part that was written."""
        return _nearest(self.values, path, self.file)


def _nearest(places: Mapping[Path_, Place], path: Path_, file: str) -> Place:
    for length in range(len(path), -1, -1):
        if path[:length] in places:
            return places[path[:length]]
    return Place(file)


class _Composing:
    """Composes with the scalars of YAML 1.2, and remembers explicit tags; a base before PyYAML's own."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape
    tags: list[tuple[Any, str]]

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[attr-defined]
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.tags.append((event.start_mark, tag))
        return super().compose_node(parent, index)  # type: ignore[misc]


class _Loader(_Composing, yaml.SafeLoader):
    """PyYAML alone."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.tags = []


for _name, _pattern, _first in _SCALARS:
    for _character in _first:
        _Composing.yaml_implicit_resolvers.setdefault("" if _character == "\0" else _character, []).append(
            (_PREFIX + _name, re.compile(rf"(?:{_pattern})\Z"))
        )


def _fast_loader() -> type[Any]:
    """The same on the events of libyaml, which takes a fifth of the time; `_Loader` where it is missing."""
    if not yaml.__with_libyaml__:
        return _Loader
    from yaml.composer import Composer
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
    from yaml.resolver import Resolver

    class Fast(_Composing, Composer, CParser, Resolver):
        """Composer first: libyaml's own composing would pass `compose_node` by."""

        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            Composer.__init__(self)
            Resolver.__init__(self)
            self.tags = []

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if isinstance(event, yaml.ScalarEvent) and not event.value and event.implicit[0]:
                raise yaml.YAMLError("the two place a value that was left out differently")
            return super().compose_node(parent, index)

    return Fast


_FastLoader = _fast_loader()


def read_documents(path: Path, *, shown_as: str | None = None) -> tuple[list[Document], list[Problem]]:
    """Every document of a file that can be read, and every problem, an unreadable file included."""
    file = shown_as or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        return [], [Problem(Place(file), f"cannot be read: {reason}")]
    if len(raw) > BYTES_MAX:
        return [], [Problem(Place(file), f"is larger than {BYTES_MAX} bytes")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Problem(Place(file), "is not UTF-8")]
    return parse_documents(text, file=file)


def parse_documents(text: str, *, file: str) -> tuple[list[Document], list[Problem]]:
    """Every document of a text that can be read, and every problem.

    What libyaml refuses is read again without it: a mistake has one name on every machine.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        _read_all(_FastLoader(text), file, documents, problems)
    except (yaml.YAMLError, RecursionError):
        return _parse_alone(text, file)
    return documents, problems


def _parse_alone(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return [], [Problem(Place(file, line, 1), "holds a character that YAML forbids")]
    try:
        _read_all(loader, file, documents, problems)
    except yaml.MarkedYAMLError as error:
        problems += [_syntax(error, file), *_tagged(loader, file)]
    except RecursionError:
        problems += [Problem(Place(file), "is nested too deep"), *_tagged(loader, file)]
    return documents, problems


def _read_all(loader: Any, file: str, documents: list[Document], problems: list[Problem]) -> None:
    while loader.check_node():
        builder = _Builder(file, problems)
        node = loader.get_node()
        documents.append(Document(file, builder.build(node, ()), builder.places, builder.values))
    problems += _tagged(loader, file)


def _tagged(loader: Any, file: str) -> list[Problem]:
    return [
        Problem(_place(file, mark), f"tag '{tag}' is not allowed: checks are plain data")
        for mark, tag in loader.tags
    ]


def _syntax(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    return Problem(_place(file, mark), f"is not YAML: {error.problem or error.context}")


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


class _Builder:
    """Turns one document's nodes into values and places."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.places: dict[Path_, Place] = {}
        self.values: dict[Path_, Place] = {}
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Any, path: Path_) -> Any:
        place = _place(self.file, node.start_mark)
        self.places.setdefault(path, place)
        self.values.setdefault(path, place)
        self._count += 1
        if self._count > NODES_MAX:
            raise yaml.MarkedYAMLError(problem=f"more than {NODES_MAX} values", problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._open:
            self.problems.append(Problem(place, "an anchor holds itself"))
            return None
        self._open.add(id(node))
        built = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        self._open.discard(id(node))
        return built

    def _list(self, node: Any, path: Path_) -> list[Any]:
        return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(self.file, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, "a key must be text"))
                continue
            key = str(key_node.value)
            if key == "<<" and not key_node.style:
                self.problems.append(Problem(place, "merge key '<<' is not allowed: write the members out"))
                continue
            if key in built:
                self.problems.append(Problem(place, f"key '{key}' is given twice"))
                continue
            self.places.setdefault((*path, key), place)
            built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: Any, place: Place) -> Any:
        kind = node.tag.removeprefix(_PREFIX)
        text = node.value
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        if kind == "int":
            return self._int(text, place)
        return float(text) if kind == "float" else text

    def _int(self, text: str, place: Place) -> int:
        if text[:2] in ("0o", "0x"):
            return int(text[2:], 8 if text[1] == "o" else 16)
        if len(text) > 40:
            self.problems.append(Problem(place, "a number has too many digits: quote it"))
            return 0
        return int(text, 10)
