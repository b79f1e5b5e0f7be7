"""A long schedule of retries, advanced until nothing is due, is the same to the last byte each time."""

import hashlib
import json

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.proofs import proven
from coinslot_testkit.recording_backend import RecordingBackend, Says
from coinslot_testkit.sandbox_client import SandboxClient, new_pool

NOON_S = 1_757_937_600
HOUR_S = 3600
SEED = 960


def _replay(client, backend, *, attempts):
    """A fresh workspace of one name and seed, one order that is always refused; what came and was told."""
    came_before = len(backend.arrivals)
    client.done("POST", "/workspaces", {"name": "replay", "seed": SEED, "game_id": "4960"})
    path = "/w/replay"
    client.done(
        "PUT",
        f"{path}/games/4960",
        {"callback_url": backend.url, "retry": [HOUR_S] * (attempts - 1), "timeout_s": 5},
    )
    client.done("POST", f"{path}/clock/freeze", {"at_s": NOON_S})
    player = client.done("POST", f"{path}/players", {})["user_id"]
    client.done("POST", f"{path}/products", {"product_id": "1002", "title": "t", "price": 1})
    wish = {"player": player, "product": "1002", "paid": True}
    delivery_id = client.done("POST", f"{path}/orders", wish)["delivery"]["delivery_id"]
    advanced = client.done("POST", f"{path}/clock/advance", {"until_idle": True})
    state = client.done("GET", f"{path}/deliveries/{delivery_id}")["state"]
    client.done("DELETE", "/workspaces/replay")
    came = [
        [arrival.method, arrival.target, arrival.headers, arrival.body.decode()]
        for arrival in backend.arrivals[came_before:]
    ]
    return came, advanced, state


def _replays(*, times, attempts):
    with RecordingBackend() as backend, Sandbox(SandboxSettings(port=0, control_port=0, seed=1)) as sandbox:
        backend.answer_with(Says(status=503, body=b"{}"))
        client = SandboxClient(sandbox.ready, pool=new_pool(timeout_s=600))
        return [_replay(client, backend, attempts=attempts) for _ in range(times)]


def _digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _found(replays):
    """Counts and digests; the moments at which the attempts of the first one were due."""
    came, advanced, state = replays[0]
    return {
        "seed": SEED,
        "replays": len(replays),
        "attempts": len(came),
        "fired": len(advanced["fired"]),
        "state": state,
        "sent": sorted({_digest(came) for came, _, _ in replays}),
        "told": sorted({_digest(advanced) for _, advanced, _ in replays}),
        "hours": (advanced["fired"][-1]["schedule_at_s"] - NOON_S) / HOUR_S,
    }


def _check(found, *, times, attempts):
    assert (found["replays"], found["attempts"], found["fired"]) == (times, attempts, attempts)
    assert (len(found["sent"]), len(found["told"])) == (1, 1), "each replay sent and told the same bytes"
    assert (found["state"], found["hours"]) == ("failed", attempts - 1)


def test_a_long_schedule_replays_to_the_last_byte():
    """60 attempts an hour apart, twice: requests with all headers in order, and what the advance told."""
    _check(_found(_replays(times=2, attempts=60)), times=2, attempts=60)


def test_another_seed_sends_other_bytes(monkeypatch):
    """The comparison sees a difference where there is one."""
    one = _found(_replays(times=1, attempts=2))
    monkeypatch.setitem(globals(), "SEED", SEED + 1)
    other = _found(_replays(times=1, attempts=2))

    assert one["sent"] != other["sent"]


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_forty_days_of_attempts_replay_twenty_times():
    """960 attempts an hour apart, 20 times with one seed: the same bytes sent, the same told."""
    with proven("replay", 0) as proof:
        if proof.is_new:
            proof.members = _found(_replays(times=20, attempts=960))

    _check(proof.members, times=20, attempts=960)
