"""When deliveries are due: the presets, and the engine under a clock that only the test moves."""

import pytest
from coinslot_contracts.vocabulary import RETRY_PRESETS
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import ManualClock
from coinslot_sandbox.delivery.retry import SECONDS, next_attempt_s, retry_seconds
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient

XSOLLA = (300.0,) * 2 + (900.0,) * 7 + (3600.0,) * 10


@pytest.mark.parametrize(
    ("name", "waits_s"),
    [("none", ()), ("fast", (0.2, 0.5, 1.0)), ("xsolla", XSOLLA), ("local", (1.0, 5.0, 30.0, *XSOLLA))],
)
def test_a_preset_waits_as_its_sentence_says(name, waits_s):
    """vocabulary.RETRY_PRESETS, sandbox:retry-schedule."""
    assert retry_seconds(name) == waits_s


def test_every_preset_has_its_waits():
    """The vocabulary and the table name the same."""
    assert list(SECONDS) == list(RETRY_PRESETS)


def test_each_wait_counts_from_the_failure_before():
    """The n-th failure waits the n-th time; after the last there is none."""
    waits_s = (1.0, 5.0)

    due = [next_attempt_s(retry_s=waits_s, attempts_made=made, failed_at_s=100.0) for made in (1, 2, 3)]

    assert due == [101.0, 105.0, None]


@pytest.fixture
def clock():
    """Stands still until a test moves it."""
    return ManualClock()


@pytest.fixture
def timed(clock, backend):
    """A client of a sandbox under that clock, its callbacks going to the backend."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7), clock=clock) as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=backend.url)
        yield client
        client.pool.clear()


def test_the_default_schedule_is_kept_to_the_second(timed, backend, clock):
    """The preset local, all 22 retries: nothing before its time, everything at it."""
    backend.answer_with(Says(status=500))
    delivery_id = timed.order(paid=True)["delivery"]["delivery_id"]
    waits_s = retry_seconds("local")

    for number, wait_s in enumerate(waits_s, start=1):
        detail = timed.await_delivery(delivery_id, "pending", attempts=number)
        assert detail["next_at_s"] == pytest.approx(clock.now_s() + wait_s)
        clock.advance(wait_s - 0.01)
        assert len(backend.arrivals) == number
        clock.advance(0.02)
        backend.wait_for(number + 1)

    detail = timed.await_delivery(delivery_id, "failed", attempts=len(waits_s) + 1)
    assert detail["next_at_s"] is None
    assert len({arrival.body for arrival in backend.arrivals}) == 1


def test_an_acknowledgement_ends_the_schedule(timed, backend, clock):
    """Nothing more comes, however far the clock goes."""
    backend.answer_with(Says(status=500), Says())
    delivery_id = timed.order(paid=True)["delivery"]["delivery_id"]
    timed.await_delivery(delivery_id, "pending", attempts=1)

    clock.advance(1)
    timed.await_delivery(delivery_id, "delivered", attempts=2)
    clock.advance(86_400)
    other = timed.order(paid=True)["delivery"]["delivery_id"]
    timed.await_delivery(other, "delivered")

    assert len(backend.arrivals) == 3


def test_resends_use_up_no_retry(timed, backend, clock):
    """The schedule counts its own attempts: three resends later both retries are still made."""
    backend.answer_with(Says(status=500))
    timed.set_game(retry=[10, 10])
    delivery_id = timed.order(paid=True)["delivery"]["delivery_id"]
    timed.await_delivery(delivery_id, "pending", attempts=1)

    for _ in range(3):
        timed.done("POST", f"/deliveries/{delivery_id}/resend")
    for made in (5, 6):
        clock.advance(10)
        timed.await_delivery(delivery_id, "pending", "failed", attempts=made)
    detail = timed.await_delivery(delivery_id, "failed", attempts=6)

    causes = [attempt["cause"] for attempt in detail["attempts"]]
    assert causes == ["schedule", "resend", "resend", "resend", "schedule", "schedule"]


def test_a_cancelled_delivery_stays_silent(timed, backend, clock):
    """Archiving takes a waiting retry out of the queue."""
    backend.answer_with(Says(status=500))
    order = timed.order(paid=True)
    timed.await_delivery(order["delivery"]["delivery_id"], "pending", attempts=1)

    timed.done("POST", "/orders/archive", {"orders": [order["order"]["order_id"]]})
    clock.advance(86_400)
    timed.order(paid=True)

    assert [arrival.json["orderId"] for arrival in backend.wait_for(2)][1] != order["order"]["order_id"]


def test_tokens_and_orders_take_their_times_from_the_clock(timed, clock):
    """Clock and randomness come in through the door."""
    now_s = int(clock.now_s())

    order = timed.order(paid=True)["order"]
    claims = timed.done("POST", "/tokens", {"player": order["user_id"]})["claims"]

    assert (order["created_at_s"], order["paid_at_s"], claims["iat"]) == (now_s, now_s, now_s)
