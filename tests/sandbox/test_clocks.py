"""The two clocks of a workspace: a schedule that stands still and is advanced, and claims of its own."""

import base64
import json
import threading
import time

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient

MOMENT_S = 1_800_000_000


@pytest.fixture
def frozen(shop):
    """The shop, its schedule standing at a round moment."""
    shop.done("POST", "/clock/freeze", {"at_s": MOMENT_S})
    return shop


def _claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_nothing_is_sent_while_the_schedule_stands_still(frozen, backend):
    """A paid order owes a notification; it leaves with the advance, not before, and is acknowledged then."""
    delivery_id = frozen.order(paid=True)["delivery"]["delivery_id"]

    assert frozen.done("GET", f"/deliveries/{delivery_id}")["state"] == "pending"
    assert backend.arrivals == []
    advanced = frozen.advance(by_s=0)

    assert [fired["delivery_id"] for fired in advanced["fired"]] == [delivery_id]
    assert advanced["idle"] is True
    assert len(backend.arrivals) == 1
    assert frozen.done("GET", f"/deliveries/{delivery_id}")["state"] == "delivered"


def test_times_in_a_notification_are_the_schedules(frozen, backend):
    """jogos:iap.1.fields: createTime and payTime stand where the schedule stands."""
    frozen.order(paid=True)
    frozen.advance(by_s=0)
    first = backend.arrivals[0].json

    frozen.advance(by_s=3600)
    frozen.order(paid=True)
    frozen.advance(by_s=0)

    assert (first["createTime"], first["payTime"]) == (MOMENT_S, MOMENT_S)
    assert backend.arrivals[1].json["payTime"] == MOMENT_S + 3600


@pytest.mark.parametrize(
    ("how", "attempts", "now_s"),
    [
        ({"by_s": 0}, 1, MOMENT_S),
        ({"by_s": 9.9}, 1, MOMENT_S + 9.9),
        ({"by_s": 10}, 2, MOMENT_S + 10),
        ({"to_s": MOMENT_S + 30}, 3, MOMENT_S + 30),
        ({"until_idle": True}, 3, MOMENT_S + 30),
    ],
)
def test_an_advance_makes_what_falls_due_and_no_more(frozen, backend, how, attempts, now_s):
    """Retries after 10 and 20 s; each attempt happens at its own time on the schedule."""
    frozen.set_game(retry=[10, 20])
    backend.answer_with(Says(status=500))
    delivery_id = frozen.order(paid=True)["delivery"]["delivery_id"]

    advanced = frozen.advance(**how)

    assert len(backend.arrivals) == len(advanced["fired"]) == attempts
    assert [fired["schedule_at_s"] for fired in advanced["fired"]] == [
        MOMENT_S + wait_s for wait_s in (0, 10, 30)[:attempts]
    ]
    assert advanced["now_s"] == pytest.approx(now_s)
    detail = frozen.done("GET", f"/deliveries/{delivery_id}")
    assert detail["state"] == ("failed" if attempts == 3 else "pending")
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["advance"] * attempts


def test_next_goes_to_the_next_attempt_and_makes_it(frozen, backend):
    """The button "skip to the next retry"; with nothing due it goes nowhere."""
    frozen.set_game(retry=[300])
    backend.answer_with(Says(status=500), Says())
    frozen.order(paid=True)
    frozen.advance(by_s=0)

    advanced = frozen.advance(next=True)

    assert [fired["accepted"] for fired in advanced["fired"]] == [True]
    assert advanced["now_s"] == MOMENT_S + 300
    assert frozen.advance(next=True) == {**advanced, "fired": []}


def test_attempts_of_several_orders_are_made_in_the_order_of_their_times(frozen, backend):
    """(time, number): the retry of the first order comes between those of the second."""
    backend.answer_with(Says(status=500))
    frozen.set_game(retry=[30])
    first = frozen.order_id(paid=True)
    frozen.set_game(retry=[10, 50])
    second = frozen.order_id(paid=True)

    advanced = frozen.advance(until_idle=True)

    assert [fired["order_id"] for fired in advanced["fired"]] == [first, second, second, first, second]
    assert [arrival.json["orderId"] for arrival in backend.arrivals] == [first, second, second, first, second]


