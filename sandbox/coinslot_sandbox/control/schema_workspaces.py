"""What the calls about workspaces and clocks may say: hand-written parse functions, one per body."""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_sandbox.control.reading import Members
from coinslot_sandbox.delivery.advance import Advance
from coinslot_sandbox.settings import SEED_MAX
from coinslot_sandbox.workspaces import NAME, WorkspaceWish

TTL_S_MAX: Final = 31 * 86_400
MOMENT_S_MAX: Final = 32_503_680_000
"""The year 3000: beyond it, times no longer fit what backends store them in."""
OFFSET_S_MAX: Final = 100 * 366 * 86_400
KEY_CHARS_MAX: Final = 255
KEEPABLE: Final = ("keys", "callbacks", "faults")


def parse_nothing(body: Mapping[str, Any]) -> None:
    """The body of a call that takes nothing."""
    Members(body, known=())


def parse_workspace(body: Mapping[str, Any]) -> WorkspaceWish:
    """POST /workspaces."""
    members = Members(body, known=("name", "seed", "ttl_s", "game_id", "shared_key"))
    name = members.text("name", chars_max=63)
    if name is not None and not NAME.fullmatch(name):
        raise members.wrong("name", "lower-case letters and digits, with dashes only inside")
    return WorkspaceWish(
        name=name,
        seed=members.integer("seed", least=0, most=SEED_MAX),
        ttl_s=members.number("ttl_s", least=0.1, most=TTL_S_MAX),
        game_id=members.decimal_id("game_id"),
        shared_key=members.text("shared_key", chars_max=KEY_CHARS_MAX),
    )


def parse_reset(body: Mapping[str, Any]) -> frozenset[str]:
    """POST /reset: what stays."""
    members = Members(body, known=("keep",))
    keep = members.texts("keep") or ()
    if not set(keep) <= set(KEEPABLE):
        raise members.wrong("keep", f"a list of {', '.join(KEEPABLE)}")
    return frozenset(keep)


def parse_freeze(body: Mapping[str, Any]) -> float | None:
    """POST /clock/freeze: the moment to stand at, None for now."""
    return Members(body, known=("at_s",)).number("at_s", least=0, most=MOMENT_S_MAX)


def parse_claims_offset(body: Mapping[str, Any]) -> float:
    """POST /clock/claims."""
    members = Members(body, known=("offset_s",))
    offset_s = members.number("offset_s", least=-OFFSET_S_MAX, most=OFFSET_S_MAX)
    if offset_s is None:
        raise members.missing("offset_s")
    return offset_s


def parse_advance(body: Mapping[str, Any]) -> Advance:
    """POST /clock/advance: exactly one way of saying how far."""
    members = Members(body, known=("by_s", "to_s", "next", "until_idle"))
    by_s = members.number("by_s", least=0, most=OFFSET_S_MAX)
    to_s = members.number("to_s", least=0, most=MOMENT_S_MAX)
    until_idle, to_next = members.flag("until_idle") or False, members.flag("next") or False
    if [by_s is not None, to_s is not None, to_next, until_idle].count(True) != 1:
        raise members.wrong("by_s", "given alone, or one of to_s, next: true and until_idle: true instead")
    return Advance(by_s=by_s, to_s=to_s, until_idle=until_idle)
