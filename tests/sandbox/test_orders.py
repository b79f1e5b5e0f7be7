"""The life of an order as a pure table."""

import pytest
from coinslot_contracts.domain import Order
from coinslot_sandbox import orders

NOW_S = 1_757_905_298


def _order(state="created", refund_status=None):
    return Order(
        order_id="o",
        game_id="1",
        user_id="2",
        product_id="3",
        created_at_s=1,
        state=state,
        paid_at_s=2 if state == "paid" else None,
        refund_status=refund_status,
    )


def test_a_created_order_is_paid_now():
    """jogos:iap.1.fields: payTime is the time of the payment."""
    paid = orders.pay(_order(), at_s=NOW_S)

    assert (paid.state, paid.paid_at_s, paid.refund_status) == ("paid", NOW_S, None)


@pytest.mark.parametrize(
    ("state", "code"), [("paid", "order-already-paid"), ("failed", "order-move-illegal")]
)
def test_only_a_created_order_is_paid(state, code):
    """An order is paid once."""
    with pytest.raises(orders.MoveRefused) as refused:
        orders.pay(_order(state), at_s=NOW_S)

    assert refused.value.code == code


def test_a_created_order_fails():
    """The twin of the next test."""
    assert orders.fail(_order()).state == "failed"


@pytest.mark.parametrize("state", ["paid", "failed"])
def test_only_a_created_order_fails(state):
    """What was paid is refunded, it does not fail."""
    with pytest.raises(orders.MoveRefused) as refused:
        orders.fail(_order(state))

    assert refused.value.code == "order-move-illegal"


LEGAL = {
    (None, 0), (None, 1), (None, 2), (None, 3),
    (0, 1), (0, 2), (0, 3),
    (2, 0), (2, 1),
    (3, 0), (3, 1),
}  # fmt: skip


@pytest.mark.parametrize("before", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_refund_moves_only_as_the_table_says(before, after):
    """sandbox:refund-moves: 1 is final."""
    order = _order("paid", before)

    if (before, after) in LEGAL:
        moved = orders.refund(order, status=after, at_s=NOW_S)
        assert moved.refund_status == after
        assert moved.refunded_at_s == (NOW_S if after == 1 else None)
        return
    with pytest.raises(orders.MoveRefused) as refused:
        orders.refund(order, status=after, at_s=NOW_S)
    assert refused.value.code == "order-move-illegal"


@pytest.mark.parametrize("state", ["created", "failed"])
def test_only_a_paid_order_is_refunded(state):
    """jogos:iap.4: refunds are of paid orders."""
    with pytest.raises(orders.MoveRefused) as refused:
        orders.refund(_order(state), status=1, at_s=NOW_S)

    assert refused.value.code == "order-not-paid"


def test_a_late_pay_notification_never_takes_a_refund_back():
    """jogos:iap.4: what was refunded stays refunded, in whatever order the notifications come."""
    refunded = orders.as_told_refunded(_order(), at_s=NOW_S)

    told_again = orders.as_told_paid(refunded, at_s=NOW_S + 5)

    assert (told_again.state, told_again.refund_status, told_again.refunded_at_s) == ("paid", 1, NOW_S)


def test_a_repeated_refund_notification_keeps_the_first_time():
    """jogos:iap.4: told twice, refunded once."""
    once = orders.as_told_refunded(_order(), at_s=NOW_S)

    assert orders.as_told_refunded(once, at_s=NOW_S + 5) == once


def test_a_refund_notification_of_an_unpaid_order_implies_the_payment():
    """A refund can only be of something that was paid."""
    told = orders.as_told_refunded(_order(), at_s=NOW_S)

    assert (told.state, told.paid_at_s, told.refund_status) == ("paid", NOW_S, 1)