def test_an_advance_moves_a_running_schedule_and_lets_it_run_on(shop, backend):
    """Nobody has to freeze first; what is due later goes by itself again."""
    shop.set_game(retry=[3600, 0.2])
    backend.answer_with(Says(status=500), Says(status=500), Says())
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]
    shop.await_delivery(delivery_id, "pending", attempts=1)

    advanced = shop.advance(next=True)

    assert [fired["accepted"] for fired in advanced["fired"]] == [False]
    assert shop.await_delivery(delivery_id, "delivered")["attempts_made"] == 3
    clock = shop.done("GET", "/clock")
    assert clock["schedule"]["frozen"] is False
    assert clock["schedule"]["now_s"] - clock["machine_s"] == pytest.approx(3600, abs=5)


def test_resuming_sends_what_has_become_due(frozen, backend):
    """Frozen time is not lost time: what was paid meanwhile is owed."""
    frozen.order(paid=True)
    assert backend.arrivals == []

    clock = frozen.done("POST", "/clock/resume", {})

    backend.wait_for(1)
    assert clock["schedule"]["frozen"] is False
    assert clock["schedule"]["now_s"] == pytest.approx(MOMENT_S, abs=5)


def test_a_frozen_schedule_and_an_offset_outlive_a_restart(tmp_path, backend):
    """And so does what waits: the first advance after the restart sends it."""
    settings = SandboxSettings(port=0, control_port=0, store=tmp_path / "store.sqlite", seed=7)
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=backend.url)
        client.done("POST", "/clock/freeze", {"at_s": MOMENT_S})
        client.done("POST", "/clock/claims", {"offset_s": -60})
        client.order(paid=True)
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        clock = client.done("GET", "/clock")
        assert clock["schedule"] == {"now_s": MOMENT_S, "frozen": True, "next_at_s": MOMENT_S}
        assert clock["claims"]["offset_s"] == -60
        assert backend.arrivals == []

        assert len(client.advance(by_s=0)["fired"]) == 1

    assert len(backend.arrivals) == 1


def test_claims_have_a_clock_of_their_own(frozen):
    """The backend's clock cannot be moved, so what a token claims does not follow the schedule."""
    player = frozen.player()
    as_now = _claims(frozen.done("POST", "/tokens", {"player": player})["token"])
    frozen.done("POST", "/clock/claims", {"offset_s": -7200})
    as_before = _claims(frozen.done("POST", "/tokens", {"player": player})["token"])

    assert as_now["iat"] == pytest.approx(time.time(), abs=5)
    assert as_before["iat"] == pytest.approx(time.time() - 7200, abs=5)
    assert as_before["exp"] - as_before["iat"] == as_now["exp"] - as_now["iat"]


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"to_s": MOMENT_S - 1}, (409, "clock-goes-back")),
        ({}, (400, "field-invalid")),
        ({"by_s": 1, "next": True}, (400, "field-invalid")),
        ({"by_s": -1}, (400, "field-invalid")),
        ({"until_idle": "yes"}, (400, "field-invalid")),
    ],
)
def test_an_advance_that_makes_no_sense_is_refused(frozen, how, refused):
    """With its code, and the schedule stays where it was."""
    assert frozen.refused("POST", "/clock/advance", how) == refused
    assert frozen.done("GET", "/clock")["schedule"]["now_s"] == MOMENT_S


def test_only_one_advance_moves_a_clock_at_a_time(frozen, backend):
    """The second is refused at once, and what the first owes is sent once."""
    release = threading.Event()
    backend.answer_with(Says(after=release))
    frozen.order(paid=True)
    moving = threading.Thread(target=frozen.advance, kwargs={"until_idle": True})
    moving.start()
    backend.wait_for(1)

    assert frozen.refused("POST", "/clock/advance", {"by_s": 1}) == (409, "clock-advancing")

    release.set()
    moving.join()
    assert len(backend.arrivals) == 1
    assert frozen.advance(by_s=1)["fired"] == []
