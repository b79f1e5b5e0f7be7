"""What is done to a delivery while something of it is on the wire: neither undoes the other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game with a retry after an hour, and a backend that accepts nothing."""
    shop.done("POST", "/reset")
    shop.set_game(callback_url=backend.url, retry=[3600])
    backend.answer_with(Says(status=500))
    return shop


@contextmanager
def _on_the_wire(game, backend, method, path, body=None, *, answer):
    """A control call whose request has reached the backend and is answered behind the block."""
    go = threading.Event()
    before = len(backend.arrivals)
    backend.answer_with(Says(status=answer, after=go), Says())
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(game.control, method, path, body)
        try:
            backend.wait_for(before + 1)
            yield calling
        finally:
            go.set()


def _tried(game, **wish):
    """A delivery whose first attempt has failed."""
    delivery_id = game.order(paid=True, **wish)["delivery"]["delivery_id"]
    game.await_delivery(delivery_id, "pending", "failed", attempts=1)
    return delivery_id


def test_a_failing_resend_leaves_cancelled_what_was_cancelled_meanwhile(game, backend):
    """sandbox.md, resend: a failure leaves state and schedule alone."""
    delivery_id = _tried(game)

    with _on_the_wire(game, backend, "POST", f"/deliveries/{delivery_id}/resend", answer=500) as resent:
        game.done("POST", f"/deliveries/{delivery_id}/cancel")

    detail = resent.result().json
    assert (detail["state"], detail["next_at_s"], detail["attempts_made"]) == ("cancelled", None, 2)
    assert game.advance(until_idle=True)["fired"] == []


def test_a_resend_that_is_accepted_makes_delivered_what_was_cancelled_meanwhile(game, backend):
    """The twin: the backend has it now."""
    delivery_id = _tried(game)

    with _on_the_wire(game, backend, "POST", f"/deliveries/{delivery_id}/resend", answer=200) as resent:
        game.done("POST", f"/deliveries/{delivery_id}/cancel")

    assert resent.result().json["state"] == "delivered"


def test_a_failing_resend_leaves_recovered_what_was_recovered_meanwhile(game, backend):
    """sandbox.md, recover: all retries of it are there again."""
    game.set_game(retry="none")
    delivery_id = _tried(game)
    game.done("POST", "/clock/freeze")

    with _on_the_wire(game, backend, "POST", f"/deliveries/{delivery_id}/resend", answer=500) as resent:
        recovered = game.done("POST", "/deliveries/recover", {"since_s": 0})
    assert resent.result().json["state"] == "pending"

    assert recovered == {"recovered": [delivery_id]}
    game.advance(until_idle=True)
    detail = game.await_delivery(delivery_id, "delivered")
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["schedule", "resend", "recover"]


def test_a_failing_resend_leaves_the_retries_that_recovering_gave(game, backend):
    """What the schedule's retries count from is not written back as it was before the resend."""
    delivery_id = _tried(game)
    game.done("POST", "/clock/freeze")
    game.done("POST", f"/deliveries/{delivery_id}/cancel")

    with _on_the_wire(game, backend, "POST", f"/deliveries/{delivery_id}/resend", answer=500):
        game.done("POST", "/deliveries/recover", {"since_s": 0, "only_failed": False})
    backend.answer_with(Says(status=500))

    assert len(game.advance(until_idle=True)["fired"]) == 2
