"""Moves that come at the same moment: the order takes one, and tells of one."""

import threading

import pytest
from coinslot_testkit.order_lives import make

AT_ONCE = 12


def _together(calls):
    """Make the calls from a thread each, begun at a barrier; the statuses of their answers."""
    gate, statuses = threading.Barrier(len(calls)), []

    def run(call):
        gate.wait()
        statuses.append(call().status)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _call(shop, order_id, move, **body):
    """A move that is told of where it can be."""
    told = {"callback": "normal"} if move in ("pay", "refund:1") else {}
    return lambda: make(shop, order_id, move, **told, **body)


@pytest.mark.parametrize("moves", [("pay",), ("pay", "fail", "cancel", "expire")])
def test_one_of_many_moves_of_an_unpaid_order_wins(shop, backend, moves):
    """The others are refused; the backend hears of a payment once or never."""
    for _ in range(5):
        order_id = shop.order_id()
        calls = [_call(shop, order_id, moves[number % len(moves)]) for number in range(AT_ONCE)]

        statuses = _together(calls)

        assert sorted(statuses) == [200] + [409] * (AT_ONCE - 1)
        detail = shop.done("GET", f"/orders/{order_id}")
        assert len(detail["deliveries"]) == int(detail["order"]["status"] == "success")
        events = shop.done("GET", f"/orders/{order_id}/timeline")["events"]
        assert len([event for event in events if "move" in event]) == 2, "made, and moved once"


def test_one_of_many_refunds_wins(shop):
    """refundStatus 1 is reached once, and told once."""
    order_id = shop.order_id(paid=True, callback="manual")

    statuses = _together([_call(shop, order_id, "refund:1")] * AT_ONCE)

    assert sorted(statuses) == [200] + [409] * (AT_ONCE - 1)
    assert len(shop.done("GET", f"/orders/{order_id}")["deliveries"]) == 1


def test_forced_moves_lose_nothing(shop):
    """Each is made in turn on what the one before it left; the history has them all, in one line."""
    order_id = shop.order_id()
    moves = ["pay", "fail", "refund:1", "cancel"] * 3

    statuses = _together([_call(shop, order_id, move, force=True) for move in moves])

    assert statuses == [200] * len(moves)
    events = shop.done("GET", f"/orders/{order_id}/timeline")["events"]
    steps = [event for event in events if "move" in event]
    assert len(steps) == 1 + len(moves)
    assert [step["from"] for step in steps[1:]] == [step["to"] for step in steps[:-1]]
