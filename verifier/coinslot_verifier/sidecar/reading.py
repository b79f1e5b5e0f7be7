"""One call as the views see it, and how they read its members; whatever has another form is a problem.

What a player's client sent through the backend is not read here: it goes to the verifier as it is, whatever
it is, and comes back as Refused.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coinslot_contracts.domain import Notification
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object

from coinslot_verifier.sidecar.http_server import BODY_BYTES_MAX
from coinslot_verifier.sidecar.problems import Problem, invalid, missing
from coinslot_verifier.sidecar.services import PortalServices

ID_CHARS_MAX: Final = 255
NUMBER_MAX: Final = 2**63 - 1
REFUND_STATUSES: Final = (0, 1, 2, 3)
_TIMES: Final = ("created_at_s", "paid_at_s")
_UNWRITABLE: Final = re.compile("[\\x00-\\x1f\\ud800-\\udfff]")


@dataclass(slots=True, kw_only=True)
class Noted:
    """What a view learnt, for the log: no secret, and nothing of a player."""

    order_id: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    args    what the path's variables are
    query   the first value of each query parameter
    """

    portal: PortalServices
    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    noted: Noted = field(default_factory=Noted)

    def text(self, name: str) -> str:
        """A member that is an id of ours or of the portal's."""
        if self.body.get(name) is None:
            raise missing(name)
        return an_id(name, self.body[name])

    def flag(self, name: str, *, default: bool) -> bool:
        """A member that is true or false."""
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(name, "true or false")
        return value

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number of the body."""
        value = self.body.get(name)
        if value is None:
            return default
        if type(value) is not int or not least <= value <= most:
            raise invalid(name, f"a whole number from {least} to {most}")
        return value

    def asked(self, name: str, *, default: int, most: int) -> int:
        """A whole number of the query."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= most:
            raise invalid(name, f"a whole number from 1 to {most}")
        return int(text)

    def products(self) -> frozenset[str] | None:
        """The products that the game sells, None where the call does not say."""
        value = self.body.get("products")
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid("products", "a list of product ids")
        return frozenset(value)

    def raw_body(self) -> bytes:
        """body_b64: the notification's bytes as they arrived."""
        value = self.body.get("body_b64")
        if value is None:
            raise missing("body_b64")
        try:
            return base64.b64decode(value.encode("ascii"), validate=True)
        except (AttributeError, UnicodeError, binascii.Error):
            raise invalid("body_b64", "the raw bytes in standard Base64") from None

    def signature(self) -> str | list[tuple[str, str]] | None:
        """`signature`, else `headers`: [name, value] pairs, or name -> value or values; None for neither."""
        value = self.body.get("signature")
        if value is not None:
            if not isinstance(value, str):
                raise invalid("signature", "the raw value of the header")
            return value
        headers = self.body.get("headers")
        return None if headers is None else _pairs(headers)

    def notification(self) -> Notification:
        """`notification` as an earlier call answered it, of this sidecar's own game."""
        value = self.body.get("notification")
        if value is None:
            raise missing("notification")
        if not isinstance(value, dict):
            raise invalid("notification", "the object that /notification answered")
        return _notification(value, self.portal.config.game_id)


def read_object(raw: bytes) -> dict[str, Any]:
    """The members of the call's body; an empty body has none."""
    if not raw:
        return {}
    try:
        return parse_json_object(raw, bytes_max=BODY_BYTES_MAX)
    except JsonInvalid as error:
        raise Problem("json-invalid", f"the body is no JSON object: {error}") from None


def an_id(name: str, value: object) -> str:
    """A value that any database can be asked for: as long as a portal's ids may be, and as odd."""
    if not isinstance(value, str) or not 0 < len(value) <= ID_CHARS_MAX or _UNWRITABLE.search(value):
        raise invalid(name, f"text of 1 to {ID_CHARS_MAX} characters, none of them a control character")
    return value


def _pairs(headers: object) -> list[tuple[str, str]]:
    if isinstance(headers, dict):
        pairs = [
            (name, one)
            for name, value in headers.items()
            for one in (value if isinstance(value, list) else [value])
        ]
    elif isinstance(headers, list) and all(isinstance(one, list) and len(one) == 2 for one in headers):
        pairs = [(name, value) for name, value in headers]
    else:
        raise invalid("headers", "a list of [name, value], or an object of names and values")
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        raise invalid("headers", "names and values that are text")
    return pairs


def _notification(value: Mapping[str, Any], game_id: str) -> Notification:
    kind = value.get("kind")
    if kind not in ("pay", "refund"):
        raise invalid("notification.kind", "pay or refund")
    ids = {name: _member_id(value, name) for name in ("order_id", "user_id", "product_id")}
    if value.get("game_id") not in (None, game_id):
        raise invalid("notification.game_id", "the id of the game that this sidecar was started for")
    refund_status = value.get("refund_status")
    if refund_status is not None and (type(refund_status) is not int or refund_status not in REFUND_STATUSES):
        raise invalid("notification.refund_status", "0, 1, 2, 3 or null")
    times = {name: _whole(value, name, default=0) for name in _TIMES}
    return Notification(
        kind=kind,
        game_id=game_id,
        arrived_status=_any_whole(value, "arrived_status"),
        refund_status=refund_status,
        refunded_at_s=_whole(value, "refunded_at_s", default=None),
        created_at_s=times["created_at_s"] or 0,
        paid_at_s=times["paid_at_s"] or 0,
        **ids,
    )


def _member_id(value: Mapping[str, Any], name: str) -> str:
    if value.get(name) is None:
        raise missing(f"notification.{name}")
    return an_id(f"notification.{name}", value[name])


def _any_whole(value: Mapping[str, Any], name: str) -> int:
    """A number of the portal that decides nothing: the portal may send any, so any is taken back."""
    found = value.get(name)
    if found is None:
        return 0
    if type(found) is not int:
        raise invalid(f"notification.{name}", "a whole number")
    return found


def _whole(value: Mapping[str, Any], name: str, *, default: int | None) -> int | None:
    found = value.get(name)
    if found is None:
        return default
    if type(found) is not int or not 0 <= found <= NUMBER_MAX:
        raise invalid(f"notification.{name}", "a whole number")
    return found
