"""The part of the control API's document about faults: made from the tables of kinds and parameters."""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.fault_kinds import FaultKind, Param
from coinslot_contracts.vocabulary import FAULT_PRESETS

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    ANY_OBJECT,
    FLAG,
    HEADERS,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    between,
    explained,
    header_text,
    listed,
    named,
    nullable,
    ref,
    shape,
    text,
)
from coinslot_sandbox.control.schema import ID_CHARS_MAX, RAW_CHARS_MAX
from coinslot_sandbox.control.schema_faults import FAULT_TTL_S_MAX, NTH_ITEMS_MAX, TIMES_MAX, places

_TIMES: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": TIMES_MAX}
_LIMITS: Final[Mapping[str, Schema]] = {
    "times": _TIMES,
    "nth": {"anyOf": [_TIMES, {**listed(_TIMES), "minItems": 1, "maxItems": NTH_ITEMS_MAX}]},
    "probability": between(0, 1),
    "ttl_s": between(0, FAULT_TTL_S_MAX),
}
_FAULTS: Final = shape({"preset": TEXT, "seed": INTEGER, "faults": listed(ref("Fault"))})

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/faults",
        summary="Every fault that was not healed, and the preset that was laid last",
        answers={200: _FAULTS},
    ),
    Operation(
        method="post",
        path="/faults",
        summary="Let a fault act on an endpoint, on deliveries or on tokens from now on",
        body="FaultWish",
        answers={201: ref("Fault")},
    ),
    Operation(
        method="get",
        path="/faults/kinds",
        summary="What can be wrong, where, and with which parameters",
        answers={200: shape({"kinds": listed(ref("FaultKind"))})},
    ),
    Operation(
        method="post",
        path="/faults/preset",
        summary="Lay a preset's faults in the place of the last one's",
        body="FaultPreset",
        answers={200: _FAULTS},
    ),
    Operation(
        method="delete",
        path="/faults/{faultId}",
        summary="Heal a fault; what it holds up ends too",
        answers={200: ref("Fault")},
    ),
)


def requests(context: Context) -> Schema:
    """Schemas of bodies about faults."""
    alike: dict[str, tuple[Any, list[str]]] = {}
    for place, kinds in places(context).items():
        alike.setdefault(" ".join(kinds), (kinds, []))[1].append(place)
    wishes = [_wish(kinds, at) for kinds, at in alike.values()]
    return {
        "FaultWish": {"anyOf": wishes},
        "FaultPreset": shape({"preset": explained(FAULT_PRESETS)}),
    }


def resources() -> Schema:
    """Schemas of what we answer about faults."""
    param = {
        "name": TEXT,
        "form": TEXT,
        "says": TEXT,
        "choices": {"type": "array"},
        "default": {},
        "required": FLAG,
    }
    return {
        "Fault": shape(
            {
                "fault_id": TEXT,
                "at": TEXT,
                "order_id": nullable(TEXT),
                "with": ANY_OBJECT,
                "preset": nullable(TEXT),
                "fired": INTEGER,
                "seen": INTEGER,
                "left": nullable(INTEGER),
                "active": FLAG,
                "ends_at_s": nullable(NUMBER),
            }
        ),
        "FaultKind": shape(
            {
                "kind": TEXT,
                "says": TEXT,
                "short": nullable(TEXT),
                "at": listed(TEXT),
                "params": listed(shape(param)),
            }
        ),
    }


def _wish(kinds: Mapping[str, FaultKind], at: list[str]) -> Schema:
    """A fault at one of these places, which can do these kinds."""
    forms = [_kind(name, kind) for name, kind in kinds.items() if name != "answer"]
    given = {"anyOf": [*(_answers() if "answer" in kinds else ()), *forms]}
    return shape(
        {"at": named(at), "order": nullable(text(ID_CHARS_MAX)), "with": given}, required=("at", "with")
    )


def _answers() -> list[Schema]:
    status = {"type": "integer", "minimum": 200, "maximum": 599}
    body = {"type": "string", "maxLength": RAW_CHARS_MAX}
    return [
        shape({"answer": status, "headers": HEADERS, "body": body, **_LIMITS}, required=("answer",)),
        shape({"answer": status, "headers": HEADERS, "json": {}, **_LIMITS}, required=("json",)),
    ]


def _kind(name: str, kind: FaultKind) -> Schema:
    values: list[Schema] = []
    if not any(param.required for param in kind.params.values()) and not kind.one_of:
        values.append({"const": True})
    if kind.short is not None:
        values.append(_param(kind.params[kind.short]))
    params = {item: _param(param) for item, param in kind.params.items()}
    if kind.one_of:
        rest = {item: schema for item, schema in params.items() if item not in kind.one_of}
        values += [shape({item: params[item], **rest}, required=(item,)) for item in kind.one_of]
    elif params:
        needed = [item for item, param in kind.params.items() if param.required]
        values.append(shape(params, required=needed))
    value = {**(values[0] if len(values) == 1 else {"anyOf": values}), "description": kind.says}
    return shape({name: value, **_LIMITS}, required=(name,))


def _param(param: Param) -> Schema:
    described = {"description": param.says} if param.says else {}
    return {**_form(param), **described}


def _form(param: Param) -> Schema:
    if param.form == "integer":
        return {"type": "integer", "minimum": int(param.least), "maximum": int(param.most)}
    if param.form == "number":
        return between(param.least, param.most)
    if param.form == "flag":
        return FLAG
    if param.form == "url":
        return {**text(int(param.most)), "pattern": "^https?://[!-~]+$"}
    if param.form == "text":
        return text(int(param.most))
    if param.form == "header":
        return header_text(int(param.least), int(param.most))
    if param.form == "choice":
        return {"enum": list(param.choices)}
    if param.form == "choices":
        return {**listed(named(param.choices)), "maxItems": len(param.choices)}
    if param.form == "numbers":
        return {**listed(between(param.least, param.most)), "minItems": 2, "maxItems": 2}
    return shape({item: _param(known) for item, known in param.members.items()})
