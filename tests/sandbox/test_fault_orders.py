"""Lies about orders: pages that shift, rows that miss or come twice, confirmations that are refused or lost.

Read with urllib3 and plain JSON; each lie is healed and the honest answer is found again.
"""

import json

import pytest

PAGE, ARRIVED = "jogos.getOrders", "jogos.arrivedorder"


@pytest.fixture
def orders(shop):
    """Seven paid orders, newest first, as the honest list has them."""
    player = shop.player(username="alice")
    for _ in range(7):
        shop.order(player=player, paid=True, callback="lost")
    return _ids(_page(shop, 1, 20))


def _page(shop, number=1, size=3):
    reply = shop.orders_page(page_no=number, page_size=size)
    assert reply.status == 200
    return reply.json["page"]


def _ids(page):
    return [row["orderId"] for row in page["content"]]


def _set(shop, spec, at=PAGE, **more):
    return shop.done("POST", "/faults", {"at": at, "with": spec, **more})["fault_id"]


def _heal(shop, fault_id):
    return shop.done("DELETE", f"/faults/{fault_id}")["fired"]


@pytest.mark.parametrize("params", [True, "the third"])
def test_an_order_misses_on_its_page(shop, orders, params):
    """The first of the page, or the one that is named; totals say otherwise."""
    missing = orders[0] if params is True else orders[2]
    fault_id = _set(shop, {"order_missing_from_page": params if params is True else missing})

    page = _page(shop)

    assert _ids(page) == [order_id for order_id in orders[:3] if order_id != missing]
    assert (page["total"], page["totalPage"]) == (7, 3)
    assert _heal(shop, fault_id) == 1
    assert _ids(_page(shop)) == orders[:3]


def test_an_order_that_is_elsewhere_misses_nowhere(shop, orders):
    """On other pages there is nothing to leave out, so nothing has fired."""
    fault_id = _set(shop, {"order_missing_from_page": orders[0]})

    assert _ids(_page(shop, 2)) == orders[3:6]
    assert _heal(shop, fault_id) == 0


@pytest.mark.parametrize(
    ("by", "second", "total"), [(1, slice(2, 5), 8), (2, slice(1, 4), 9), (-1, slice(4, 7), 6)]
)
def test_rows_move_while_pages_are_read(shop, orders, by, second, total):
    """Orders came in: the second page repeats rows. Orders left: it skips some."""
    fault_id = _set(shop, {"page_shift": {"by": by}})

    assert _ids(_page(shop, 1)) == orders[:3]
    page = _page(shop, 2)

    assert (_ids(page), page["total"]) == (orders[second], total)
    assert _heal(shop, fault_id) == 1
    assert _ids(_page(shop, 2)) == orders[3:6]


def test_all_pages_of_a_shifting_list_hold_every_order(shop, orders):
    """Whoever reads to the last page and drops repetitions has them all."""
    _set(shop, {"page_shift": True})
    first = _page(shop, 1)
    seen, number = list(_ids(first)), 1
    while number < (page := _page(shop, number + 1))["totalPage"]:
        seen += _ids(page)
        number += 1
    seen += _ids(page)

    assert list(dict.fromkeys(seen)) == orders
    assert len(seen) > len(orders)


def test_the_size_of_pages_is_ignored(shop, orders):
    """Asked for 3, it pages by 2 and says so."""
    fault_id = _set(shop, {"page_size_ignored": {"size": 2}})

    page = _page(shop, 2)

    assert (_ids(page), page["pageSize"], page["totalPage"]) == (orders[2:4], 2, 4)
    assert _heal(shop, fault_id) == 1
    assert _ids(_page(shop, 2)) == orders[3:6]


def test_a_call_that_is_refused_stays_refused(shop, orders):
    """A wrong signature gets no page, however pages are counted; and nothing has fired."""
    body = json.dumps({"gameId": int(shop.game_id), "pageNo": 1, "pageSize": 3}).encode()
    for spec in ({"page_size_ignored": 2}, {"endless_list": True}, {"total_wrong": 1}, {"page_shift": 1}):
        fault_id = _set(shop, spec)
        reply = shop.portal("/api/gamepay/getOrders", body, signed_over=b"other")
        assert reply.json["code"] == "41007"
        assert _heal(shop, fault_id) == 0


@pytest.mark.parametrize(("by", "expected"), [(1, (8, 3)), (-5, (2, 1)), (-100, (0, 0)), (30, (37, 13))])
def test_totals_are_wrong(shop, orders, by, expected):
    """Rows are as ever."""
    fault_id = _set(shop, {"total_wrong": by})

    page = _page(shop)

    assert (page["total"], page["totalPage"]) == expected
    assert _ids(page) == orders[:3]
    assert _heal(shop, fault_id) == 1
    assert _page(shop)["total"] == 7


