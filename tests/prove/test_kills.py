"""A sandbox that is killed at any moment loses no notification, invents none and keeps them in order."""

import json
import signal

import pytest
from coinslot_testkit.kill_series import KillSeries
from coinslot_testkit.proofs import proven
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.sandbox_process import SandboxProcess

PARTS, KILLS, ORDERS = 10, 200, 2_000


def _run(folder, *, seed, kills, orders):
    tally = KillSeries(seed=seed, kills=kills, orders=orders, folder=folder).run()
    return tally.members(), tally.is_good


def test_five_kills_lose_and_invent_nothing(tmp_path, record_property):
    """Every notification at least once, none invented, no refund before its pay's first delivery."""
    members, is_good = _run(tmp_path, seed=4, kills=5, orders=50)
    record_property("table", json.dumps(members))

    assert members["orders"] == 50
    assert members["owed"] >= 50
    assert is_good, members


@pytest.mark.thorough
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_two_hundred_kills_lose_and_invent_nothing(tmp_path, part):
    """T9, in parts: a part that was proven at this commit is not run again."""
    with proven("kills", part) as proof:
        if proof.is_new:
            proof.members, _ = _run(tmp_path, seed=4_000 + part, kills=KILLS // PARTS, orders=ORDERS // PARTS)

    found = proof.members
    assert (found["lost"], found["invented"], found["forgotten"]) == (0, 0, 0)
    assert found["order_kept"] == found["refunds_seen"]


def _killed_and_started(process, **settings):
    process.end(signal.SIGKILL)
    return SandboxProcess(**settings)


def test_clocks_and_what_waits_for_them_survive_a_kill(tmp_path):
    """A frozen schedule stands where it stood, claims keep their offset; what is owed waits for it."""
    with RecordingBackend() as backend:
        settings = {"store": str(tmp_path / "store.sqlite"), "quiet": True, "callback_url": backend.url}
        process = SandboxProcess(**settings)
        try:
            client = SandboxClient(process.ready)
            client.done("POST", "/clock/freeze", {"at_s": 1_800_000_000})
            client.done("POST", "/clock/claims", {"offset_s": -7200})
            delivery_id = client.order(paid=True)["delivery"]["delivery_id"]

            process = _killed_and_started(process, **settings)
            client = SandboxClient(process.ready)
            clock = client.done("GET", "/clock")
            advanced = client.done("POST", "/clock/advance", {"by_s": 60})
            client.done("POST", "/clock/resume")

            process = _killed_and_started(process, **settings)
            later = SandboxClient(process.ready).done("GET", "/clock")
        finally:
            process.end(signal.SIGTERM)

    assert clock["schedule"] == {"now_s": 1_800_000_000, "frozen": True, "next_at_s": 1_800_000_000}
    assert clock["claims"]["offset_s"] == -7200
    assert [fired["delivery_id"] for fired in advanced["fired"]] == [delivery_id]
    assert len(backend.arrivals) == 1
    assert not later["schedule"]["frozen"]
    assert 60 <= later["schedule"]["now_s"] - 1_800_000_000 < 600
