"""The bridge from pydantic models to problems at file:line:col in plain words.

Files that people write are validated with strict pydantic models; a text that holds a template passes any
type, because it is validated again when its value is known. No model of a verb or a profile lives here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, WrapValidator
from pydantic_core import ErrorDetails

from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.problems import Place, Problem, closest, unknown
from coinslot_scenarios.templates import has_template
from coinslot_scenarios.yamldoc import Document, Path_


class Shape(BaseModel):
    """Base of every written thing: strict types, no unknown keys, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


def _pass_template(value: Any, handler: Any) -> Any:
    return value if has_template(value) else handler(value)


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a duration: 250ms, 2s, 1m or 1h")
    parse_duration(value)
    return value


def _count(value: int) -> int:
    if not 0 <= value <= 10_000:
        raise ValueError("must be from 0 to 10000")
    return value


Count = Annotated[int, AfterValidator(_count), WrapValidator(_pass_template)]
Flag = Annotated[bool, WrapValidator(_pass_template)]
Number = Annotated[int | float, WrapValidator(_pass_template)]
Duration = Annotated[Any, WrapValidator(lambda value, _: value if has_template(value) else _duration(value))]


Templated = WrapValidator(_pass_template)
"""Annotates a type: a text that holds a template will do as well."""


def problems_of(
    error: ValidationError, model: type[BaseModel], document: Document, at: Path_
) -> list[Problem]:
    """The validation errors of a value that stands at `at` in the document, in plain words."""
    found = []
    details = error.errors(include_url=False)
    misspelt = {_meant(detail, model) for detail in details if detail["type"] == "extra_forbidden"}
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in misspelt:
            continue
        loc = tuple(part for part in detail["loc"] if _written(part))
        path = (*at, *loc)
        found.append(Problem(_place(detail, document, path), _sentence(detail, model, loc)))
    return found


def _meant(detail: ErrorDetails, model: type[BaseModel]) -> Path_:
    """The location of the key that an unknown key was probably meant to be."""
    *parent, word = detail["loc"]
    close = closest(str(word), known_keys(model, tuple(parent)))
    return (*parent, close or str(word))


def _written(part: str | int) -> bool:
    """Whether a step of pydantic's location is a key or index, not the name of a union's branch."""
    return isinstance(part, int) or not part.startswith(("function-", "list[", "dict[", "constrained-"))


def _place(detail: ErrorDetails, document: Document, path: Path_) -> Place:
    if detail["type"] == "missing":
        return document.place(path[:-1])
    if detail["type"] == "extra_forbidden":
        return document.place(path)
    return document.value_place(path)


_TYPES: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "none_required": "must be null",
    "too_short": "must not be empty",
}


def _sentence(detail: ErrorDetails, model: type[BaseModel], loc: Path_) -> str:
    name = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    kind = detail["type"]
    if kind == "extra_forbidden":
        return unknown("key", name, known_keys(model, loc[:-1]))
    if kind == "missing":
        return f"key '{name}' is missing"
    if kind == "literal_error":
        return unknown(f"value of '{name}':", str(detail["input"]), _choices(model, loc))
    if kind == "value_error":
        text = detail["msg"].removeprefix("Value error, ")
        return f"'{name}' {text}" if name and not text.startswith("unknown ") else text
    if kind in ("string_too_long", "string_too_short", "string_pattern_mismatch", "greater_than_equal"):
        return f"'{name}' {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return f"'{name}' {_TYPES.get(kind, detail['msg'].lower())}" if name else _TYPES.get(kind, detail["msg"])


def known_keys(model: type[BaseModel], loc: Path_) -> list[str]:
    """The keys that may stand at a location inside a model."""
    here: type[BaseModel] | None = model
    for part in loc:
        if here is None or isinstance(part, int):
            continue
        field = _field(here, part)
        here = None if field is None else _model_in(field.annotation)
    if here is None:
        return []
    return [field.alias or name for name, field in here.model_fields.items()]


def _choices(model: type[BaseModel], loc: Path_) -> list[str]:
    here: type[BaseModel] | None = model
    annotation: Any = None
    for part in loc:
        if isinstance(part, int) or here is None:
            continue
        field = _field(here, part)
        if field is None:
            return []
        annotation = field.annotation
        here = _model_in(annotation)
    return [str(choice) for choice in _literals(annotation)]


def _field(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [choice for part in get_args(annotation) for choice in _literals(part)]
