"""What Jogos serves to a game's server: publicKey.json, section 2 (arrivedorder), section 3 (getOrders).

By default an inbound call is judged in one order: the body is JSON and has its fields (305), the game exists
(40001), the signature is right under that game's key (41007), then the order (500):
sandbox:order-of-judgement.
clauses   jogos:user.2, jogos:user.3, jogos:iap.2, jogos:iap.3
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Game, Order
from coinslot_contracts.errors import FieldInvalid, Refused, SignatureMismatch, SignatureMissing
from coinslot_contracts.fields import decimal_id, text
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from coinslot_contracts.portal import Answer, Arrived, Endpoint, PortalView, Subject
from coinslot_contracts.portals.jogos.codes import (
    GAME_NOT_FOUND,
    MISSING,
    SUCCESS,
    SYSTEM_ERROR,
    VERIFICATION_FAILED,
    reply,
)
from coinslot_contracts.portals.jogos.key_document import key_reply
from coinslot_contracts.portals.jogos.orders_list import dump_page, find_page, read_page_no, read_page_size
from coinslot_contracts.portals.jogos.signing import SIGNATURE_HEADER, signature
from coinslot_contracts.wire import WireRequest

REFUNDED: Final = 1


def public_key(request: WireRequest, view: PortalView) -> Answer:
    """publicKey.json: the key that user tokens are signed with now.

    clause   jogos:user.2, jogos:user.3 (line 16)
    """
    key = view.published_keys()[0]
    return Answer(
        reply=key_reply(key.spki_der, request, view.dialect),
        verdict_code=SUCCESS,
        verdict_reason="served the public key",
    )


def arrived_order(request: WireRequest, view: PortalView) -> Answer:
    """arrivedorder: the game reports an order as delivered; repeating it is no error.

    clause   jogos:iap.2; sandbox:arrived-repeat-ok, sandbox:order-unknown-500, sandbox:order-id-string
    """
    return _judged(request, view, _read_arrived, _answer_arrived)


def get_orders(request: WireRequest, view: PortalView) -> Answer:
    """getOrders: one page of the game's paid orders.

    clause   jogos:iap.3; sandbox:orders-newest-first, sandbox:page-size-max, sandbox:page-past-end
    """
    return _judged(request, view, _read_get_orders, _answer_get_orders)


Reader = Callable[[Mapping[str, Any], Speak], dict[str, Any]]
Answerer = Callable[[dict[str, Any], Game, PortalView], Answer]


class _Stop(Exception):
    """A call that is refused before its order is looked at."""

    def __init__(self, code: str, reason: str, refused: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.refused = refused


def _judged(request: WireRequest, view: PortalView, read: Reader, answer: Answerer) -> Answer:
    judge = _JUDGEMENTS[view.dialect("judgement") or "fields-first"]
    try:
        wanted, game = judge(request, view, read)
    except _Stop as stop:
        return replace(_refused(stop.code, stop.reason, view), refused=stop.refused)
    return answer(wanted, game, view)


def _fields_first(request: WireRequest, view: PortalView, read: Reader) -> tuple[dict[str, Any], Game]:
    wanted = _fields(request, view, read)
    game = _game(wanted["game_id"], view)
    _check_signature(request, game)
    return wanted, game


def _game_first(request: WireRequest, view: PortalView, read: Reader) -> tuple[dict[str, Any], Game]:
    game = _game(_fields(request, view, _read_game)["game_id"], view)
    _check_signature(request, game)
    return _fields(request, view, read), game


def _signature_first(request: WireRequest, view: PortalView, read: Reader) -> tuple[dict[str, Any], Game]:
    """Nothing is said of a call whose signature cannot be checked but that."""
    try:
        return _game_first(request, view, read)
    except _Stop as stop:
        if stop.code == GAME_NOT_FOUND or not _names_a_game(request):
            raise _Stop(VERIFICATION_FAILED, stop.reason) from None
        raise


_JUDGEMENTS: Final[Mapping[str, Callable[[WireRequest, PortalView, Reader], tuple[dict[str, Any], Game]]]] = {
    "fields-first": _fields_first,
    "game-first": _game_first,
    "signature-first": _signature_first,
}


def _names_a_game(request: WireRequest) -> bool:
    return subject(request).game_id is not None


def _fields(request: WireRequest, view: PortalView, read: Reader) -> dict[str, Any]:
    try:
        return read(_members(request), view.dialect)
    except Refused as error:
        raise _Stop(MISSING, error.detail) from None


def _members(request: WireRequest) -> dict[str, Any]:
    try:
        return parse_json_object(request.body)
    except JsonInvalid as error:
        raise FieldInvalid(f"the body is {error}") from None


def _game(game_id: str, view: PortalView) -> Game:
    game = view.find_game(game_id)
    if game is None:
        raise _Stop(GAME_NOT_FOUND, f"there is no game {game_id}")
    return game


def _check_signature(request: WireRequest, game: Game) -> None:
    if game.shared_key is None:
        raise _Stop(VERIFICATION_FAILED, "the game has no shared key yet (jogos:iap.key)")
    sent = request.header(SIGNATURE_HEADER)
    if not sent:
        missing = SignatureMissing(f"there is no {SIGNATURE_HEADER} header")
        raise _Stop(VERIFICATION_FAILED, missing.detail, missing.code)
    expected = signature(request.body, game.shared_key)
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), expected.encode()):
        mismatch = SignatureMismatch("the signature is not sha1(body + shared key) of the bytes that arrived")
        raise _Stop(VERIFICATION_FAILED, mismatch.detail, mismatch.code)


def _refused(code: str, reason: str, view: PortalView) -> Answer:
    return Answer(reply=reply(code, view.dialect), verdict_code=code, verdict_reason=reason)


def _read_game(members: Mapping[str, Any], speak: Speak) -> dict[str, Any]:  # noqa: ARG001 - a Reader
    return {"game_id": decimal_id(members, "gameId")}


def _read_arrived(members: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    read_order_id = _ORDER_IDS[speak("arrived_order_id") or "text"]
    return {**_read_game(members, speak), "order_id": read_order_id(members)}


def _text_order_id(members: Mapping[str, Any]) -> str:
    return text(members, "orderId", chars_max=255)


def _number_order_id(members: Mapping[str, Any]) -> str:
    if isinstance(members.get("orderId"), str):
        raise FieldInvalid("orderId must be a number")
    return decimal_id(members, "orderId")


def _any_order_id(members: Mapping[str, Any]) -> str:
    is_text = isinstance(members.get("orderId"), str)
    return _text_order_id(members) if is_text else _number_order_id(members)


_ORDER_IDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "text": _text_order_id,
    "number": _number_order_id,
    "text-or-number": _any_order_id,
}


def _answer_arrived(wanted: dict[str, Any], game: Game, view: PortalView) -> Answer:
    order = view.find_order(wanted["order_id"])
    code_of_unknown = view.dialect("arrived_unknown") or SYSTEM_ERROR
    if order is None or order.game_id != game.game_id:
        return _refused(code_of_unknown, "the game has no order of this id", view)
    if order.state != "paid":
        return _refused(code_of_unknown, f"the order is {order.state}, not paid", view)
    objection = _objection(order, view)
    if objection is not None:
        return _refused(SYSTEM_ERROR, objection, view)
    repeated = order.arrived_status == 1
    return Answer(
        reply=reply(SUCCESS, view.dialect),
        verdict_code=SUCCESS,
        verdict_reason="reported as delivered once more" if repeated else "reported as delivered",
        events=(Arrived(order_id=order.order_id),),
    )


def _objection(order: Order, view: PortalView) -> str | None:
    """What a stricter portal than the default has against a paid order that is reported as delivered."""
    if view.dialect("arrived_repeat") == "refused" and order.arrived_status == 1:
        return "the order was reported as delivered before"
    if view.dialect("arrived_refunded") == "refused" and order.refund_status == REFUNDED:
        return "the order is refunded"
    if view.dialect("arrived_before_ack") == "refused" and not view.is_acknowledged(order.order_id):
        return "no notification of the order has been acknowledged yet"
    return None


def _read_get_orders(members: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    return {
        **_read_game(members, speak),
        "page_no": read_page_no(members, speak),
        "page_size": read_page_size(members, speak),
    }


def _answer_get_orders(wanted: dict[str, Any], game: Game, view: PortalView) -> Answer:
    page = find_page(view, game.game_id, page_no=wanted["page_no"], page_size=wanted["page_size"])
    if page is None:
        return _refused(MISSING, "there is no such page", view)
    return Answer(
        reply=dump_page(page, view.dialect),
        verdict_code=SUCCESS,
        verdict_reason=f"listed {len(page.orders)} of {page.total} paid orders",
    )


def subject(request: WireRequest) -> Subject:
    """The game and order that a request names, as far as its bytes can be read; never raises."""
    try:
        members = parse_json_object(request.body)
    except JsonInvalid:
        return Subject()
    return Subject(
        game_id=_readable(lambda: decimal_id(members, "gameId")),
        order_id=_readable(lambda: _any_order_id(members)),
    )


def _readable(read: Callable[[], str]) -> str | None:
    try:
        return read()
    except Refused:
        return None


ENDPOINTS: Final = (
    Endpoint(
        name="jogos.publicKey",
        method="GET",
        path="/publicKey.json",
        site="web",
        clause="jogos:user.3",
        answer=public_key,
    ),
    Endpoint(
        name="jogos.arrivedorder",
        method="POST",
        path="/api/gamepay/webhook/arrivedorder",
        site="api",
        clause="jogos:iap.2",
        answer=arrived_order,
        subject=subject,
    ),
    Endpoint(
        name="jogos.getOrders",
        method="POST",
        path="/api/gamepay/getOrders",
        site="api",
        clause="jogos:iap.3",
        answer=get_orders,
        subject=subject,
    ),
)
