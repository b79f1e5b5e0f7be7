"""Faults at `delivery` that are about when and how often the schedule sends, seen by a recording backend."""

import hashlib
import threading

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import RecordingBackend, Says
from coinslot_testkit.waiting import until


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game, with a retry after a hundredth of a second."""
    shop.done("POST", "/reset")
    shop.set_game(callback_url=backend.url, retry=[0.01])
    return shop


@pytest.fixture
def frozen(game):
    """The same, with a schedule that only advances by hand."""
    game.done("POST", "/clock/freeze")
    return game


def _fault(game, kinds, **more):
    return game.done("POST", "/faults", {"at": "delivery", "with": kinds, **more})["fault_id"]


def _fired(game, fault_id):
    return {one["fault_id"]: one["fired"] for one in game.done("GET", "/faults")["faults"]}[fault_id]


def _advance(game, **how):
    return game.done("POST", "/clock/advance", how)


def _told(backend):
    return [(arrival.json["paytype"], arrival.json["orderId"]) for arrival in backend.arrivals]


def _signed(game, arrival):
    return hashlib.sha1(arrival.body + game.shared_key.encode()).hexdigest()


def _deliveries(game, order_id):
    return game.done("GET", f"/orders/{order_id}")["deliveries"]


def test_without_a_fault_an_order_is_told_of_once(frozen, backend):
    """The twin of all below."""
    order_id = frozen.order_id(paid=True)

    _advance(frozen, until_idle=True)

    assert _told(backend) == [("pay", order_id)]


def test_a_duplicate_is_the_same_bytes_again_after_a_while(frozen, backend):
    """sandbox.md, duplicate: exact copies, gap_s apart on the schedule, each a delivery of its own."""
    fault_id = _fault(frozen, {"duplicate": {"copies": 3, "gap_s": 60}})
    order_id = frozen.order_id(paid=True)

    fired = _advance(frozen, until_idle=True)["fired"]

    assert [round(one["schedule_at_s"] - fired[0]["schedule_at_s"]) for one in fired] == [0, 60, 120]
    assert [arrival.body for arrival in backend.arrivals] == [backend.arrivals[0].body] * 3
    assert {arrival.header("Authorization") for arrival in backend.arrivals} == {
        _signed(frozen, backend.arrivals[0])
    }
    assert _fired(frozen, fault_id) == 1
    first, *copies = _deliveries(frozen, order_id)
    assert (first["fault_id"], [copy["fault_id"] for copy in copies]) == (None, [fault_id] * 2)
    (attempt,) = frozen.done("GET", f"/deliveries/{copies[0]['delivery_id']}")["attempts"]
    assert attempt["cause"] == "fault"


def test_a_rebuilt_duplicate_has_a_new_time_and_signature(frozen, backend):
    """sandbox.md, duplicate rebuild: createTime is now, the order's other facts are as they were."""
    order = frozen.order()["order"]
    _advance(frozen, by_s=100)
    _fault(frozen, {"duplicate": {"mode": "rebuild"}})
    frozen.done("POST", f"/orders/{order['order_id']}/pay")

    _advance(frozen, until_idle=True)

    first, again = backend.arrivals
    assert again.json == {**first.json, "createTime": first.json["createTime"] + 100}
    assert again.header("Authorization") == _signed(frozen, again) != first.header("Authorization")


def test_what_a_fault_added_is_not_doubled_in_turn(frozen, backend):
    """Or one fault without a limit would fill the schedule."""
    _fault(frozen, {"duplicate": 2})
    frozen.order(paid=True)
    frozen.order(paid=True)

    _advance(frozen, until_idle=True)

    assert len(backend.arrivals) == 4


def test_a_duplicate_comes_though_the_first_one_failed(game, backend):
    """And the first one's own retry comes too."""
    backend.answer_with(Says(status=500), Says())
    fault_id = _fault(game, {"duplicate": 2, "times": 1})

    game.order(paid=True)

    assert len({arrival.body for arrival in backend.wait_for(3)}) == 1
    assert _fired(game, fault_id) == 1


