"""Section 3, getOrders: which orders a page holds, and in which of the document's shapes it is told.

Table and example of the section disagree about code, text and nesting; order, choice and size of pages are
said nowhere.
clauses   jogos:iap.3; sandbox:orders-answer-shape, sandbox:orders-newest-first, sandbox:page-size-max,
          sandbox:page-past-end, sandbox:page-numbers, sandbox:no-extra-members
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Order
from coinslot_contracts.errors import FieldInvalid
from coinslot_contracts.fields import positive_int, required
from coinslot_contracts.portal import PortalView
from coinslot_contracts.portals.jogos.codes import SUCCESS, answer, head
from coinslot_contracts.portals.jogos.dialect_notices import REFUND_FIELDS, REFUNDED
from coinslot_contracts.portals.jogos.dialect_values import with_empties, with_ids, with_times
from coinslot_contracts.wire import WireReply

PAGE_SIZE_MAX: Final = 100
PAGE_SIZE_SMALL: Final = 5
NUMBER_MAX: Final = 2**31 - 1
WORD_OF_SUCCESS: Final = "SUCCESS"
TABLES_TEXT: Final = "Logout successful"
"""Code and text that the section's table gives as examples (line 202)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: the numbers as they are told, and its rows."""

    total: int
    pages: int
    shown_no: int
    size: int
    orders: Sequence[Order]


def read_page_no(members: Mapping[str, Any], speak: Speak) -> int:
    """The page that is asked for, counted from 1.

    errors   FieldMissing, FieldInvalid
    """
    manner = speak("orders_first_page")
    if manner is None or manner == "one":
        return positive_int(members, "pageNo")
    number = _whole(members, "pageNo")
    if manner == "one-or-less":
        return max(number, 1)
    if number < 0:
        raise FieldInvalid("pageNo must be a whole number from 0")
    return number + 1


def read_page_size(members: Mapping[str, Any], speak: Speak) -> int:
    """The size of a page as the portal will keep to it.

    errors   FieldMissing, FieldInvalid
    """
    size = positive_int(members, "pageSize")
    manner = speak("orders_page_size")
    if manner == "hundred-or-refused" and size > PAGE_SIZE_MAX:
        raise FieldInvalid(f"pageSize is above {PAGE_SIZE_MAX}")
    if manner == "unlimited":
        return size
    return min(size, PAGE_SIZE_SMALL if manner == "five" else PAGE_SIZE_MAX)


def _whole(members: Mapping[str, Any], name: str) -> int:
    value = required(members, name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > NUMBER_MAX:
        raise FieldInvalid(f"{name} must be a whole number")
    return value


def find_page(view: PortalView, game_id: str, *, page_no: int, page_size: int) -> Page | None:
    """The page of the game's orders; None where there is none and the portal says so.

    page_no   counted from 1, whatever the portal counts from
    """
    speak = view.dialect
    total, fetch = _listed(view, game_id)
    pages = -(-total // page_size)
    past_end = speak("orders_past_end")
    if past_end == "refused" and page_no > max(pages, 1):
        return None
    if past_end == "last-page":
        page_no = min(page_no, max(pages, 1))
    first = (page_no - 1) * page_size
    return Page(
        total=total,
        pages=pages,
        shown_no=page_no - (speak("orders_first_page") == "zero"),
        size=page_size,
        orders=fetch(first, page_size) if first < total else (),
    )


def _listed(view: PortalView, game_id: str) -> tuple[int, Callable[[int, int], Sequence[Order]]]:
    """How many orders there are to list, and how to fetch a stretch of them."""
    keep = _CHOICES.get(view.dialect("orders_listed") or "")
    oldest_first = view.dialect("orders_sort") == "oldest-first"
    total = view.count_paid_orders(game_id)
    if keep is None and not oldest_first:
        return total, lambda first, limit: view.list_paid_orders(game_id, first=first, limit=limit)
    every = view.list_paid_orders(game_id, first=0, limit=total) if total else ()
    kept = [order for order in every if keep is None or keep(order)]
    if oldest_first:
        kept.sort(key=lambda order: (order.paid_at_s or 0, order.order_id))
    return len(kept), lambda first, limit: kept[first : first + limit]


_CHOICES: Final[Mapping[str, Callable[[Order], bool]]] = {
    "not-refunded": lambda order: order.refund_status != REFUNDED,
    "not-delivered": lambda order: order.arrived_status != 1,
}


def dump_page(page: Page, speak: Speak) -> WireReply:
    """The answer that tells a page."""
    numbers = {
        "total": page.total,
        "totalPage": page.pages,
        "currentPage": page.shown_no,
        "pageSize": page.size,
    }
    told = {**numbers, **_content([row(order, speak) for order in page.orders], speak)}
    begins = head(SUCCESS, speak)
    if speak("orders_code") == "word":
        begins["code"] = WORD_OF_SUCCESS
    return answer(SUCCESS, _SHAPES[speak("orders_answer") or "example"](begins, told), speak)


def _content(rows: list[dict[str, Any]], speak: Speak) -> dict[str, Any]:
    shown = {"content": rows}
    if rows:
        return shown
    return {"absent": {}, "null": {"content": None}}.get(speak("orders_empty") or "", shown)


def _as_table(begins: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {"code": begins["code"], "message": TABLES_TEXT, **told}


_SHAPES: Final[Mapping[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]]] = {
    "example": lambda begins, told: {**begins, "page": told},
    "table": _as_table,
    "flat": lambda begins, told: {**begins, **told},
    "both": lambda begins, told: {**begins, "message": TABLES_TEXT, **told, "page": told},
}
"""Code and text, the page's members -> the answer's body."""


def row(order: Order, speak: Speak) -> dict[str, Any]:
    """One order of the list.

    clause   jogos:iap.3 (lines 202-203)
    """
    good = {
        "orderId": order.order_id,
        "arrivedStatus": order.arrived_status,
        "payTime": order.paid_at_s,
        "productId": order.product_id,
        "userId": int(order.user_id),
        "refundStatus": order.refund_status,
        "refundTime": order.refunded_at_s,
    }
    told = with_ids(good, ("userId",), speak("orders_ids"))
    told = with_times(told, ("payTime", "refundTime"), speak("orders_times"))
    told = with_empties(told, REFUND_FIELDS, speak("orders_refund_fields"))
    return {**told, **_extra(order)} if speak("orders_extra") == "present" else told


def _extra(order: Order) -> dict[str, Any]:
    kind = "refund" if order.refund_status == REFUNDED else "pay"
    return {"gameId": int(order.game_id), "createTime": order.created_at_s, "paytype": kind}
