"""What Jogos serves to a game's server: publicKey.json, section 2 (arrivedorder), section 3 (getOrders).

Every inbound call is judged in one order: the body is JSON and has its fields (305), the game exists (40001),
the signature is right under that game's key (41007), then the order (500) — sandbox:order-of-judgement.
clauses   jogos:user.2, jogos:user.3, jogos:iap.2, jogos:iap.3
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.errors import FieldInvalid, Refused, SignatureMismatch, SignatureMissing
from coinslot_contracts.fields import decimal_id, positive_int, text
from coinslot_contracts.json_bytes import JsonInvalid, parse_json_object
from coinslot_contracts.portal import Answer, Arrived, Endpoint, PortalView, Subject
from coinslot_contracts.portals.jogos.codes import (
    GAME_NOT_FOUND,
    JSON_HEADERS,
    MISSING,
    SUCCESS,
    SYSTEM_ERROR,
    VERIFICATION_FAILED,
    reply,
)
from coinslot_contracts.portals.jogos.identity import dump_public_key
from coinslot_contracts.portals.jogos.signing import SIGNATURE_HEADER, signature
from coinslot_contracts.wire import WireReply, WireRequest

PAGE_SIZE_MAX: Final = 100


def public_key(request: WireRequest, view: PortalView) -> Answer:  # noqa: ARG001 - the form of Endpoint.answer
    """publicKey.json: the key that user tokens are signed with now.

    clause   jogos:user.2, jogos:user.3 (line 16)
    """
    key = view.published_keys()[0]
    body = dump_public_key(key.spki_der, view.dialect("key_form"))
    return Answer(
        reply=WireReply(headers=JSON_HEADERS, body=body),
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


Reader = Callable[[Mapping[str, Any]], dict[str, Any]]
Answerer = Callable[[dict[str, Any], Game, PortalView], Answer]


def _judged(request: WireRequest, view: PortalView, read: Reader, answer: Answerer) -> Answer:
    try:
        wanted = read(_members(request))
    except Refused as error:
        return _refused(MISSING, error.detail)
    game = view.find_game(wanted["game_id"])
    if game is None:
        return _refused(GAME_NOT_FOUND, f"there is no game {wanted['game_id']}")
    if game.shared_key is None:
        return _refused(VERIFICATION_FAILED, "the game has no shared key yet (jogos:iap.key)")
    problem = _signature_problem(request, game.shared_key)
    if problem is not None:
        return replace(_refused(VERIFICATION_FAILED, problem.detail), refused=problem.code)
    return answer(wanted, game, view)


def _members(request: WireRequest) -> dict[str, Any]:
    try:
        return parse_json_object(request.body)
    except JsonInvalid as error:
        raise FieldInvalid(f"the body is {error}") from None


def _refused(code: str, reason: str) -> Answer:
    return Answer(reply=reply(code), verdict_code=code, verdict_reason=reason)


def _signature_problem(request: WireRequest, shared_key: bytes) -> Refused | None:
    sent = request.header(SIGNATURE_HEADER)
    if not sent:
        return SignatureMissing(f"there is no {SIGNATURE_HEADER} header")
    expected = signature(request.body, shared_key)
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), expected.encode()):
        return SignatureMismatch("the signature is not sha1(body + shared key) of the bytes that arrived")
    return None


def _read_arrived(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "game_id": decimal_id(members, "gameId"),
        "order_id": text(members, "orderId", chars_max=255),
    }


def _answer_arrived(wanted: dict[str, Any], game: Game, view: PortalView) -> Answer:
    order = view.find_order(wanted["order_id"])
    if order is None or order.game_id != game.game_id:
        return _refused(SYSTEM_ERROR, "the game has no order of this id")
    if order.state != "paid":
        return _refused(SYSTEM_ERROR, f"the order is {order.state}, not paid")
    repeated = order.arrived_status == 1
    return Answer(
        reply=reply(SUCCESS),
        verdict_code=SUCCESS,
        verdict_reason="reported as delivered once more" if repeated else "reported as delivered",
        events=(Arrived(order_id=order.order_id),),
    )


def _read_get_orders(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "game_id": decimal_id(members, "gameId"),
        "page_no": positive_int(members, "pageNo"),
        "page_size": min(positive_int(members, "pageSize"), PAGE_SIZE_MAX),
    }


def _answer_get_orders(wanted: dict[str, Any], game: Game, view: PortalView) -> Answer:
    page_no, page_size = wanted["page_no"], wanted["page_size"]
    total = view.count_paid_orders(game.game_id)
    first = (page_no - 1) * page_size
    orders = view.list_paid_orders(game.game_id, first=first, limit=page_size) if first < total else ()
    page = {
        "total": total,
        "totalPage": -(-total // page_size),
        "currentPage": page_no,
        "pageSize": page_size,
        "content": [_row(order) for order in orders],
    }
    return Answer(
        reply=reply(SUCCESS, page=page),
        verdict_code=SUCCESS,
        verdict_reason=f"listed {len(orders)} of {total} paid orders",
    )


def _row(order: Order) -> dict[str, Any]:
    return {
        "orderId": order.order_id,
        "arrivedStatus": order.arrived_status,
        "payTime": order.paid_at_s,
        "productId": order.product_id,
        "userId": int(order.user_id),
        "refundStatus": order.refund_status,
        "refundTime": order.refunded_at_s,
    }


def subject(request: WireRequest) -> Subject:
    """The game and order that a request names, as far as its bytes can be read; never raises."""
    try:
        members = parse_json_object(request.body)
    except JsonInvalid:
        return Subject()
    return Subject(
        game_id=_readable(lambda: decimal_id(members, "gameId")),
        order_id=_readable(lambda: text(members, "orderId", chars_max=255)),
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
