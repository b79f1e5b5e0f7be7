"""What is sent while the disk fills up: whoever waits is told, and no delivery stays between two states."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.delivery import attempts
from coinslot_testkit.full_store import Fullness
from coinslot_testkit.recording_backend import ACCEPTED, Says
from coinslot_testkit.sandbox_client import SandboxClient

LONG = ACCEPTED + b" " * 60_000
"""An answer for which the store needs pages of its own."""


@pytest.fixture
def filling(backend, monkeypatch):
    """A client of a sandbox whose store can be filled, and what fills it; nobody is kept waiting for long."""
    monkeypatch.setattr(attempts, "KEEP_S", 0.1)
    settings = SandboxSettings(port=0, control_port=0, seed=7, callback_url=backend.url, retry="none")
    with Sandbox(settings) as sandbox:
        client = SandboxClient(sandbox.ready)
        yield client, Fullness(sandbox.workspaces.common.database)
        client.pool.clear()


def _answered_by_a_full_store(client, fullness, backend, path, body):
    """The answer to a call during whose attempt the disk fills up."""
    go = threading.Event()
    backend.answer_with(Says(after=go, body=LONG))
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(client.control, "POST", path, body)
        backend.wait_for(1)
        fullness.fill()
        go.set()
        return calling.result(timeout=20)


def test_a_callback_that_cannot_be_recorded_has_failed_and_says_so(filling, backend):
    """The call is refused, and the delivery is settled as soon as the store takes anything."""
    client, fullness = filling
    order_id = client.order_id()
    wish = {"order": order_id, "type": "pay"}

    reply = _answered_by_a_full_store(client, fullness, backend, "/callbacks", wish)

    assert (reply.status, reply.json["code"]) == (507, "store-full")
    fullness.empty()
    (left,) = client.done("GET", f"/deliveries?order={order_id}")["deliveries"]
    detail = client.await_delivery(left["delivery_id"], "failed")
    assert (detail["attempts_made"], len(backend.arrivals)) == (0, 1)
    sent, given_up = client.await_journal(2, delivery_id=left["delivery_id"], dir="out")
    assert "the attempt is not recorded" in sent["error"]
    assert "not known" in given_up["error"]


def test_an_advance_whose_attempt_cannot_be_recorded_ends(filling, backend):
    """Neither the caller nor the clock waits for a disk; the attempt is due still."""
    client, fullness = filling
    client.done("POST", "/clock/freeze")
    delivery_id = client.order(paid=True)["delivery"]["delivery_id"]

    how = {"until_idle": True}
    reply = _answered_by_a_full_store(client, fullness, backend, "/clock/advance", how)

    assert (reply.status, reply.json["code"]) == (507, "store-full")
    fullness.empty()
    assert client.done("GET", f"/deliveries/{delivery_id}")["state"] == "pending"
    (fired,) = client.advance(until_idle=True)["fired"]
    assert (fired["attempt"], fired["accepted"], len(backend.arrivals)) == (1, True, 2)
