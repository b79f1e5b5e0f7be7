"""Bundles of faults by name: what a preset lays, the same for the same seed.

`hostile` draws its bundle from the seed over every place that the portals have; each fault then draws call by
call. The ids are the preset's own, so that what was set by hand before changes nothing.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from coinslot_contracts.delivery_kinds import DELIVERY_KINDS
from coinslot_contracts.fault_kinds import TRANSPORT_KINDS, FaultKind
from coinslot_contracts.portal import Endpoint, Portal

from coinslot_sandbox.faults import Fault
from coinslot_sandbox.ids import number_of

TRANSPORT_EACH: Final = 3
LIES_EACH: Final = 1
HOSTILE_SHARES: Final = (0.05, 0.1, 0.15)
_SLOW: Final = {"lognormal": {"median_s": 0.8, "sigma": 0.6, "max_s": 5.0}}
_HOSTILE_KINDS: Final[Mapping[str, Any]] = {
    "latency": _SLOW,
    "answer": 503,
    "hang": 5.0,
    "reset": True,
    "empty_reply": True,
    "garbage": True,
    "trickle": 2.0,
    "malformed_json": True,
    "truncated_body": True,
    "empty_body": True,
    "wrong_content_type": True,
    "bom": True,
    "gzip_garbage": True,
    "oversized": 2.0,
    "rate_limit": True,
}
_HOSTILE_DELIVERIES: Final[Mapping[str, tuple[Any, float]]] = {
    "duplicate": (True, 0.2),
    "reorder": (True, 0.1),
    "delay": (5.0, 0.1),
    "drop": ({"first": 1}, 0.1),
}
_REALISTIC_DELIVERIES: Final[Mapping[str, tuple[Any, float]]] = {
    "duplicate": (True, 0.02),
    "reorder": (True, 0.01),
}
REALISTIC_SLOW: Final = 0.05


def preset_faults(name: str, *, seed: int, portals: Mapping[str, Portal]) -> list[Fault]:
    """The faults of one of `vocabulary.FAULT_PRESETS`, oldest first."""
    endpoints = [endpoint for portal in portals.values() for endpoint in portal.endpoints]
    wanted: list[tuple[str, str, Any, float]] = []
    if name == "realistic":
        wanted += [(endpoint.name, "latency", _SLOW, REALISTIC_SLOW) for endpoint in endpoints]
        wanted += [("delivery", kind, *details) for kind, details in _REALISTIC_DELIVERIES.items()]
    elif name == "hostile":
        for endpoint in endpoints:
            wanted += _drawn(endpoint, Random(number_of(seed, name, endpoint.name)))  # noqa: S311 - repeatable
        wanted += [("delivery", kind, *details) for kind, details in _HOSTILE_DELIVERIES.items()]
    kinds = {endpoint.name: {**TRANSPORT_KINDS, **endpoint.lies} for endpoint in endpoints}
    kinds["delivery"] = dict(DELIVERY_KINDS)
    return [
        _fault(name, number, at, kind, kinds[at][kind], given, share)
        for number, (at, kind, given, share) in enumerate(wanted, start=1)
    ]


def _drawn(endpoint: Endpoint, chance: Random) -> list[tuple[str, str, Any, float]]:
    """Some of what can happen at an endpoint, each for a share of its calls."""
    kinds = chance.sample(list(_HOSTILE_KINDS), TRANSPORT_EACH)
    free = [kind for kind, lie in endpoint.lies.items() if not any(p.required for p in lie.params.values())]
    lies = chance.sample(free, min(LIES_EACH, len(free)))
    return [
        *((endpoint.name, kind, _HOSTILE_KINDS[kind], chance.choice(HOSTILE_SHARES)) for kind in kinds),
        *((endpoint.name, kind, True, chance.choice(HOSTILE_SHARES)) for kind in lies),
    ]


def _fault(preset: str, number: int, at: str, kind: str, known: FaultKind, given: Any, share: float) -> Fault:
    params = known.filled(given)
    if kind == "answer":
        params = {"status": given, "headers": (), "body": None}
    return Fault(
        fault_id=f"{preset}-{number:02d}",
        at=at,
        kind=kind,
        params=params,
        probability=share,
        preset=preset,
        spec={kind: given, "probability": share},
    )
