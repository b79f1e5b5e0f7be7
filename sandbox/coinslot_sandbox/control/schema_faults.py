"""What the calls about faults may say: places, kinds with their parameters, and when a fault acts.

Kinds and parameters are tables (`coinslot_contracts.fault_kinds`, and each endpoint's lies); nothing here
knows what a kind does, only which place can do it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.delivery_kinds import DELIVERY_KINDS
from coinslot_contracts.fault_kinds import TOKEN_KINDS, TRANSPORT_KINDS, FaultKind, Param
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.vocabulary import FAULT_LIMITS, FAULT_PRESETS

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, did_you_mean, invalid, unknown_name
from coinslot_sandbox.control.schema import ID_CHARS_MAX, RAW_CHARS_MAX, header_changes, is_header_value
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.faults import Fault

TIMES_MAX: Final = 1_000_000
NTH_ITEMS_MAX: Final = 1000
FAULT_TTL_S_MAX: Final = 10 * 366 * 86_400
ANSWERS: Final = ("answer", "headers", "body", "json")
_URL: Final = re.compile(r"https?://[!-~]+")
Kinds = Mapping[str, FaultKind]


def places(context: Context) -> dict[str, Kinds]:
    """Place -> the kinds that it can do."""
    found: dict[str, Kinds] = {
        endpoint.name: {**TRANSPORT_KINDS, **endpoint.lies}
        for portal in context.portals.values()
        for endpoint in portal.endpoints
    }
    return {**found, "delivery": DELIVERY_KINDS, "token": TOKEN_KINDS}


def parse_fault(body: Mapping[str, Any], context: Context, *, fault_id: str) -> Fault:
    """POST /faults."""
    members = Members(body, known=("at", "order", "with"))
    known = places(context)
    place = members.choice("at", known, code="endpoint-unknown")
    if place is None:
        raise members.missing("at")
    spec = members.table("with")
    if not spec:
        raise members.missing("with")
    kind, params = _kind_of(spec, place, known)
    limits = Members(
        {name: value for name, value in spec.items() if name in FAULT_LIMITS},
        known=tuple(FAULT_LIMITS),
        where="with",
    )
    return Fault(
        fault_id=fault_id,
        at=place,
        order_id=members.text("order", chars_max=ID_CHARS_MAX),
        kind=kind,
        params=params,
        times=limits.integer("times", least=1, most=TIMES_MAX),
        nth=_nth(limits),
        probability=limits.number("probability", least=0, most=1),
        ttl_s=limits.number("ttl_s", least=0, most=FAULT_TTL_S_MAX),
        spec=dict(spec),
    )


def parse_preset(body: Mapping[str, Any]) -> str:
    """POST /faults/preset: its name."""
    members = Members(body, known=("preset",))
    name = members.choice("preset", FAULT_PRESETS)
    if name is None:
        raise members.missing("preset")
    return name


def dump_kinds(context: Context) -> list[dict[str, Any]]:
    """Every kind, the places that can do it, and its parameters."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for place, kinds in places(context).items():
        for name, kind in kinds.items():
            shown: dict[str, Any] = {"kind": name, "says": kind.says, "short": kind.short, "at": []}
            params = [{"name": item, **_dump_param(param)} for item, param in kind.params.items()]
            same = found.setdefault((name, kind.says, *kind.params), {**shown, "params": params})
            same["at"].append(place)
    return list(found.values())


def _dump_param(param: Param) -> dict[str, Any]:
    return {
        "form": param.form,
        "says": param.says,
        "choices": list(param.choices),
        "default": list(param.default) if isinstance(param.default, tuple) else param.default,
        "required": param.required,
    }


def _nth(limits: Members) -> tuple[int, ...]:
    given = limits.any("nth")
    if given is None:
        return ()
    numbers = given if isinstance(given, list) else [given]
    if not 0 < len(numbers) <= NTH_ITEMS_MAX or not all(map(_is_place_in_line, numbers)):
        raise limits.wrong("nth", f"a whole number from 1 to {TIMES_MAX}, or a list of such")
    return tuple(sorted(set(numbers)))


