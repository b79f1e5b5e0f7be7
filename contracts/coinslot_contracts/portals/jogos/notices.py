"""Sections 1 and 4: the payment success and refund notification, its signature and its answer.

clauses   jogos:iap.1 (.auth, .fields, .resp, .err), jogos:iap.4, jogos:iap.key
"""

from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.domain import Game, Notification, NotificationKind
from coinslot_contracts.errors import FieldInvalid
from coinslot_contracts.fields import choice, decimal_id, optional_seconds, required, seconds, text
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from coinslot_contracts.portal import Ack, NoticesPart, Unmet
from coinslot_contracts.portals.jogos.codes import SUCCESS, is_success, refusal, reply
from coinslot_contracts.portals.jogos.dialect_notices import MANNER
from coinslot_contracts.portals.jogos.shapes import SHAPES
from coinslot_contracts.portals.jogos.signing import SIGNATURE_HEADER, signature

REFUNDED: Final = 1
_STATUSES: Final = (0, 1, 2, 3)
REFUND_FIELDS: Final = ("refundStatus", "refundTime")
TIMES: Final = ("createTime", "payTime", "refundTime")


def fields(notification: Notification) -> dict[str, Any]:
    """The body of a notification with every documented member, in the document's order.

    The optional members are sent as null, as in the document's example.
    clause   jogos:iap.1.fields
    """
    return {
        "paytype": notification.kind,
        "gameId": int(notification.game_id),
        "orderId": notification.order_id,
        "arrivedStatus": notification.arrived_status,
        "productId": notification.product_id,
        "createTime": notification.created_at_s,
        "payTime": notification.paid_at_s,
        "userId": int(notification.user_id),
        "refundStatus": notification.refund_status,
        "refundTime": notification.refunded_at_s,
    }


def parse_notification(body: bytes) -> Notification:
    """Read a notification whose signature was checked; tolerant where the document is open, strict on money.

    Unknown members and a byte order mark are ignored. Game and user id may be numbers or their strings and
    stay exact; order and product id are strings, because a number may have lost its leading zeros. Times may
    be strings of digits, for nothing depends on them. A refund member may be null, "" or "null".
    A missing paytype (the document's own example has none) is read from refundStatus: null means pay; any
    refund status without a paytype is refused, because money moves on doubt in neither direction. What to
    do about the whole is `Notification.effect`.
    errors   FieldMissing, FieldInvalid
    clause   jogos:iap.1.fields (line 171), jogos:iap.4
    """
    try:
        members = parse_json_object(body.removeprefix(BOM_UTF8))
    except JsonInvalid as error:
        raise FieldInvalid(f"the body is {error}") from None
    members |= {name: None for name in REFUND_FIELDS if members.get(name) == "null"}
    members |= {name: _digits(members[name]) for name in TIMES if name in members}
    refund_status = _refund_status(members)
    return Notification(
        kind=_kind(members, refund_status),
        game_id=decimal_id(members, "gameId"),
        order_id=text(members, "orderId", chars_max=255),
        user_id=decimal_id(members, "userId"),
        product_id=text(members, "productId", chars_max=255),
        arrived_status=_status(members, "arrivedStatus"),
        created_at_s=seconds(members, "createTime"),
        paid_at_s=seconds(members, "payTime"),
        refund_status=refund_status,
        refunded_at_s=optional_seconds(members, "refundTime"),
    )


def _kind(members: Mapping[str, Any], refund_status: int | None) -> NotificationKind:
    if members.get("paytype") in (None, "") and refund_status is None:
        return "pay"
    kind: NotificationKind = choice(members, "paytype", ("pay", "refund"))
    return kind


def _digits(value: Any) -> Any:
    """The number of a string of digits, anything else as it is."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19
    return int(value) if is_digits else value


def _status(members: Mapping[str, Any], name: str) -> int:
    value = required(members, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldInvalid(f"{name} must be a whole number")
    return value


def _refund_status(members: Mapping[str, Any]) -> int | None:
    if members.get("refundStatus") in (None, ""):
        return None
    status: int = choice(members, "refundStatus", _STATUSES)
    return status


def ack(status: int, body: bytes) -> Ack:
    """Whether Jogos takes an answer for an acknowledgement: HTTP 2xx and a code that is "200".

    A number 200 is accepted with a note, because the document types the code by example only.
    clause   jogos:iap.1.resp (lines 173-174); sandbox:ack-json-code-200
    """
    try:
        members = parse_json_object(body)
    except JsonInvalid as error:
        return Ack(accepted=False, code=None, reason=f"HTTP {status}, and the body is {error}")
    code = members.get("code")
    code_text = None if code is None else str(code)
    if not 200 <= status < 300:
        return Ack(accepted=False, code=code_text, reason=f"HTTP {status} is not a success")
    if not is_success(code):
        return Ack(accepted=False, code=code_text, reason=f'code is {code_text or "absent"}, not "200"')
    note = None if code == SUCCESS else 'code is the number 200; the document shows the string "200"'
    return Ack(accepted=True, code=code_text, reason='HTTP success and code "200"', note=note)


_WITHOUT_KEY: Final = Unmet(
    code="game-without-shared-key",
    clause="jogos:iap.key",
    says="a shared key has been generated under the game parameters (line 157)",
    remedy="set shared_key of the game",
)
_WITHOUT_PURCHASE: Final = Unmet(
    code="game-without-in-app-purchase",
    clause="jogos:iap.key",
    says="in-app purchase is switched on in the game's settings (line 158)",
    remedy="set iap_enabled of the game to true",
)
_WITHOUT_CALLBACK: Final = Unmet(
    code="game-without-callback-url",
    clause="jogos:iap.key",
    says="the game's settings hold the server's callback notification URL (line 158)",
    remedy="set callback_url of the game",
)


def unmet(game: Game) -> tuple[Unmet, ...]:
    """The preconditions of payments that the document states and this game does not meet.

    clause   jogos:iap.key (lines 157-158)
    """
    stated = (
        (game.shared_key, _WITHOUT_KEY),
        (game.iap_enabled, _WITHOUT_PURCHASE),
        (game.callback_url, _WITHOUT_CALLBACK),
    )
    return tuple(problem for is_met, problem in stated if not is_met)


NOTICES: Final = NoticesPart(
    method="POST",
    signature_header=SIGNATURE_HEADER,
    fields=fields,
    parse=parse_notification,
    sign=signature,
    accepted=reply(SUCCESS),
    refusal=refusal,
    ack=ack,
    unmet=unmet,
    clause="jogos:iap.1",
    formula="sha1(body + shared key), as 40 lowercase hex digits",
    clauses={
        "digest": "jogos:iap.sha1",
        "body": "jogos:iap.1.auth",
        "key": "jogos:iap.key",
        "header": "jogos:iap.1.auth",
    },
    manner=MANNER,
    shapes=SHAPES,
)