def test_a_burst_is_all_under_way_at_one_moment(game, backend):
    """sandbox.md, burst: no one is answered before all have arrived whole."""
    go = threading.Event()
    backend.answer_by(lambda _arrival: Says(after=go))
    fault_id = _fault(game, {"burst": {"copies": 8}, "times": 1})

    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

    together = backend.wait_for(8)
    go.set()
    assert {arrival.body for arrival in together} == {together[0].body}
    assert max(one.at_s for one in together) - min(one.at_s for one in together) < 1
    detail = game.await_delivery(delivery_id, "delivered")
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["schedule"] + ["fault"] * 7
    assert {attempt["fault_id"] for attempt in detail["attempts"]} == {fault_id}
    assert _fired(game, fault_id) == 1


def test_a_delay_is_on_the_schedule_and_happens_once(frozen, backend):
    """sandbox.md, delay: a late notification is the same notification."""
    fault_id = _fault(frozen, {"delay": {"for_s": 3600}})
    step = frozen.order(paid=True)

    fired = _advance(frozen, until_idle=True)["fired"]

    assert [one["schedule_at_s"] - step["delivery"]["next_at_s"] for one in fired] == [3600]
    (arrival,) = backend.arrivals
    assert arrival.json["payTime"] == step["order"]["paid_at_s"]
    assert arrival.header("Authorization") == _signed(frozen, arrival)
    assert _fired(frozen, fault_id) == 1


def test_a_delayed_payment_is_overtaken_by_its_refund(frozen, backend):
    """Nothing of an order waits for what a fault keeps back."""
    _fault(frozen, {"delay": 600, "times": 1})
    order_id = frozen.order_id(paid=True)
    _advance(frozen, by_s=1)
    frozen.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})

    _advance(frozen, until_idle=True)

    assert _told(backend) == [("refund", order_id), ("pay", order_id)]


def test_a_delay_can_wait_for_the_backends_report(game, backend):
    """sandbox.md, delay until arrivedorder: found by getOrders first, notified afterwards."""
    _fault(game, {"delay": {"until": "arrived"}})
    step = game.order(paid=True)
    order_id, delivery_id = step["order"]["order_id"], step["delivery"]["delivery_id"]
    other_id = game.order_id()
    _until(game, delivery_id, "waits_for", "arrived")
    game.arrived(other_id)
    assert backend.arrivals == []

    game.arrived(order_id)

    (arrival,) = backend.wait_for(1)
    assert arrival.json["orderId"] == order_id
    assert game.await_delivery(delivery_id, "delivered")["attempts"][0]["cause"] == "schedule"


def test_what_was_reported_already_is_waited_for_no_more(game, backend):
    """The twin: the fault has missed."""
    fault_id = _fault(game, {"delay": {"until": "arrived"}})

    game.order(paid=True, arrivedStatus=1)

    backend.wait_for(1)
    assert _fired(game, fault_id) == 0


def _until(game, delivery_id, name, value):
    until(
        lambda: game.done("GET", f"/deliveries/{delivery_id}")[name] == value, says=f"{name} is not {value}"
    )


@pytest.mark.parametrize("kinds", [{"reorder": {"after": "kind"}}, {"refund_before_pay": True}])
def test_a_payment_comes_behind_its_refund(game, backend, kinds):
    """sandbox.md, refund_before_pay: the refund is attempted first, then the payment at once."""
    fault_id = _fault(game, {**kinds, "times": 1})
    step = game.order(paid=True)
    order_id = step["order"]["order_id"]
    _until(game, step["delivery"]["delivery_id"], "waits_for", "kind")

    game.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})

    backend.wait_for(2)
    assert _told(backend) == [("refund", order_id), ("pay", order_id)]
    assert backend.arrivals[1].json["refundStatus"] is None
    assert _fired(game, fault_id) == 1


