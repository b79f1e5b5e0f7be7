"""What control calls about purchases, keys and dialects may say: hand-written parse functions, one per body.

Names of rotations, entries and verification states come from `coinslot_contracts.vocabulary`, those of
dialects from the portals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.vocabulary import KEY_ENTRIES, KEY_ROTATIONS

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, invalid
from coinslot_sandbox.control.schema import ID_CHARS_MAX, token_wish
from coinslot_sandbox.jose import TokenWish

PUBLISH_AFTER_S_MAX: Final = 86_400.0
KEY_FORM: Final = "key_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCall:
    """POST /purchases: of which order, what is wrong with its token, whether it is listed later.

    environment  whose key signs, None for the order's own
    """

    order_id: str
    environment: str | None
    wish: TokenWish
    restored: bool


def parse_purchase(body: Mapping[str, Any], context: Context) -> PurchaseCall:
    """POST /purchases."""
    members = Members(body, known=("order", "jwt", "restored", "environment"))
    return PurchaseCall(
        order_id=members.required_text("order", chars_max=ID_CHARS_MAX),
        environment=members.choice("environment", context.environments),
        wish=token_wish(members.table("jwt") or {}, where="jwt"),
        restored=members.flag("restored") or False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationCall:
    """POST /keys/rotate.

    publish_after_s  of a late publication, None for one on demand
    key_form         the dialect in which keys are published from now on, None for as before
    """

    portal: str
    environment: str
    rotate: str
    publish_after_s: float | None
    key_form: str | None


def parse_rotation(body: Mapping[str, Any], context: Context) -> RotationCall:
    """POST /keys/rotate."""
    members = Members(body, known=("portal", "environment", "rotate", "publish_after_s", "format"))
    rotate = members.choice("rotate", KEY_ROTATIONS)
    if rotate is None:
        raise members.missing("rotate")
    portal = context.portal(members, context.with_keys)
    publish_after_s = members.number("publish_after_s", least=0, most=PUBLISH_AFTER_S_MAX)
    if publish_after_s is not None and rotate != "late":
        raise invalid("publish_after_s", "left out where rotate is not late")
    forms = context.portals[portal].dialects.get(KEY_FORM)
    if forms is None and members.any("format") is not None:
        raise invalid("format", f"left out: {portal} publishes its keys in one form")
    return RotationCall(
        portal=portal,
        environment=context.environment(members, portal),
        rotate=rotate,
        publish_after_s=publish_after_s,
        key_form=members.choice("format", forms.variants if forms else ()),
    )


def parse_key_entry(body: Mapping[str, Any], context: Context) -> tuple[str, str, str]:
    """POST /keys/extra: portal, environment and kind."""
    members = Members(body, known=("portal", "environment", "kind"))
    kind = members.choice("kind", KEY_ENTRIES)
    if kind is None:
        raise members.missing("kind")
    portal = members.choice("portal", context.with_keys)
    if portal is None:
        raise members.missing("portal")
    return portal, context.environment(members, portal), kind


def parse_key_change(body: Mapping[str, Any]) -> tuple[bool | None, bool | None]:
    """PUT /keys/{kid}: published, signs."""
    members = Members(body, known=("published", "signs"))
    return members.flag("published"), members.flag("signs")


def parse_dialects(body: Mapping[str, Any], context: Context) -> tuple[str, dict[str, str | None]]:
    """PUT /dialects: the portal, and its dialects by name; null goes back to the default."""
    named = {name for portal in context.portals.values() for name in portal.dialects}
    portal = Members(body, known=("portal", *sorted(named))).choice("portal", context.portals)
    if portal is None:
        raise Members(body, known=("portal", *named)).missing("portal")
    known = context.portals[portal].dialects
    members = Members(body, known=("portal", *known))
    return portal, {
        name: members.choice(name, dialect.variants) for name, dialect in known.items() if members.has(name)
    }
