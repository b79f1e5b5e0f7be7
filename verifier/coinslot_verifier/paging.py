"""Every order of a list that moves while it is read, told in pages by somebody whose totals may be wrong.

What is believed is the rows; the totals only say when to look again, never when to stop looking at rows. Each
order comes once. Nothing may follow from an order that is not listed. It must not know HTTP or a portal.
clauses   sandbox:page-size-max, sandbox:page-past-end, sandbox:page-numbers, sandbox:orders-newest-first
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from coinslot_contracts.domain import ListedOrder, OrdersPage
from coinslot_contracts.errors import CoinslotError, ConfirmUnavailable, Refused

AskPage = Callable[[int, int], OrdersPage]
"""Page number and page size -> the page; raises a Refused or an Undecided."""

PAGES_MAX: Final = 10_000
ORDERS_MAX: Final = 2_000_000
SAME_MAX: Final = 2
"""So many pages in a row that equal the one before, and the portal gives that page whatever is asked for."""
STALE_MAX: Final = 20
"""So many pages in a row without a new order, more than were read before, and the list goes in circles."""


@dataclass(slots=True, kw_only=True)
class ListPlace:
    """Where the reading of a list stands; a later reading that is given it goes on there.

    rows     so many rows stand before the page that is read, or that is to be read next
    is_end   whether the list was read to its end
    """

    rows: int = 0
    is_end: bool = False


@dataclass(slots=True)
class _Reading:
    """What is known of the list so far.

    skipped   so many rows were read by an earlier reading
    pages     how many pages were asked for
    total     how many orders the portal last said that there are; 0 = it did not say
    """

    ask: AskPage
    page_size: int
    place: ListPlace
    is_over: Callable[[], bool]
    skipped: int
    seen: set[str] = field(default_factory=set)
    pages: int = 0
    total: int = 0
    has_shrunk: bool = False

    def read(self, page_no: int) -> OrdersPage:
        if self.pages >= PAGES_MAX:
            raise ConfirmUnavailable(f"the portal lists more than {PAGES_MAX} pages of orders")
        self.pages += 1
        page = self.ask(page_no, self.page_size)
        self.has_shrunk |= 0 < page.orders_total < self.total
        self.total = page.orders_total
        return page

    def news(self, page: OrdersPage) -> Iterator[ListedOrder]:
        for order in page.orders:
            if order.order_id not in self.seen:
                if len(self.seen) >= ORDERS_MAX:
                    raise ConfirmUnavailable(f"the portal lists more than {ORDERS_MAX} orders")
                self.seen.add(order.order_id)
                yield order

    def turn_to(self, page_no: int) -> bool:
        """Note where the reading stands; whether there is time to read there, as there is once at least."""
        self.place.rows = (page_no - 1) * self.page_size
        return self.pages == 0 or not self.is_over()

    def count(self) -> int:
        """How many orders were read; the last page that is passed over may be one that is not full."""
        return min(self.skipped, self.total) + len(self.seen)

    def is_complete(self) -> bool:
        return 0 < self.total <= self.count() and not self.has_shrunk

    def resize(self, page: OrdersPage) -> bool:
        """Keep to a smaller page than was asked for, where the rows agree; whether that is news."""
        if not 0 < page.page_size < self.page_size or len(page.orders) > page.page_size:
            return False
        self.page_size = page.page_size
        return True

    def is_owed(self) -> bool:
        return self.count() < self.total


def follow(
    ask: AskPage,
    *,
    page_size: int,
    place: ListPlace | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[ListedOrder]:
    """Every order, each once, in the order in which they are met.

    Pages are read until an empty one: a page that is not full may be one that the portal keeps smaller than
    it was asked for, and the totals may be wrong. A page size that it says to be smaller is kept to. Where
    the total and the orders seen do not agree in the end, or the total has shrunk, the list is read a second
    time, from page 0: rows move to earlier pages when orders leave the list, and a portal may count its pages
    from 0. So the worst list costs twice its pages, a good one a question more than it has pages.

    A list may be read in parts: only the first page is asked for after is_over says so, and place tells the
    next part where to begin. What is read in parts is read once: rows that moved to earlier pages meanwhile
    are met by the next reading from the start. So is a list whose second reading is over before its end.
    place    where to begin, and at any moment where the reading stands
    is_over  whether the time for this part is up
    errors   what ask raises, but for what is beyond the end; ConfirmUnavailable where there are more than
             10,000 pages or 2,000,000 orders, and where pages repeat themselves while orders are owed
    """
    at = place or ListPlace()
    reading = _Reading(ask=ask, page_size=page_size, place=at, is_over=is_over, skipped=at.rows)
    at.is_end = False
    yield from _pass(reading)
    if not at.is_end:
        return
    if reading.count() == reading.total and not reading.has_shrunk:
        return
    yield from _page_zero(reading)
    if not (reading.skipped or reading.is_complete()) and reading.total:
        yield from _pass(reading, is_second=True)


def _page_zero(reading: _Reading) -> Iterator[ListedOrder]:
    """What stands before page 1 where somebody counts from 0; an error says that there is nothing."""
    total, has_shrunk = reading.total, reading.has_shrunk
    try:
        page = reading.read(0)
    except CoinslotError:
        return
    finally:
        reading.total, reading.has_shrunk = total, has_shrunk
    yield from reading.news(page)


def _pass(reading: _Reading, *, is_second: bool = False) -> Iterator[ListedOrder]:
    before: tuple[ListedOrder, ...] = ()
    same = stale = last_page = 0
    stale_max = STALE_MAX + reading.pages
    page_no = reading.skipped // reading.page_size
    while not (is_second and reading.is_complete()):
        page_no += 1
        if not reading.turn_to(page_no):
            return
        try:
            page = reading.read(page_no)
        except CoinslotError as error:
            if _is_past_end(error, reading, page_no=page_no, last_page=last_page):
                break
            raise
        if not page.orders:
            break
        known, last_page = len(reading.seen), page.pages_total
        yield from reading.news(page)
        if reading.resize(page) and page_no > 1:
            page_no = reading.skipped // reading.page_size
        stale = 0 if len(reading.seen) > known else stale + 1
        same = same + 1 if page.orders == before else 0
        before = page.orders
        if same >= SAME_MAX or stale > stale_max:
            _check_whole(reading)
            break
    reading.place.is_end = True


def _is_past_end(error: CoinslotError, reading: _Reading, *, page_no: int, last_page: int) -> bool:
    """Whether an error says that there is no such page, rather than that it cannot be had."""
    if page_no == 1 or reading.pages == 1 or page_no <= last_page:
        return False
    return isinstance(error, Refused) or (last_page > 0 and not reading.is_owed())


def _check_whole(reading: _Reading) -> None:
    if reading.is_owed():
        seen = f"{len(reading.seen)} of {reading.total} orders seen"
        raise ConfirmUnavailable(f"the portal repeats its pages; {seen}")
