"""Kinds of faults and their parameters, as tables: API, its document and the scenarios' loader read these.

A kind is written as `{kind: {param: value}}`, as `{kind: value}` for its short parameter, or `{kind: true}`
for its defaults. Kinds that lie in a portal's own terms are the portal's (`Endpoint.lies`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from coinslot_contracts.vocabulary import FAULT_KINDS, HOSTILE_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a kind.

    form     "numbers" is a list of two numbers, the smaller first; "choices" a list of names; "table" an
             object of `members`; "header" a text that can be a header's value (RFC 9110, 5.5): Latin-1
    least, most   bounds of a number, or of a text's length
    choices  the names that it may be
    default  taken where it is left out; where `required`, it may not be left out
    """

    form: Literal[
        "integer", "number", "numbers", "flag", "text", "header", "url", "choice", "choices", "table"
    ]
    least: float = 0
    most: float = 0
    choices: tuple[Any, ...] = ()
    default: Any = None
    required: bool = False
    members: Mapping[str, "Param"] = field(default_factory=dict)
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """What a fault can be.

    short    the parameter that is meant where the kind is given a bare value
    one_of   exactly one of these parameters is given
    """

    says: str
    params: Mapping[str, Param] = field(default_factory=dict)
    short: str | None = None
    one_of: tuple[str, ...] = ()

    def filled(self, given: Any) -> dict[str, Any]:
        """Every parameter with its value or its default; `given` is an object, a bare value or true."""
        by_name = given if isinstance(given, dict) else {} if given is True else {self.short: given}
        return {name: by_name.get(name, param.default) for name, param in self.params.items()}


class LieCase(Protocol):
    """What a lie may ask about the call that it is told to."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The kind's parameters by name."""
        ...

    @property
    def seen_of_order(self) -> int:
        """How many calls about this order have matched the fault, this one included."""
        ...

    @property
    def since_s(self) -> float:
        """Seconds of the schedule's time since the fault was set."""
        ...


def _kind(name: str, **details: Any) -> FaultKind:
    return FaultKind(says=FAULT_KINDS[name], **details)


def _count(default: int, most: int, says: str = "") -> Param:
    return Param(form="integer", least=1, most=most, default=default, says=says)


def _choice(*names: str, says: str = "") -> Param:
    return Param(form="choice", choices=names, default=names[0], says=says)


def _seconds(default: float | None = None, *, most: float = 600, says: str = "") -> Param:
    return Param(form="number", least=0, most=most, default=default, says=says)


_HANDLED: Final = Param(form="flag", default=False, says="the portal has taken the call in all the same")
_WHEN: Final = _choice("before_headers", "mid_body")

TRANSPORT_KINDS: Final[Mapping[str, FaultKind]] = {
    "answer": _kind(
        "answer", params={"status": Param(form="integer", least=200, most=599, required=True)}, short="status"
    ),
    "latency": _kind(
        "latency",
        params={
            "fixed_s": _seconds(),
            "uniform": Param(form="numbers", least=0, most=600, says="[least, most] seconds"),
            "lognormal": Param(
                form="table",
                members={
                    "median_s": Param(form="number", least=0.001, most=600, required=True),
                    "sigma": Param(form="number", least=0, most=5, default=0.5),
                    "max_s": Param(form="number", least=0, most=600, default=60.0),
                },
            ),
        },
        short="fixed_s",
        one_of=("fixed_s", "uniform", "lognormal"),
    ),
    "hang": _kind("hang", params={"for_s": _seconds(30.0), "handled": _HANDLED}, short="for_s"),
    "reset": _kind("reset", params={"when": _WHEN, "handled": _HANDLED}, short="when"),
    "empty_reply": _kind("empty_reply", params={"handled": _HANDLED}),
    "garbage": _kind("garbage", params={"bytes": _count(64, 65_536)}, short="bytes"),
    "trickle": _kind(
        "trickle",
        params={
            "for_s": _seconds(says="the whole body takes so long"),
            "bytes_per_s": Param(form="number", least=0.1, most=1_000_000),
            "pause_s": _seconds(most=60, says="between two bytes"),
        },
        short="for_s",
        one_of=("for_s", "bytes_per_s", "pause_s"),
    ),
    "malformed_json": _kind(
        "malformed_json",
        params={"fraction": Param(form="number", least=0, most=0.99, default=0.5)},
        short="fraction",
    ),
    "truncated_body": _kind(
        "truncated_body",
        params={"fraction": Param(form="number", least=0, most=0.99, default=0.5)},
        short="fraction",
    ),
    "empty_body": _kind("empty_body"),
    "wrong_content_type": _kind("wrong_content_type"),
    "bom": _kind("bom"),
    "gzip": _kind("gzip"),
    "gzip_garbage": _kind("gzip_garbage"),
    "oversized": _kind(
        "oversized", params={"mib": Param(form="number", least=0.01, most=64, default=8.0)}, short="mib"
    ),
    "redirect": _kind(
        "redirect",
        params={
            "to": Param(form="url", most=2048, default="http://redirected.invalid"),
            "status": Param(form="choice", choices=(301, 302, 303, 307, 308), default=301),
        },
        short="to",
    ),
    "rate_limit": _kind(
        "rate_limit",
        params={
            "n": Param(form="integer", least=0, most=1_000_000, default=5),
            "window_s": Param(form="number", least=0.1, most=86_400, default=1.0),
        },
        short="n",
    ),
}
"""What can happen at every endpoint of every portal."""

TOKEN_KINDS: Final[Mapping[str, FaultKind]] = {
    "hostile": _kind(
        "hostile",
        params={"name": Param(form="choice", choices=tuple(HOSTILE_TOKENS), required=True)},
        short="name",
    ),
}
"""What can be wrong with the tokens that are minted next."""
