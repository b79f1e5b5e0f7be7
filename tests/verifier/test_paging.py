"""A list that moves while it is read, and whose totals may be anything."""

from collections.abc import Callable, Sequence

import pytest
from coinslot_contracts.domain import ListedOrder, OrdersPage
from coinslot_contracts.errors import ConfirmUnavailable, FieldInvalid
from coinslot_verifier.paging import PAGES_MAX, SAME_MAX, STALE_MAX, ListPlace, follow
from hypothesis import example, given
from hypothesis import strategies as st


def order(name: object) -> ListedOrder:
    return ListedOrder(order_id=str(name), user_id="1", product_id="p", arrived_status=0, paid_at_s=1)


class Portal:
    """A list, its totals as it tells them, and every question it was asked.

    first     the number that its first page has
    size_max  the largest page it gives
    lie       turns the true numbers into those that are told
    changes   what happens to the list after the n-th question
    """

    def __init__(
        self,
        names: Sequence[object],
        *,
        first: int = 1,
        size_max: int = 100,
        lie: Callable[[dict[str, int]], dict[str, int]] = lambda true: true,
        changes: dict[int, Callable[[list[object]], None]] | None = None,
    ) -> None:
        self.names = list(names)
        self.first, self.size_max, self.lie = first, size_max, lie
        self.changes = changes or {}
        self.asked: list[tuple[int, int]] = []

    def ask(self, page_no: int, page_size: int) -> OrdersPage:
        self.asked.append((page_no, page_size))
        if page_no < self.first:
            raise FieldInvalid("no such page")
        size = min(page_size, self.size_max)
        start = (page_no - self.first) * size
        rows = tuple(order(name) for name in self.names[start : start + size])
        true = {
            "page_no": page_no,
            "page_size": size,
            "pages_total": -(-len(self.names) // size),
            "orders_total": len(self.names),
        }
        page = OrdersPage(orders=rows, **self.lie(true))
        self.changes.get(len(self.asked), lambda _: None)(self.names)
        return page

    def listed(self, page_size: int = 10) -> list[str]:
        return [found.order_id for found in follow(self.ask, page_size=page_size)]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(("count", "questions"), [(0, 1), (1, 2), (9, 2), (10, 2), (11, 3), (20, 3), (25, 4)])
def test_a_list_that_stands_still_is_read_once(count, questions):
    """One question more than it has pages: that there is no more is shown by an empty page alone."""
    portal = Portal(numbers(count))

    assert portal.listed() == numbers(count)
    assert len(portal.asked) == questions


def test_orders_that_are_paid_meanwhile_push_rows_back_and_are_found_too():
    """sandbox:orders-newest-first"""
    portal = Portal(numbers(25), changes={1: lambda names: names.insert(0, "new")})

    listed = portal.listed()

    assert sorted(listed) == sorted([*numbers(25), "new"])
    assert len(listed) == 26


def test_orders_that_leave_meanwhile_pull_rows_forward_and_lose_none():
    """A list of what is not delivered yet shrinks while we deliver."""
    portal = Portal(numbers(25), changes={1: lambda names: names.pop(0)})

    assert sorted(portal.listed()) == sorted(numbers(25))


def test_a_list_that_shrank_without_losing_anything_costs_a_second_reading_only():
    """The total equals what was seen, and still somebody may have moved."""
    portal = Portal(numbers(25), changes={1: lambda names: names.pop()})

    assert sorted(portal.listed()) == sorted(numbers(24))
    assert len(portal.asked) <= 2 * 4 + 1


def test_rows_that_are_told_twice_come_once():
    """Duplicate rows, on one page and on several."""
    portal = Portal(["a", "a", "b", "c", "b", "d"])

    assert portal.listed(2) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("size_max", [1, 5, 9])
def test_a_smaller_page_is_kept_to(size_max):
    """sandbox:page-size-max"""
    portal = Portal(numbers(31), size_max=size_max)

    assert portal.listed(20) == numbers(31)
    assert {size for _, size in portal.asked[1:]} == {size_max}


def test_a_page_that_becomes_smaller_on_the_way_loses_nothing():
    """Page 3 of 20 is not page 3 of 5: the list is begun anew."""
    portal = Portal(numbers(100), size_max=20)
    portal.changes = {2: lambda _: setattr(portal, "size_max", 5)}

    assert sorted(portal.listed(20), key=int) == numbers(100)


@pytest.mark.parametrize(
    "lie",
    [
        {"orders_total": 0, "pages_total": 0},
        {"orders_total": 0},
        {"pages_total": 0},
        {"orders_total": 1, "pages_total": 1},
        {"pages_total": 1},
        {"orders_total": 900, "pages_total": 90},
        {"orders_total": 2**62, "pages_total": 2**62},
        {"page_size": 3},
        {"page_size": 0},
        {"page_size": 10**9},
        {"page_no": 0},
        {"page_no": 77},
        {"page_no": 0, "page_size": 0, "pages_total": 0, "orders_total": 0},
    ],
)
@pytest.mark.parametrize("count", [1, 10, 25, 100])
def test_totals_that_lie_lose_nothing_and_end(lie, count):
    """What is believed is the rows; the price is at most a second reading."""
    portal = Portal(numbers(count), lie=lambda true: {**true, **lie})

    assert portal.listed() == numbers(count)
    assert len(portal.asked) <= 2 * (-(-count // 3) + 2) + 1


@pytest.mark.parametrize("count", [5, 10, 25])
def test_a_portal_that_counts_its_pages_from_zero_is_read_whole(count):
    """sandbox:page-numbers"""
    portal = Portal(numbers(count), first=0)

    assert sorted(portal.listed(), key=int) == numbers(count)


def test_the_last_page_in_place_of_those_past_it_ends_the_list():
    """sandbox:page-past-end: the totals lie too, so that only the repetition tells."""

    def ask(page_no: int, page_size: int) -> OrdersPage:
        rows = tuple(order(name) for name in numbers(4)[min(page_no - 1, 1) * 2 :][:2])
        return OrdersPage(orders=rows, page_no=page_no, page_size=2, pages_total=0, orders_total=0)

    assert [found.order_id for found in follow(ask, page_size=2)] == numbers(4)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("totals", [True, False])
def test_a_refusal_past_the_end_is_the_end(count, totals):
    """sandbox:page-past-end: 305"""
    portal = Portal(numbers(count), lie=lambda true: true if totals else {**true, "pages_total": 0})

    def ask(page_no: int, page_size: int) -> OrdersPage:
        page = portal.ask(page_no, page_size)
        if not page.orders:
            raise FieldInvalid("no such page")
        return page

    assert [found.order_id for found in follow(ask, page_size=2)] == numbers(count)


def test_an_outage_before_the_end_is_no_end():
    """The twin of the one above; what was read until then came out."""
    portal = Portal(numbers(25), lie=lambda true: {**true, "pages_total": 0, "orders_total": 0})
    found = []

    def ask(page_no: int, page_size: int) -> OrdersPage:
        if page_no == 2:
            raise ConfirmUnavailable("away")
        return portal.ask(page_no, page_size)

    with pytest.raises(ConfirmUnavailable, match="away"):
        found.extend(one.order_id for one in follow(ask, page_size=10))
    reading = follow(ask, page_size=10)
    assert [next(reading).order_id for _ in range(10)] == numbers(10)


def test_a_portal_that_gives_the_first_page_for_ever_is_found_out():
    """The list is not whole, and the caller learns it."""
    asked = []

    def ask(page_no: int, page_size: int) -> OrdersPage:
        asked.append(page_no)
        rows = tuple(order(name) for name in numbers(10))
        return OrdersPage(orders=rows, page_no=1, page_size=10, pages_total=4, orders_total=31)

    with pytest.raises(ConfirmUnavailable, match="10 of 31 orders seen"):
        list(follow(ask, page_size=10))
    assert len(asked) == 1 + SAME_MAX


def test_a_list_that_goes_in_circles_ends():
    """Neither equal to the page before, nor new."""
    asked = []

    def ask(page_no: int, page_size: int) -> OrdersPage:
        asked.append(page_no)
        rows = (order(page_no % 3),)
        return OrdersPage(orders=rows, page_no=page_no, page_size=1, pages_total=10**9, orders_total=0)

    assert [found.order_id for found in follow(ask, page_size=1)] == ["1", "2", "0"]
    assert len(asked) == 3 + STALE_MAX + 2


def test_an_endless_list_is_an_outage():
    """10,000 questions at most."""
    asked = []

    def ask(page_no: int, page_size: int) -> OrdersPage:
        asked.append(page_no)
        rows = (order(page_no),)
        return OrdersPage(orders=rows, page_no=page_no, page_size=1, pages_total=0, orders_total=0)

    with pytest.raises(ConfirmUnavailable, match="more than 10000 pages"):
        list(follow(ask, page_size=1))
    assert len(asked) == PAGES_MAX


def test_a_list_of_too_many_orders_is_an_outage(monkeypatch):
    """Memory has a bound too."""
    monkeypatch.setattr("coinslot_verifier.paging.ORDERS_MAX", 15)

    with pytest.raises(ConfirmUnavailable, match="more than 15 orders"):
        Portal(numbers(20)).listed()


NUMBERS = st.integers(0, 2**63 - 1) | st.integers(0, 40)


@example(names=[0, 1], page_size=2, size_max=1, lie={"page_size": 0, "pages_total": 1, "orders_total": 0})
@example(names=[0, 1], page_size=2, size_max=1, lie={"page_size": 0, "pages_total": 1, "orders_total": 1})
@given(
    st.lists(st.integers(0, 99), max_size=40, unique=True),
    st.integers(1, 12),
    st.integers(1, 12),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("page_no", "page_size", "pages_total", "orders_total"), NUMBERS)
    ),
)
def test_whatever_is_claimed_every_row_comes_once(names, page_size, size_max, lie):
    """Rows that stand still, with any numbers about them."""
    portal = Portal(names, size_max=size_max, lie=lambda true: {**true, **lie})

    listed = portal.listed(page_size)

    assert len(set(listed)) == len(listed)
    assert set(listed) == {str(name) for name in names}


def parts(portal: Portal, *, questions: int, page_size: int = 10) -> tuple[list[str], int]:
    """The list read in parts of so many questions each; what was read, and in how many parts."""
    listed: list[str] = []
    place = ListPlace()
    for part in range(1, 100):
        before = len(portal.asked)
        listed += [
            found.order_id
            for found in follow(
                portal.ask,
                page_size=page_size,
                place=place,
                is_over=lambda before=before: len(portal.asked) - before >= questions,
            )
        ]
        if place.is_end:
            return listed, part
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize(("questions", "count"), [(1, 4), (2, 2), (3, 2), (4, 1)])
def test_a_list_is_read_in_parts_that_follow_each_other(questions, count):
    """Each part has a question at least, and none is asked twice."""
    portal = Portal(numbers(25))

    assert parts(portal, questions=questions) == (numbers(25), count)
    assert portal.asked == [(1, 10), (2, 10), (3, 10), (4, 10)]


def test_a_part_of_a_list_with_smaller_pages_goes_on_at_the_row_where_it_was():
    """sandbox:page-size-max: page 3 of 10 is not page 3 of 4, so a place is rows and no page."""
    portal = Portal(numbers(25), size_max=4)

    listed, _ = parts(portal, questions=3)

    assert sorted(set(listed), key=int) == numbers(25)
    assert len(portal.asked) < 20


def test_a_part_of_a_list_that_counts_from_zero_reads_the_page_before_in_the_end():
    """Who was told that there are more looks there."""
    portal = Portal(numbers(25), first=0)

    assert sorted(parts(portal, questions=1)[0], key=int) == numbers(25)
    assert portal.asked[-1] == (0, 10)


@pytest.mark.parametrize("total", [0, 5, 1_000])
def test_a_list_that_lies_about_its_total_ends_in_parts_too(total):
    """What is read in parts is read once: a second reading in parts could go on for ever."""
    portal = Portal(numbers(25), lie=lambda true: {**true, "orders_total": total, "pages_total": 0})

    listed, count = parts(portal, questions=2)

    assert sorted(listed, key=int) == numbers(25)
    assert count <= 3


def test_a_part_whose_first_page_is_refused_is_not_the_end():
    """A wrong key looks like a page past the end; an empty page there is the end."""
    portal = Portal(numbers(25))
    place = ListPlace(rows=30)

    def refuse(page_no: int, page_size: int) -> OrdersPage:
        raise FieldInvalid("305")

    with pytest.raises(FieldInvalid):
        list(follow(refuse, page_size=10, place=place))
    assert not place.is_end
    assert list(follow(portal.ask, page_size=10, place=place)) == []
    assert place.is_end
