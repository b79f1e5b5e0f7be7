"""What a move does to an order's facts, as pure functions over each portal's table."""

import dataclasses

import pytest
from coinslot_contracts.domain import Order
from coinslot_contracts.orders import PLAIN_ORDERS
from coinslot_contracts.portal import discover
from coinslot_sandbox import orders
from coinslot_testkit.order_lives import LIVES

NOW_S = 1_757_905_298
TABLES = {**{name: portal.life for name, portal in discover().items()}, "plain": PLAIN_ORDERS}
STEPS = [
    (name, move, status_from, status_to)
    for name, life in TABLES.items()
    for move, steps in life.moves.items()
    for status_from, status_to in steps.items()
]


def _order(**facts):
    order = Order(order_id="o", game_id="1", user_id="2", product_id="3", created_at_s=1)
    return dataclasses.replace(order, **facts)


def _orders_of(life):
    """An order of each status, reached by legal moves from a new one."""
    reached = {life.status(_order()): _order()}
    waiting = list(reached.values())
    while waiting:
        order = waiting.pop()
        for move in life.legal(order):
            after = orders.make(life, order, move, at_s=NOW_S).order
            if life.status(after) not in reached:
                reached[life.status(after)] = after
                waiting.append(after)
    return reached


@pytest.mark.parametrize("name", TABLES)
def test_every_status_is_reached_by_legal_moves(name):
    """A status that nothing leads to would be a word without a meaning."""
    assert set(_orders_of(TABLES[name])) == {status.name for status in TABLES[name].statuses}


@pytest.mark.parametrize(("name", "move", "status_from", "status_to"), STEPS)
def test_a_move_leads_where_the_table_says(name, move, status_from, status_to):
    """The table is data, the effect is code: they agree on every legal step."""
    life = TABLES[name]

    moved = orders.make(life, _orders_of(life)[status_from], move, at_s=NOW_S)

    assert (moved.status_from, moved.status_to, moved.forced) == (status_from, status_to, False)


@pytest.mark.parametrize("name", LIVES)
def test_the_tables_are_those_that_were_written_down_by_hand(name):
    """sandbox:order-moves, once more and independently."""
    by_hand = {
        (status, move): to for status, moves in LIVES[name].legal.items() for move, to in moves.items()
    }

    assert {(status, move): to for table, move, status, to in STEPS if table == name} == by_hand


def test_a_created_order_is_paid_now():
    """jogos:iap.1.fields: payTime is the time of the payment."""
    paid = orders.make(PLAIN_ORDERS, _order(), "pay", at_s=NOW_S).order

    assert (paid.state, paid.paid_at_s, paid.refund_status) == ("paid", NOW_S, None)


def test_a_refund_has_a_time_once_it_is_done():
    """jogos:iap.4: refundTime goes with refundStatus 1, and only with it."""
    paid = _order(state="paid", paid_at_s=2)

    under_way = orders.make(PLAIN_ORDERS, paid, "refund:0", at_s=NOW_S).order
    done = orders.make(PLAIN_ORDERS, under_way, "refund:1", at_s=NOW_S + 1).order
    again = orders.make(PLAIN_ORDERS, done, "refund:1", at_s=NOW_S + 2, force=True).order
    undone = orders.make(PLAIN_ORDERS, done, "refund:2", at_s=NOW_S + 3, force=True).order

    assert [order.refunded_at_s for order in (under_way, done, again, undone)] == [
        None,
        NOW_S + 1,
        NOW_S + 1,
        None,
    ]


def test_a_late_payment_never_takes_a_refund_back():
    """jogos:iap.4: what was refunded stays refunded, forced or told by hand."""
    refunded = _order(state="paid", paid_at_s=2, refund_status=1, refunded_at_s=3)

    assert orders.told(PLAIN_ORDERS, refunded, "pay", at_s=NOW_S) == []
    assert orders.make(PLAIN_ORDERS, refunded, "pay", at_s=NOW_S, force=True).order == refunded


def test_a_repeated_refund_notification_changes_nothing():
    """jogos:iap.4: told twice, refunded once."""
    first = orders.told(PLAIN_ORDERS, _order(), "refund", at_s=NOW_S)

    assert [(step.move, step.forced) for step in first] == [("pay", False), ("refund:1", False)]
    assert orders.told(PLAIN_ORDERS, first[-1].order, "refund", at_s=NOW_S + 5) == []


def test_an_order_that_is_paid_again_after_it_was_taken_back_starts_anew():
    """An unpaid order has nothing that only a paid one has."""
    life = TABLES["playgama"]
    order = _order(state="paid", paid_at_s=2, refund_status=0, consumed=True)

    back = orders.make(life, order, "unpay", at_s=NOW_S).order

    assert back == _order()


def test_an_illegal_move_names_the_legal_ones():
    """So that nobody has to look them up."""
    with pytest.raises(orders.MoveRefused) as refused:
        orders.make(TABLES["jogos"], _order(state="failed"), "cancel", at_s=NOW_S)
    assert refused.value.code == "order-move-illegal"
    assert refused.value.remedy == "legal now: none; or say force: true"

    with pytest.raises(orders.MoveRefused) as refused:
        orders.make(TABLES["jogos"], _order(), "refund:0", at_s=NOW_S)
    assert refused.value.code == "order-not-paid"
    assert refused.value.remedy == "legal now: pay, fail, cancel, expire; or say force: true"
