"""Sections 2 and 3 from the game's side: the bodies that a backend sends and how it reads the answers.

The body's code decides, not the HTTP status: the document lists error codes and says nothing of statuses.
clauses   jogos:iap.2, jogos:iap.3
"""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.domain import ListedOrder, OrdersPage
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    FieldInvalid,
    GameMismatch,
    Refused,
    SignatureMismatch,
)
from coinslot_contracts.fields import choice, decimal_id, optional_seconds, seconds, text
from coinslot_contracts.json_bytes import JsonInvalid, dump_compact, parse_json_object
from coinslot_contracts.portal import ReportsPart
from coinslot_contracts.portals.jogos.codes import GAME_NOT_FOUND, MISSING, VERIFICATION_FAILED, is_success
from coinslot_contracts.portals.jogos.signing import SIGNATURE_HEADER, signature
from coinslot_contracts.wire import Headers

ROWS_MAX: Final = 10_000


def arrived(game_id: str, order_id: str) -> bytes:
    """The body that reports an order as delivered; the order id goes as a string, as in the example.

    errors   FieldMissing, FieldInvalid for an id that no order has, such as half a surrogate pair
    clause   jogos:iap.2 (lines 185-186)
    """
    return dump_compact({"gameId": int(game_id), "orderId": text({"orderId": order_id}, "orderId")})


def orders(game_id: str, page_no: int, page_size: int) -> bytes:
    """The body that asks for one page of orders; pages count from 1.

    clause   jogos:iap.3 (lines 199-200)
    """
    return dump_compact({"gameId": int(game_id), "pageNo": page_no, "pageSize": page_size})


def headers(body: bytes, shared_key: bytes) -> Headers:
    """The headers to send with exactly this body.

    clause   jogos:iap.2, jogos:iap.3: Authorization is sha1(body + shared key)
    """
    return (("Content-Type", "application/json"), (SIGNATURE_HEADER, signature(body, shared_key)))


def check(body: bytes) -> None:
    """Return where the portal answered with code 200.

    errors   FieldInvalid for 305, GameMismatch for 40001, SignatureMismatch for 41007 (asking again with the
             same bytes is pointless); ConfirmUnavailable for every other code, and where the answer has none
    clause   jogos:iap.2, jogos:iap.3: the lists of codes
    """
    _answer(body)


def _answer(body: bytes) -> Mapping[str, Any]:
    try:
        members = parse_json_object(body)
    except JsonInvalid as error:
        raise ConfirmUnavailable(f"the portal's answer is {error}") from None
    code = members.get("code")
    if is_success(code):
        return members
    if str(code) == MISSING:
        raise FieldInvalid("the portal says that a required parameter is missing (305)")
    if str(code) == GAME_NOT_FOUND:
        raise GameMismatch("the portal does not know this game (40001)")
    if str(code) == VERIFICATION_FAILED:
        raise SignatureMismatch("the portal says that our signature is wrong (41007)")
    raise ConfirmUnavailable(f"the portal answered code {str(code)[:40]!r}")


def parse_orders(body: bytes) -> OrdersPage:
    """One page of orders; an absent or null content is an empty page, a total that cannot be used is 0.

    errors   as `check`, and ConfirmUnavailable where the page cannot be read
    clause   jogos:iap.3 (lines 202-203)
    """
    members = _answer(body)
    try:
        page = members.get("page")
        if not isinstance(page, dict):
            raise FieldInvalid("page is not an object")
        content = page.get("content")
        rows = [] if content is None else content
        if not isinstance(rows, list) or len(rows) > ROWS_MAX:
            raise FieldInvalid("content is not a list of orders")
        return OrdersPage(
            orders=tuple(_listed(row) for row in rows),
            page_no=_count(page, "currentPage"),
            page_size=_count(page, "pageSize"),
            pages_total=_count(page, "totalPage"),
            orders_total=_count(page, "total"),
        )
    except Refused as error:
        raise ConfirmUnavailable(f"the portal's page of orders cannot be read: {error.detail}") from None


def _count(page: Mapping[str, Any], name: str) -> int:
    """A number about the list, 0 where the portal says none that can be used: no grant depends on it."""
    try:
        return int(decimal_id(page, name))
    except Refused:
        return 0


def _listed(row: object) -> ListedOrder:
    if not isinstance(row, dict):
        raise FieldInvalid("an order is not an object")
    status = row.get("refundStatus")
    return ListedOrder(
        order_id=text(row, "orderId", chars_max=255),
        user_id=decimal_id(row, "userId"),
        product_id=text(row, "productId", chars_max=255),
        arrived_status=choice(row, "arrivedStatus", (0, 1)),
        paid_at_s=seconds(row, "payTime"),
        refund_status=None if status is None else choice(row, "refundStatus", (0, 1, 2, 3)),
        refunded_at_s=optional_seconds(row, "refundTime"),
    )


REPORTS: Final = ReportsPart(
    arrived_endpoint="jogos.arrivedorder",
    orders_endpoint="jogos.getOrders",
    arrived=arrived,
    orders=orders,
    headers=headers,
    check=check,
    parse_orders=parse_orders,
    clause="jogos:iap.2",
)
