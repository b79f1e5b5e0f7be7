"""Kinds of misdelivery and their parameters, as tables, for the API, its document and the scenarios' loader.

Some are about what is sent (`SENDING_KINDS`), and can be asked of a hand-made callback or a resend too; the
others are about when and how often the schedule sends. Kinds about one and the same thing exclude each other.
"""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.fault_kinds import FaultKind, Param
from coinslot_contracts.vocabulary import (
    ENCODINGS,
    FIELD_SHAPES,
    MISDELIVERIES,
    SIGNATURE_DEFECTS,
    WRONG_KEYS,
)

DAYS_MAX: Final = 10_000.0
WAIT_S_MAX: Final = 31 * 86_400.0
COPIES_MAX: Final = 200
CHUNK_BYTES_MAX: Final = 1_048_576


def _kind(name: str, short: str | None = None, **params: Param) -> FaultKind:
    return FaultKind(says=MISDELIVERIES[name], params=params, short=short)


def _copies(default: int = 2) -> Param:
    return Param(form="integer", least=1, most=COPIES_MAX, default=default, says="copies in all")


def _seconds(default: float, most: float, says: str = "") -> Param:
    return Param(form="number", least=0, most=most, default=default, says=says)


def _choice(names: tuple[str, ...], default: str | None = None, says: str = "") -> Param:
    return Param(form="choice", choices=names, default=default, required=default is None, says=says)


_DEFECTS: Final = tuple(name for name in SIGNATURE_DEFECTS if name != "valid")
_RESPELLED: Final = tuple(name for name in ENCODINGS if name not in ("compact", "gzip"))
_LIMIT_S: Final = "schedule time, after which it comes in any case"

SENDING_KINDS: Final[Mapping[str, FaultKind]] = {
    "burst": _kind("burst", "copies", copies=_copies()),
    "keep_alive": _kind("keep_alive", "copies", copies=_copies()),
    "timeout_then_retry": _kind(
        "timeout_then_retry", "for_s", for_s=Param(form="number", least=0.05, most=120, default=1.0)
    ),
    "cut_response": _kind("cut_response"),
    "corrupt_signature": _kind("corrupt_signature", "how", how=_choice(_DEFECTS, "flipped")),
    "wrong_key": _kind("wrong_key", "which", which=_choice(tuple(WRONG_KEYS), "other")),
    "altered": _kind("altered", "encode", encode=_choice(tuple(ENCODINGS), "indented")),
    "resigned_mismatch": _kind("resigned_mismatch", "encode", encode=_choice(_RESPELLED, "spaced")),
    "tampered_field": _kind(
        "tampered_field", "field", field=Param(form="text", least=1, most=255, required=True)
    ),
    "cross_game": _kind(
        "cross_game", "game", game=Param(form="text", least=1, most=64, says="any other where it is left out")
    ),
    "field_shape": _kind("field_shape", "shape", shape=_choice(tuple(FIELD_SHAPES))),
    "wrong_content_type": _kind(
        "wrong_content_type", "value", value=Param(form="header", least=0, most=255, default="text/plain")
    ),
    "chunked": _kind(
        "chunked", "bytes", bytes=Param(form="integer", least=1, most=CHUNK_BYTES_MAX, default=16)
    ),
    "expect_100": _kind("expect_100"),
    "gzip": _kind("gzip", "signed", signed=_choice(("sent", "plain"), "sent")),
    "trickle": _kind("trickle", "for_s", for_s=_seconds(1.0, 60)),
    "replay_old": _kind("replay_old", "days", days=Param(form="number", least=0, most=DAYS_MAX, default=30)),
    "reflection": _kind("reflection", "of", of=_choice(("arrived", "orders"), "arrived")),
}
"""What a notification can look like on the wire."""

DELIVERY_KINDS: Final[Mapping[str, FaultKind]] = {
    **SENDING_KINDS,
    "duplicate": _kind(
        "duplicate",
        "copies",
        copies=_copies(),
        gap_s=_seconds(0.0, WAIT_S_MAX, "schedule time between two"),
        mode=_choice(("exact", "rebuild"), "exact"),
    ),
    "reorder": _kind(
        "reorder",
        "after",
        after=_choice(("order", "kind"), "order"),
        for_s=_seconds(60.0, WAIT_S_MAX, _LIMIT_S),
    ),
    "refund_before_pay": _kind("refund_before_pay", "for_s", for_s=_seconds(3600.0, WAIT_S_MAX, _LIMIT_S)),
    "pay_after_refund": _kind("pay_after_refund", "gap_s", gap_s=_seconds(0.0, WAIT_S_MAX)),
    "refund_twice": _kind("refund_twice", "gap_s", gap_s=_seconds(0.0, WAIT_S_MAX)),
    "delay": _kind(
        "delay",
        "for_s",
        for_s=_seconds(60.0, WAIT_S_MAX, "schedule time; with until: at most so long"),
        until=Param(form="choice", choices=("arrived",)),
    ),
    "drop": _kind(
        "drop",
        "first",
        first=Param(form="integer", least=1, most=1000, says="attempts of each delivery; all where left out"),
    ),
}
"""What can happen to a notification on its way."""

EXCLUSIVE: Final[tuple[tuple[str, ...], ...]] = (
    ("field_shape", "altered", "replay_old", "reflection"),
    ("corrupt_signature", "wrong_key"),
    ("tampered_field", "resigned_mismatch", "gzip"),
    ("burst", "keep_alive", "timeout_then_retry"),
)
"""Of each of these groups a sending can have one."""


def clash(kinds: Mapping[str, Any]) -> tuple[str, ...]:
    """The first kinds among these that exclude each other, () where none do."""
    for group in EXCLUSIVE:
        given = tuple(name for name in group if name in kinds)
        if len(given) > 1:
            return given
    return ()