def _is_place_in_line(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= TIMES_MAX


def _kind_of(spec: Mapping[str, Any], place: str, known: Mapping[str, Kinds]) -> tuple[str, dict[str, Any]]:
    """The kind that a fault's `with` names, and its parameters."""
    given = {
        name: value
        for name, value in spec.items()
        if name not in FAULT_LIMITS and (value is not None or name == "json")
    }
    kinds = known[place]
    for name in given:
        _check_kind(name, place, known)
    if given and set(given) <= set(ANSWERS):
        return "answer", _answer(given)
    wanted = {name: value for name, value in given.items() if value is not False}
    if len(wanted) != 1:
        raise invalid("with", f"one kind of fault, such as {', '.join(list(kinds)[:4])}")
    ((name, value),) = wanted.items()
    return name, kind_params(name, value, kinds[name])


def _check_kind(name: str, place: str, known: Mapping[str, Kinds]) -> None:
    here = _names(known[place])
    if name in here:
        return
    elsewhere = [other for other, kinds in known.items() if name in _names(kinds)]
    if elsewhere:
        raise Problem(
            400,
            "fault-kind-inapplicable",
            f"{name} cannot happen at {place}",
            remedy=f"it can at {', '.join(elsewhere)}; {place} can do {', '.join(here)}",
        )
    near = did_you_mean(name, [*here, *FAULT_LIMITS])
    everything = [kind for kinds in known.values() for kind in _names(kinds)]
    raise Problem(
        400,
        "field-unknown",
        f"there is no kind of fault {name if len(name) <= 40 else name[:40] + '…'}",
        remedy=near or did_you_mean(name, everything) or f"{place} can do {', '.join(here)}",
    )


def _names(kinds: Kinds) -> list[str]:
    return [*kinds, *(ANSWERS[1:] if "answer" in kinds else ())]


def _answer(given: Mapping[str, Any]) -> dict[str, Any]:
    members = Members(given, known=ANSWERS, where="with")
    if members.has("json") and members.has("body"):
        raise members.wrong("body", "left out where json is given")
    text = members.text("body", chars_max=RAW_CHARS_MAX, chars_min=0, lines=True)
    body = (
        dump_compact(members.any("json"))
        if members.has("json")
        else text.encode()
        if text is not None
        else None
    )
    headers = tuple((name, value) for name, value in header_changes(members).items() if value is not None)
    status = members.integer("answer", least=200, most=599)
    if status is None and body is None and not headers:
        raise invalid("with", "an answer, headers, body or json that says something")
    return {"status": status, "headers": headers, "body": body}


def kind_params(name: str, value: Any, kind: FaultKind) -> dict[str, Any]:
    """The kind's parameters by name, each as given or its default."""
    where = f"with.{name}"
    if isinstance(value, dict):
        given = value
    elif value is True:
        given = {}
    elif kind.short is None:
        raise invalid(where, "true, or an object of its parameters")
    else:
        given = {kind.short: value}
    members = Members(given, known=tuple(kind.params), where=where)
    if kind.one_of and sum(members.any(item) is not None for item in kind.one_of) != 1:
        raise invalid(where, f"one of {', '.join(kind.one_of)}")
    return {item: _param(members, item, param) for item, param in kind.params.items()}


def _param(members: Members, name: str, param: Param) -> Any:
    value = _read(members, name, param)
    if value is None and param.required:
        raise members.missing(name)
    return param.default if value is None else value


def _read(members: Members, name: str, param: Param) -> Any:
    if param.form == "integer":
        return members.integer(name, least=int(param.least), most=int(param.most))
    if param.form == "number":
        return members.number(name, least=param.least, most=param.most)
    if param.form == "flag":
        return members.flag(name)
    if param.form in ("text", "header"):
        return _text(members, name, param)
    if param.form == "choice":
        return _choice(members, name, param)
    if param.form == "choices":
        return _choices(members, name, param)
    if param.form == "numbers":
        return _numbers(members, name, param)
    return _url(members, name, param) if param.form == "url" else _table(members, name, param)


def _text(members: Members, name: str, param: Param) -> str | None:
    value = members.text(name, chars_min=int(param.least), chars_max=int(param.most))
    if param.form == "header" and value is not None and not is_header_value(value):
        raise members.wrong(name, "a string of Latin-1 characters without line breaks")
    return value


def _url(members: Members, name: str, param: Param) -> str | None:
    url = members.text(name, chars_max=int(param.most))
    if url is not None and not _URL.fullmatch(url):
        raise members.wrong(name, "an address that begins with http:// or https://")
    return url


def _table(members: Members, name: str, param: Param) -> dict[str, Any] | None:
    given = members.table(name)
    if given is None:
        return None
    inside = Members(given, known=tuple(param.members), where=f"with.{name}")
    return {item: _param(inside, item, known) for item, known in param.members.items()}


def _choice(members: Members, name: str, param: Param) -> Any:
    value = members.any(name)
    if value is None or (value in param.choices and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and all(isinstance(item, str) for item in param.choices):
        raise unknown_name(f"with.{name}", value, param.choices)
    raise members.wrong(name, f"one of {', '.join(map(str, param.choices))}")


def _choices(members: Members, name: str, param: Param) -> tuple[str, ...] | None:
    given = members.texts(name, items_max=len(param.choices))
    for item in given or ():
        if item not in param.choices:
            raise unknown_name(f"with.{name}", item, param.choices)
    return given


def _numbers(members: Members, name: str, param: Param) -> tuple[float, float] | None:
    given = members.any(name)
    if given is None:
        return None
    if isinstance(given, list) and len(given) == 2:
        pair = Members({"least": given[0], "most": given[1]}, known=("least", "most"), where=f"with.{name}")
        least = pair.number("least", least=param.least, most=param.most)
        most = pair.number("most", least=param.least, most=param.most)
        if least is not None and most is not None and least <= most:
            return least, most
    raise members.wrong(name, f"two numbers from {param.least:g} to {param.most:g}, the smaller first")
