"""A machine whose clock jumps: no order, delivery or attempt is lost, and the state says what happened."""

import threading

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import SystemClock
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.waiting import until

HOUR_S = 3600


class JumpingClock(SystemClock):
    """The machine's clock, set wrong by so many seconds from one moment to the next."""

    def __init__(self) -> None:
        self.wrong_s = 0.0

    def now_s(self) -> float:
        """Seconds since 1970, as somebody has set them."""
        return super().now_s() + self.wrong_s


@pytest.fixture
def clock():
    """Goes as the machine's until a test sets it."""
    return JumpingClock()


@pytest.fixture
def jumpy(clock, backend):
    """A client of a sandbox under that clock."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7), clock=clock) as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=backend.url, retry=[1.5, 1.5, 1.5])
        yield client
        client.pool.clear()


def _await_jumps(client, count):
    def seen():
        jumps = client.done("GET", "/clock")["jumps"]
        return len(jumps) >= count and jumps

    return until(seen, says=f"{count} jumps")


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_a_retry_that_waits_is_made_in_spite_of_a_jump(jumpy, backend, clock, by_s):
    """An hour forward it is due at once; an hour back it waits no longer than it would have."""
    backend.answer_with(Says(status=500), Says())
    delivery_id = jumpy.order(paid=True)["delivery"]["delivery_id"]
    jumpy.await_delivery(delivery_id, "pending", attempts=1)

    clock.wrong_s = by_s
    backend.wait_for(2)
    detail = jumpy.await_delivery(delivery_id, "delivered", attempts=2)
    (jump,) = _await_jumps(jumpy, 1)

    assert [attempt["attempt"] for attempt in detail["attempts"]] == [1, 2]
    assert jump["by_s"] == pytest.approx(by_s, abs=1)
    assert jump["at_s"] == pytest.approx(clock.now_s(), abs=60)


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_an_attempt_under_way_is_finished_and_made_once(jumpy, backend, clock, by_s):
    """The lease is judged by the clock that jumped, yet nobody takes the delivery out of our hands."""
    answer = threading.Event()
    backend.answer_with(Says(after=answer), Says())
    held = jumpy.order(paid=True)["delivery"]["delivery_id"]
    backend.wait_for(1)

    clock.wrong_s = by_s
    _await_jumps(jumpy, 1)
    other = jumpy.order(paid=True)["delivery"]["delivery_id"]
    jumpy.await_delivery(other, "delivered")
    answer.set()
    detail = jumpy.await_delivery(held, "delivered")

    assert detail["attempts_made"] == 1
    assert len(backend.arrivals) == 2


def test_orders_go_on_being_paid_and_told_while_the_clock_goes_back_and_forth(jumpy, backend, clock):
    """Ten orders, a jump before each: every one is in the store, and every one was told once."""
    orders = []
    for number in range(10):
        clock.wrong_s = HOUR_S * (-1) ** number
        orders.append(jumpy.order_id(paid=True))
        _await_jumps(jumpy, number + 1)  # two that cancel out between two looks are not seen
    backend.wait_for(10, timeout_s=40)

    told = [arrival.json["orderId"] for arrival in backend.arrivals]
    kept = [order["order_id"] for order in jumpy.done("GET", "/orders")["orders"] if order["paid"]]
    assert sorted(told) == sorted(kept) == sorted(orders)


def test_a_workspace_lives_as_long_as_it_was_promised(jumpy, clock):
    """An hour's jump ends no workspace that was to live for half an hour."""
    jumpy.done("POST", "/workspaces", {"name": "brief", "ttl_s": HOUR_S / 2})
    clock.wrong_s = HOUR_S
    _await_jumps(jumpy, 1)
    clock.wrong_s = HOUR_S + 60  # a second jump, so that whoever deletes has looked in between
    _await_jumps(jumpy, 2)

    assert jumpy.control("GET", "/workspaces/brief").status == 200


def test_what_ends_or_begins_by_itself_does_so_in_spite_of_a_jump_back(jumpy, clock):
    """A workspace, a fault's time and a late key: two seconds each, and not an hour more."""
    jumpy.done("POST", "/workspaces", {"name": "brief", "ttl_s": 2})
    jumpy.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"answer": 503, "ttl_s": 2}})
    late = {"portal": "playgama", "rotate": "late", "publish_after_s": 2}
    jumpy.done("POST", "/keys/rotate", late)
    clock.wrong_s = -HOUR_S
    _await_jumps(jumpy, 1)

    until(lambda: jumpy.control("GET", "/workspaces/brief").status == 404, says="the workspace's end")
    until(lambda: not jumpy.done("GET", "/faults")["faults"][0]["active"], says="the fault's end")
    until(lambda: all(key["published"] for key in jumpy.keys("playgama")), says="the late key")


def test_what_ends_or_begins_by_itself_does_not_because_of_a_jump_forward(jumpy, clock):
    """A fault's time of half an hour is not over, and a key that is half an hour late is not there."""
    jumpy.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"answer": 503, "ttl_s": HOUR_S / 2}})
    late = {"portal": "playgama", "rotate": "late", "publish_after_s": HOUR_S / 2}
    jumpy.done("POST", "/keys/rotate", late)
    clock.wrong_s = HOUR_S
    _await_jumps(jumpy, 1)

    until(lambda: jumpy.done("GET", "/faults")["faults"][0]["active"], says="the fault")
    until(lambda: not all(key["published"] for key in jumpy.keys("playgama")), says="the late key")


def test_a_held_delivery_waits_no_longer_than_its_retry_after_a_jump_back(jumpy, backend, clock):
    """Held when the clock goes back an hour; released, it goes when it would have gone."""
    backend.answer_with(Says(status=500), Says())
    delivery_id = jumpy.order(paid=True)["delivery"]["delivery_id"]
    jumpy.await_delivery(delivery_id, "pending", attempts=1)
    jumpy.done("POST", "/deliveries/hold")
    clock.wrong_s = -HOUR_S
    _await_jumps(jumpy, 1)
    jumpy.done("POST", "/deliveries/release", {"all": True})

    backend.wait_for(2)
    assert jumpy.await_delivery(delivery_id, "delivered")["attempts_made"] == 2


def test_a_clock_that_only_goes_on_has_no_jumps(jumpy, backend):
    """The note is of jumps alone."""
    jumpy.await_delivery(jumpy.order(paid=True)["delivery"]["delivery_id"], "delivered")

    assert jumpy.done("GET", "/clock")["jumps"] == []


def test_a_frozen_schedule_does_not_move_with_the_machine(jumpy, backend, clock):
    """It stands where it was frozen, whatever the machine's clock does."""
    jumpy.done("POST", "/clock/freeze", {"at_s": 1_800_000_000})
    delivery_id = jumpy.order(paid=True)["delivery"]["delivery_id"]
    clock.wrong_s = -HOUR_S
    _await_jumps(jumpy, 1)

    assert jumpy.done("GET", "/clock")["schedule"]["now_s"] == 1_800_000_000
    assert backend.arrivals == []
    fired = jumpy.done("POST", "/clock/advance", {"until_idle": True})["fired"]
    assert [(one["delivery_id"], one["schedule_at_s"]) for one in fired] == [(delivery_id, 1_800_000_000)]