def test_an_order_is_told_of_behind_the_next_one(game, backend):
    """sandbox.md, reorder: another order's notification comes first."""
    _fault(game, {"reorder": True, "times": 1})
    first = game.order(paid=True)
    _until(game, first["delivery"]["delivery_id"], "waits_for", "order")

    second_id = game.order_id(paid=True)

    backend.wait_for(2)
    assert _told(backend) == [("pay", second_id), ("pay", first["order"]["order_id"])]


def test_what_is_waited_for_in_vain_is_sent_at_last(frozen, backend):
    """No notification is forgotten: it comes when `for_s` is over."""
    _fault(frozen, {"reorder": {"after": "kind", "for_s": 50}})
    step = frozen.order(paid=True)

    fired = _advance(frozen, until_idle=True)["fired"]

    assert [one["schedule_at_s"] - step["delivery"]["next_at_s"] for one in fired] == [50]
    assert _told(backend) == [("pay", step["order"]["order_id"])]


def test_a_refund_comes_twice(frozen, backend):
    """sandbox.md, refund_twice; the payment before it, once."""
    _fault(frozen, {"refund_twice": True})
    order_id = frozen.order_id(paid=True)
    frozen.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})

    _advance(frozen, until_idle=True)

    assert _told(backend) == [("pay", order_id), ("refund", order_id), ("refund", order_id)]
    assert backend.arrivals[1].body == backend.arrivals[2].body


def test_a_payment_comes_once_more_behind_its_refund(frozen, backend):
    """sandbox.md, pay_after_refund: a later payment never resurrects anything."""
    _fault(frozen, {"pay_after_refund": {"gap_s": 5}})
    order_id = frozen.order_id(paid=True)
    frozen.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})

    _advance(frozen, until_idle=True)

    assert _told(backend) == [("pay", order_id), ("refund", order_id), ("pay", order_id)]
    assert backend.arrivals[0].body == backend.arrivals[2].body
    assert frozen.done("GET", f"/orders/{order_id}")["order"]["refundStatus"] == 1


@pytest.mark.parametrize("kind", ["refund_twice", "pay_after_refund"])
def test_a_fault_on_refunds_lets_a_payment_pass(frozen, backend, kind):
    """The twin: it has missed, and is there for the refund still."""
    fault_id = _fault(frozen, {kind: True, "times": 1})
    frozen.order(paid=True)

    _advance(frozen, until_idle=True)

    assert len(backend.arrivals) == 1
    assert _fired(frozen, fault_id) == 0


def test_the_first_attempts_are_dropped(frozen, backend):
    """sandbox.md, drop: what never left is in the delivery as an attempt that says so."""
    frozen.set_game(retry=[10, 10])
    fault_id = _fault(frozen, {"drop": {"first": 2}})
    step = frozen.order(paid=True)

    _advance(frozen, until_idle=True)

    assert len(backend.arrivals) == 1
    detail = frozen.done("GET", f"/deliveries/{step['delivery']['delivery_id']}")
    assert [attempt["error"] for attempt in detail["attempts"]] == ["dropped", "dropped", None]
    assert [attempt["reply"] is None for attempt in detail["attempts"]] == [True, True, False]
    assert _fired(frozen, fault_id) == 2


def test_all_attempts_are_dropped_and_the_list_still_shows_the_order(frozen, backend):
    """sandbox.md, drop all: only getOrders tells; after the last retry the delivery has failed."""
    _fault(frozen, {"drop": True})
    order_id = frozen.order_id(paid=True)

    _advance(frozen, until_idle=True)

    assert backend.arrivals == []
    assert [one["state"] for one in _deliveries(frozen, order_id)] == ["failed"]
    listed = frozen.orders_page().json["page"]["content"]
    assert [row["orderId"] for row in listed] == [order_id]


