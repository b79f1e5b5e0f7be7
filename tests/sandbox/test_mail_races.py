"""What is done to a delivery while something of it is on the wire: neither undoes the other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.delivery import engine
from coinslot_sandbox.delivery.attempts import CourierClosed, Sending, letter_of
from coinslot_sandbox.delivery.resend import ResendWish
from coinslot_sandbox.faults import Fault
from coinslot_sandbox.store import tenants
from coinslot_sandbox.store.tables import ATTEMPTS
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.waiting import until
from sqlalchemy import event, select


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


def test_a_callback_and_a_resend_of_it_are_both_recorded(game, backend):
    """Issue 4: no attempt is lost, however two of one delivery lie in time."""
    order_id = game.order_id(paid=True, callback="manual")
    callback = {"order": order_id, "type": "pay"}

    with _on_the_wire(game, backend, "POST", "/callbacks", callback, answer=500) as called:
        (delivery,) = game.done("GET", f"/deliveries?order={order_id}")["deliveries"]
        resent = game.done("POST", f"/deliveries/{delivery['delivery_id']}/resend")

    assert called.result().status == 200
    assert resent["attempts_made"] == 1
    assert [attempt["attempt"] for attempt in called.result().json["attempts"]] == [2]
    detail = game.done("GET", f"/deliveries/{delivery['delivery_id']}")
    assert (detail["state"], detail["attempts_made"]) == ("delivered", 2)
    told = [
        (attempt["attempt"], attempt["cause"], attempt["reply"]["status"]) for attempt in detail["attempts"]
    ]
    assert told == [(1, "resend", 200), (2, "manual", 500)]
    entries = game.journal(order_id=order_id, dir="out")
    assert [(entry["attempt"], entry["reply"]["status"]) for entry in entries] == [(1, 200), (2, 500)]


def test_an_advance_does_not_make_early_what_an_attempt_under_way_puts_off(game, backend):
    """sandbox.md, advance: what was due is on the wire already, and the next one is due in an hour."""
    go = threading.Event()
    backend.answer_with(Says(status=500, after=go), Says())
    delivery_id = game.order(paid=True)["delivery"]["delivery_id"]
    backend.wait_for(1)

    with ThreadPoolExecutor(1) as pool:
        advancing = pool.submit(game.advance, by_s=1)
        until(lambda: game.done("GET", "/clock")["schedule"]["frozen"])
        go.set()

    assert advancing.result()["fired"] == []
    detail = game.done("GET", f"/deliveries/{delivery_id}")
    assert (detail["state"], detail["attempts_made"]) == ("pending", 1)
    assert len(game.advance(by_s=3600)["fired"]) == 1


def test_an_attempt_of_a_delivery_that_a_reset_forgot_is_in_the_journal_alone(sandbox, game, backend):
    """The bytes are out; nothing is written beside the deliveries that there are."""
    delivery_id = _tried(game)

    with _on_the_wire(game, backend, "POST", f"/deliveries/{delivery_id}/resend", answer=200) as resent:
        game.done("POST", "/reset")

    assert resent.result().status == 404
    (entry,) = game.await_journal(1, dir="out")
    assert (entry["delivery_id"], entry["attempt"]) == (delivery_id, 2)
    with sandbox.services.ground.database.read() as connection:
        assert connection.execute(select(ATTEMPTS)).all() == []


def test_nothing_is_written_into_a_workspace_that_ended_meanwhile(sandbox, game, backend):
    """It ends while its attempt waits to be written: the next one of its name and seed draws the same ids."""
    ada = game.workspace(name="ada", seed=7)
    ada.done("PUT", f"/games/{ada.game_id}", {"callback_url": backend.url})
    delivery_id = ada.order(paid=True, callback="lost")["delivery"]["delivery_id"]
    dispatch = sandbox.workspaces.find("ada").dispatch
    ended = []

    def end(connection):
        if threading.current_thread().name == "resending" and not ended and _writes(connection):
            ended.append("ada")
            dispatch.courier.close()
            tenants.delete_workspace(connection, "ada")

    event.listen(sandbox.services.ground.database.engine, "begin", end)
    try:
        with ThreadPoolExecutor(1) as pool:
            resending = pool.submit(_named, "resending", dispatch.resender.resend, delivery_id, ResendWish())
            assert isinstance(resending.exception(), CourierClosed)
    finally:
        event.remove(sandbox.services.ground.database.engine, "begin", end)

    assert ended == ["ada"]
    with sandbox.services.ground.database.read() as connection:
        assert connection.execute(select(ATTEMPTS)).all() == []
    game.done("DELETE", "/workspaces/ada")


@pytest.mark.parametrize("call", ["resend", "callback", "advance"])
def test_a_call_of_a_workspace_that_is_deleted_meanwhile_finds_it_unknown(game, backend, call):
    """What was sent is gone with it; nothing has failed inside."""
    ada = game.workspace(name="ada", seed=7)
    ada.done("PUT", f"/games/{ada.game_id}", {"callback_url": backend.url})
    ada.done("POST", "/clock/freeze")
    made = ada.order(paid=True)
    order_id, delivery_id = made["order"]["order_id"], made["delivery"]["delivery_id"]
    path, body = {
        "resend": (f"/deliveries/{delivery_id}/resend", {}),
        "callback": ("/callbacks", {"order": order_id, "type": "pay"}),
        "advance": ("/clock/advance", {"until_idle": True}),
    }[call]

    with _on_the_wire(ada, backend, "POST", path, body, answer=200) as called:
        game.done("DELETE", "/workspaces/ada")

    assert (called.result().status, called.result().json["code"]) == (404, "workspace-unknown")


@pytest.mark.parametrize("name", ["default", "ada"])
def test_a_callback_that_a_run_left_behind_has_failed_in_the_next(tmp_path, backend, name):
    """Nobody will settle it; what the backend makes of it is not known, which the journal says."""
    go = threading.Event()
    backend.answer_with(Says(after=go))
    settings = SandboxSettings(port=0, control_port=0, seed=7, store=tmp_path / "kept.sqlite")
    with Sandbox(settings) as first, ThreadPoolExecutor(1) as pool:
        ours = _hand(first, name, make=True)
        order_id = ours.order_id()
        wish = {"order": order_id, "type": "pay", "url": backend.url}
        pool.submit(ours.control, "POST", "/callbacks", wish)
        backend.wait_for(1)
        (left,) = ours.done("GET", f"/deliveries?order={order_id}")["deliveries"]
        first.workspaces.stop()
        go.set()
    assert left["state"] == "pending"

    with Sandbox(settings) as second:
        ours = _hand(second, name)
        detail = ours.done("GET", f"/deliveries/{left['delivery_id']}")
        (told,) = ours.journal(delivery_id=left["delivery_id"], dir="out")
        resent = ours.done("POST", f"/deliveries/{left['delivery_id']}/resend")

    assert (detail["state"], detail["attempts"]) == ("failed", [])
    assert "not known" in told["error"]
    assert (told["order_id"], told["attempt"], told["reply"]) == (order_id, None, None)
    assert resent["state"] == "delivered"


def _hand(sandbox, name, *, make=False):
    client = SandboxClient(sandbox.ready)
    if name == "default":
        return client
    return client.workspace(name=name, seed=7) if make else SandboxClient(sandbox.ready, prefix=f"/w/{name}")


def test_what_fails_while_it_is_recorded_hides_nothing_behind_it(sandbox, game, backend):
    """Journal numbers that were taken for it are given up."""
    delivery_id = _tried(game)
    services = sandbox.services
    with services.ground.database.read() as connection:
        delivery = services.ground.post.find(connection, delivery_id)
    sending = Sending(letter=letter_of(delivery), cause="resend", settle=_fail, only_from=())

    with pytest.raises(ZeroDivisionError):
        services.dispatch.courier.carry(delivery, sending)

    before = services.journal.last_seq
    game.player(username="newcomer")
    assert services.journal.last_seq == before + 1


def test_what_fails_inside_again_and_again_is_given_up(sandbox, game, backend, monkeypatch):
    """Its bytes may have left each time; the journal has every failure."""
    monkeypatch.setattr(engine, "LEASE_S", 0.1)
    monkeypatch.setattr(engine, "RENEW_S", 0.02)
    unsendable = {"value": "\u20ac"}
    sandbox.services.faults.add(
        Fault(fault_id="f-1", at="delivery", kind="wrong_content_type", params=unsendable)
    )

    order = game.order(paid=True)

    detail = game.await_delivery(order["delivery"]["delivery_id"], "failed")
    assert (detail["next_at_s"], detail["attempts"]) == (None, [])
    entries = game.await_journal(3, delivery_id=detail["delivery_id"], dir="out")
    told = [entry["error"] for entry in entries]
    assert [error.startswith("given up after 3 failures") for error in told] == [False, False, True]
    assert all("UnicodeEncodeError" in error for error in told)
    game.done("DELETE", "/faults/f-1")
    backend.answer_with(Says())
    game.done("POST", "/deliveries/recover", {"since_s": 0})
    game.await_delivery(detail["delivery_id"], "delivered")


def _fail(delivery, acks):
    raise ZeroDivisionError


def _named(name, call, *arguments):
    threading.current_thread().name = name
    return call(*arguments)


def _writes(connection):
    return connection.get_execution_options().get("coinslot_writes", False)
