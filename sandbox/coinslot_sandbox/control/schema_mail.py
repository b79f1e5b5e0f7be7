"""What the calls about deliveries and hand-made callbacks may say: one parse function for each body.

Kinds of misdelivery and their parameters are tables (`coinslot_contracts.delivery_kinds`), the same for a
fault, a hand-made callback and a resend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from coinslot_contracts.delivery_kinds import DELIVERY_KINDS, SENDING_KINDS, clash
from coinslot_contracts.vocabulary import ENCODINGS, SIGNATURE_DEFECTS

from coinslot_sandbox.control.call import Call, choice, moment
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, invalid, unknown_name
from coinslot_sandbox.control.schema import (
    COPIES_MAX,
    ID_CHARS_MAX,
    RAW_CHARS_MAX,
    TIMEOUT_S,
    callback_url,
    header_changes,
)
from coinslot_sandbox.control.schema_faults import kind_params
from coinslot_sandbox.delivery.handmade import HandmadeWish
from coinslot_sandbox.delivery.letters import Wrongs
from coinslot_sandbox.delivery.resend import ResendWish
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.store.post import DeliveryFilter

STATES: Final = ("pending", "delivered", "failed", "lost", "cancelled")
KINDS: Final = ("pay", "refund")
RESEND_MODES: Final = ("exact", "rebuild")
MOMENT_S_MAX: Final = 32_503_680_000
_REPEATS: Final = ("burst", "keep_alive", "timeout_then_retry")
_BODIES: Final = ("field_shape", "altered", "replay_old", "reflection")
_SIGNATURES: Final = ("corrupt_signature", "wrong_key")


def parse_callback(body: Mapping[str, Any], context: Context) -> HandmadeWish:
    """POST /callbacks."""
    members = Members(
        body,
        known=(
            "order",
            "type",
            "body",
            "signature",
            "headers",
            "copies",
            "at_once",
            "timeout_s",
            "url",
            "with",
        ),
    )
    kind = members.choice("type", KINDS)
    if kind is None:
        raise members.missing("type")
    spec = members.table("body") or {}
    content = Members(spec, known=("set", "drop", "raw", "encode"), where="body")
    raw = content.text("raw", chars_max=RAW_CHARS_MAX, chars_min=0, lines=True)
    if raw is not None and len(spec) > 1:
        raise invalid("body", "either raw alone, or set, drop and encode")
    wrongs = _wrongs(members)
    _check_said_once(members, wrongs)
    what: Literal["pay", "refund"] = "pay" if kind == "pay" else "refund"
    return HandmadeWish(
        order_id=members.required_text("order", chars_max=ID_CHARS_MAX),
        kind=what,
        members=content.table("set") or {},
        dropped=content.texts("drop") or (),
        raw=raw,
        encode=content.choice("encode", ENCODINGS),
        signature=members.choice("signature", SIGNATURE_DEFECTS) or "valid",
        headers=header_changes(members),
        copies=members.integer("copies", least=1, most=COPIES_MAX) or 1,
        at_once=members.flag("at_once") or False,
        timeout_s=members.number("timeout_s", least=TIMEOUT_S[0], most=TIMEOUT_S[1]),
        url=callback_url(members, "url", context),
        wrongs=wrongs,
    )


def parse_resend(body: Mapping[str, Any]) -> ResendWish:
    """POST /deliveries/{id}/resend."""
    members = Members(body, known=("mode", "with", "copies", "at_once"))
    wrongs = _wrongs(members)
    _check_said_once(members, wrongs)
    mode = members.choice("mode", RESEND_MODES)
    return ResendWish(
        mode="rebuild" if mode == "rebuild" else "exact",
        wrongs=wrongs,
        copies=members.integer("copies", least=1, most=COPIES_MAX) or 1,
        at_once=members.flag("at_once") or False,
    )


def parse_hold(body: Mapping[str, Any]) -> str | None:
    """POST /deliveries/hold: the order, None for all."""
    return Members(body, known=("order",)).text("order", chars_max=ID_CHARS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What to release: so many, one delivery, an order's, or all where none of them is given."""

    count: int | None
    delivery_id: str | None
    order_id: str | None


def parse_release(body: Mapping[str, Any]) -> Release:
    """POST /deliveries/release: exactly one of n, delivery, order and all."""
    members = Members(body, known=("n", "delivery", "order", "all"))
    release = Release(
        count=members.integer("n", least=1, most=1_000_000),
        delivery_id=members.text("delivery", chars_max=ID_CHARS_MAX),
        order_id=members.text("order", chars_max=ID_CHARS_MAX),
    )
    given = [item is not None for item in (release.count, release.delivery_id, release.order_id)]
    if [*given, members.flag("all") or False].count(True) != 1:
        raise invalid("the body", "one of n, delivery, order, or all: true")
    return release


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Which deliveries to take up again, by when they were made on the schedule."""

    since_s: float
    until_s: float | None
    only_failed: bool


def parse_recover(body: Mapping[str, Any]) -> Recovery:
    """POST /deliveries/recover."""
    members = Members(body, known=("since_s", "until_s", "only_failed"))
    since_s = members.number("since_s", least=0, most=MOMENT_S_MAX)
    if since_s is None:
        raise members.missing("since_s")
    only_failed = members.flag("only_failed")
    return Recovery(
        since_s=since_s,
        until_s=members.number("until_s", least=0, most=MOMENT_S_MAX),
        only_failed=True if only_failed is None else only_failed,
    )


def parse_filter(call: Call) -> DeliveryFilter:
    """GET /deliveries: what the query asks for."""
    held = choice(call, "held", ("true", "false"))
    return DeliveryFilter(
        order_id=call.query.get("order"),
        game_id=call.query.get("game"),
        state=choice(call, "state", STATES),
        kind=choice(call, "kind", KINDS),
        held=None if held is None else held == "true",
        since_s=moment(call, "since_s", most=MOMENT_S_MAX),
        until_s=moment(call, "until_s", most=MOMENT_S_MAX),
        after=call.query.get("after"),
    )


def _wrongs(members: Members) -> Wrongs:
    """The kinds of misdelivery in `with`, each with its parameters."""
    given = {
        name: value
        for name, value in (members.table("with") or {}).items()
        if value is not None and value is not False
    }
    for name in given:
        if name in DELIVERY_KINDS and name not in SENDING_KINDS:
            raise Problem(
                400,
                "fault-kind-inapplicable",
                f"{name} is about when the schedule sends, and this is sent now",
                remedy=f'set it with POST /faults {{"at": "delivery", "with": {{"{name}": true}}}}',
            )
        if name not in SENDING_KINDS:
            raise unknown_name("with", name, SENDING_KINDS, code="field-unknown")
    clashing = clash(given)
    if clashing:
        raise invalid("with", f"one of {', '.join(clashing)}, as they exclude each other")
    return {name: kind_params(name, value, SENDING_KINDS[name]) for name, value in given.items()}


def _check_said_once(members: Members, wrongs: Wrongs) -> None:
    """Refuse what is asked for in two ways, rather than let one of them win."""
    for name, kinds in (
        ("copies", _REPEATS),
        ("at_once", _REPEATS),
        ("body", _BODIES),
        ("signature", _SIGNATURES),
    ):
        both = [kind for kind in kinds if kind in wrongs]
        if both and members.any(name) not in (None, False):
            raise members.wrong(name, f"left out where with.{both[0]} is given")