def test_a_cut_response_is_not_acknowledged(game, backend):
    """sandbox.md, cut_response: the backend has done its work, and the notification comes again."""
    fault_id = _fault(game, {"cut_response": True, "times": 1})

    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

    first, again = backend.wait_for(2)
    assert first.body == again.body
    detail = game.await_delivery(delivery_id, "delivered")
    assert [attempt["error"] for attempt in detail["attempts"]] == ["reply-cut", None]
    assert [attempt["ack"]["accepted"] for attempt in detail["attempts"]] == [False, True]
    assert _fired(game, fault_id) == 1


def test_the_second_attempt_comes_while_the_first_is_handled(game, backend):
    """sandbox.md, timeout_then_retry: the backend holds both at one time."""
    go = threading.Event()
    backend.answer_by(lambda _arrival: Says(after=go))
    fault_id = _fault(game, {"timeout_then_retry": {"for_s": 0.2}, "times": 1})

    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

    first, second = backend.wait_for(2)
    assert not go.is_set()
    go.set()
    assert first.body == second.body
    detail = game.await_delivery(delivery_id, "delivered")
    assert [attempt["error"] for attempt in detail["attempts"]] == ["timeout", None]
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["schedule", "fault"]
    assert _fired(game, fault_id) == 1


def test_a_second_attempt_that_is_accepted_counts_on_the_last_try_too(game, backend):
    """Without retries the first one, which nobody answered, has ended the schedule."""
    go = threading.Event()
    game.set_game(retry="none")
    backend.answer_with(Says(after=go), Says())
    _fault(game, {"timeout_then_retry": {"for_s": 0.2}, "times": 1})

    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

    backend.wait_for(2)
    go.set()
    detail = game.await_delivery(delivery_id, "delivered", "failed", attempts=2)
    assert detail["state"] == "delivered"
    assert [attempt["ack"]["accepted"] for attempt in detail["attempts"]] == [False, True]


def test_a_backend_that_answers_in_time_is_not_sent_a_second(game, backend):
    """The twin: there was nothing in flight, so the fault has not fired."""
    fault_id = _fault(game, {"timeout_then_retry": {"for_s": 5}, "times": 1})

    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

    game.await_delivery(delivery_id, "delivered")
    assert len(backend.arrivals) == 1
    assert _fired(game, fault_id) == 0


@pytest.mark.parametrize("kinds", [{"burst": 3}, {"duplicate": 3}, {"corrupt_signature": "upper"}])
def test_a_fault_whose_bytes_never_left_has_not_fired(frozen, kinds):
    """Nobody listens: what a fault would have added is taken back, and it waits for another attempt."""
    frozen.set_game(callback_url="http://127.0.0.1:9/nobody", retry="none")
    fault_id = _fault(frozen, {**kinds, "times": 1})
    order_id = frozen.order_id(paid=True)

    _advance(frozen, until_idle=True)

    assert _fired(frozen, fault_id) == 0
    states = [one["state"] for one in _deliveries(frozen, order_id)]
    assert states == ["failed", "cancelled", "cancelled"] if "duplicate" in kinds else ["failed"]


def test_a_fault_of_one_order_leaves_the_others_alone(frozen, backend):
    """POST /faults {order}."""
    one, other = frozen.order_id(), frozen.order_id()
    _fault(frozen, {"duplicate": 2}, order=one)
    for order_id in (one, other):
        frozen.done("POST", f"/orders/{order_id}/pay")

    _advance(frozen, until_idle=True)

    assert sorted(order_id for _, order_id in _told(backend)) == sorted([one, one, other])


def test_the_backend_of_a_burst_may_answer_differently(game):
    """One acknowledgement among them is enough."""
    with RecordingBackend() as backend:
        game.set_game(callback_url=backend.url)
        backend.answer_with(Says(status=500), Says())
        _fault(game, {"burst": 3, "times": 1})

        delivery_id = game.order(paid=True)["delivery"]["delivery_id"]

        detail = game.await_delivery(delivery_id, "delivered")
    assert sorted(attempt["ack"]["accepted"] for attempt in detail["attempts"]) == [False, True, True]