def test_a_row_comes_twice(shop, orders):
    """On one page, as a whole row."""
    fault_id = _set(shop, {"duplicate_row": True})

    content = _page(shop)["content"]

    assert [row["orderId"] for row in content] == [*orders[:3], orders[0]]
    assert content[0] == content[-1]
    assert _heal(shop, fault_id) == 1
    assert _ids(_page(shop)) == orders[:3]


def test_a_list_has_no_end(shop, orders):
    """Every page promises a further one and repeats rows of the real ones."""
    fault_id = _set(shop, {"endless_list": True})

    pages = [_page(shop, number) for number in (1, 3, 4, 50)]

    assert [_ids(page) for page in pages] == [orders[:3], orders[6:], orders[:3], orders[3:6]]
    assert [(page["currentPage"], page["totalPage"]) for page in pages] == [(1, 2), (3, 4), (4, 5), (50, 51)]
    assert _heal(shop, fault_id) == 4
    assert _page(shop, 50)["content"] == []


@pytest.mark.parametrize("params", [True, 60])
def test_delivered_orders_are_listed_as_not_delivered(shop, orders, params):
    """For ever, or until so long of the schedule's time after it was set."""
    assert shop.arrived(orders[0]).json["code"] == "200"
    shop.done("POST", "/clock/freeze", {})
    fault_id = _set(shop, {"arrived_flag_lag": params})

    assert [row["arrivedStatus"] for row in _page(shop)["content"]] == [0, 0, 0]
    shop.done("POST", "/clock/advance", {"by_s": 60})
    later = [row["arrivedStatus"] for row in _page(shop)["content"]]
    assert later == ([0, 0, 0] if params is True else [1, 0, 0])
    assert _heal(shop, fault_id) == (2 if params is True else 1)
    assert [row["arrivedStatus"] for row in _page(shop)["content"]] == [1, 0, 0]


@pytest.mark.parametrize("code", [305, 40001, 41007, 500])
def test_a_confirmation_is_refused(shop, orders, code):
    """Twice, with one of the documented codes; the order stays undelivered until it is accepted."""
    fault_id = _set(shop, {"arrived_rejects": {"code": code}, "times": 2}, at=ARRIVED, order=orders[0])

    replies = [shop.arrived(orders[0]) for _ in range(2)]

    assert [(reply.status, reply.json["code"]) for reply in replies] == [(200, str(code))] * 2
    assert shop.done("GET", f"/orders/{orders[0]}")["order"]["arrivedStatus"] == 0
    assert shop.arrived(orders[1]).json["code"] == "200"
    assert shop.arrived(orders[0]).json["code"] == "200"
    assert shop.done("GET", f"/orders/{orders[0]}")["order"]["arrivedStatus"] == 1
    assert _heal(shop, fault_id) == 2


def test_a_confirmation_is_accepted_and_lost(shop, orders):
    """200, and the flag stays 0; healed, the next one sticks."""
    fault_id = _set(shop, {"arrived_ok_but_lost": True}, at=ARRIVED)

    assert shop.arrived(orders[0]).json == {"code": "200", "msg": "Success"}
    assert shop.done("GET", f"/orders/{orders[0]}")["order"]["arrivedStatus"] == 0
    assert _heal(shop, fault_id) == 1
    shop.arrived(orders[0])
    assert shop.done("GET", f"/orders/{orders[0]}")["order"]["arrivedStatus"] == 1


@pytest.mark.parametrize("at", [PAGE, ARRIVED])
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("number", {"code": 200, "msg": "Success"}),
        ("message", {"code": "200", "message": "Success"}),
        ("both", {"code": "200", "msg": "Success", "message": "Success"}),
        ("word", {"code": "SUCCESS", "message": "Success"}),
    ],
)
def test_code_and_text_are_spelt_otherwise(shop, orders, at, form, expected):
    """A number for a string, `message` for `msg`, both; the rest of the answer stays."""

    def ask():
        return (shop.orders_page() if at == PAGE else shop.arrived(orders[0])).json

    honest = ask()
    fault_id = _set(shop, {"code_type": form}, at=at)

    told = ask()

    rest = {name: value for name, value in honest.items() if name not in ("code", "msg")}
    assert told == {**expected, **rest}
    assert _heal(shop, fault_id) == 1
    assert ask() == honest
