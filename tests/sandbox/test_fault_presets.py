"""Presets: what they lay, that seed and calls alone decide what happens, and how they are chosen."""

import json
import subprocess
import sys

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.errors import SandboxStartError
from coinslot_testkit.raw_http import fetch
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient


def _urls(client):
    key = client.ready["jogos"]["web_url"] + "/publicKey.json"
    return [key, client.ready["playgama"]["url"] + "/.well-known/jwks.json"]


def _outcomes(seed, preset, calls):
    """What a client sees of so many calls of each key endpoint, and how often each fault fired."""
    settings = SandboxSettings(port=0, control_port=0, seed=seed, preset=preset)
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        seen = []
        for _ in range(calls):
            for url in _urls(client):
                one = fetch(url)
                seen.append((one.ended, one.data[:15], one.body))
        report = client.done("GET", "/faults")
        client.pool.clear()
    counts = {fault["fault_id"]: (fault["at"], fault["seen"], fault["fired"]) for fault in report["faults"]}
    return seen, counts


def test_calm_lays_nothing(client):
    """The default: every call is answered as documented."""
    assert client.done("GET", "/faults") == {"preset": "calm", "seed": 7, "faults": []}
    assert [fetch(url).status for url in _urls(client) * 20] == [200] * 40


def test_realistic_is_slow_now_and_then_and_repeats_deliveries(client):
    """5 % of the answers late, 2 % of the notifications twice, 1 % out of order."""
    laid = client.done("POST", "/faults/preset", {"preset": "realistic"})

    assert (laid["preset"], laid["seed"]) == ("realistic", 7)
    shares = {(fault["at"], *fault["with"]) for fault in laid["faults"]}
    slow = {item for item in shares if "latency" in item}
    assert {at for at, *_ in slow} == set(client.done("GET", "/faults/kinds")["kinds"][0]["at"])
    assert {
        (fault["at"], kind): fault["with"]["probability"]
        for fault in laid["faults"]
        for kind in fault["with"]
        if kind != "probability"
    } == {
        **{(at, "latency"): 0.05 for at, *_ in slow},
        ("delivery", "duplicate"): 0.02,
        ("delivery", "reorder"): 0.01,
    }
    assert {fault["preset"] for fault in laid["faults"]} == {"realistic"}


def test_realistic_delays_some_answers_on_the_wire():
    """Every answer is right; about one in twenty is late, and the count says which."""
    seen, counts = _outcomes(11, "realistic", 30)

    assert {one[:2] for one in seen} == {("closed", b"HTTP/1.1 200 OK")}
    fired = [count for at, asked, count in counts.values() if asked == 30]
    assert len(fired) == 2
    assert 0 < sum(fired) < 15


def test_hostile_spoils_some_calls_of_every_endpoint(client):
    """Several kinds at each endpoint, and deliveries; GET /faults shows seed and shares."""
    laid = client.done("POST", "/faults/preset", {"preset": "hostile"})["faults"]

    places = {fault["at"] for fault in laid}
    assert places == {*client.done("GET", "/faults/kinds")["kinds"][0]["at"], "delivery"}
    assert all(0 < fault["with"]["probability"] <= 0.2 for fault in laid)
    assert all(sum(fault["at"] == at for fault in laid) >= 3 for at in places)


def test_the_same_seed_and_calls_give_the_same_outcome():
    """Byte for byte, and in every count; another seed gives another."""
    first, again, other = (_outcomes(seed, "hostile", 25) for seed in (7, 7, 8))

    assert first == again
    assert first[1] != other[1]
    assert sum(fired for _, _, fired in first[1].values()) > 0
    assert len({one[0:2] for one in first[0]} | {one[2] for one in first[0]}) > 3


def test_calm_ends_what_a_preset_laid_and_nothing_else(client):
    """A fault that was set by hand stays."""
    client.done("POST", "/faults/preset", {"preset": "hostile"})
    mine = client.done("POST", "/faults", {"at": "token", "with": {"hostile": "expired"}})

    left = client.done("POST", "/faults/preset", {"preset": "calm"})

    assert [fault["fault_id"] for fault in left["faults"]] == [mine["fault_id"]]
    assert left["preset"] == "calm"
    assert [fetch(url).status for url in _urls(client) * 10] == [200] * 20


def test_a_reset_lays_the_start_preset_anew():
    """As at first start: the counts begin at 0, and the same calls give the same outcome."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7, preset="realistic")) as running:
        client = SandboxClient(running.ready)
        client.done("POST", "/faults/preset", {"preset": "calm"})
        client.done("POST", "/reset", {})
        report = client.done("GET", "/faults")
        client.pool.clear()

    assert report["preset"] == "realistic"
    assert {fault["seen"] for fault in report["faults"]} == {0}


def _command(*options):
    command = [sys.executable, "-m", "coinslot_scenarios", "sandbox", "--port", "0", "--control-port", "0"]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_takes_a_preset():
    """coinslot sandbox --preset hostile."""
    with _command("--quiet", "--preset", "hostile") as process:
        client = SandboxClient(json.loads(process.stdout.readline()))
        assert client.done("GET", "/faults")["preset"] == "hostile"
        client.pool.clear()
        process.terminate()
        process.communicate(timeout=30)


def test_the_command_refuses_a_preset_that_there_is_not():
    """Exit code 2, and what was probably meant."""
    with _command("--preset", "hostil") as process:
        _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "hostile" in err


def test_an_unknown_preset_is_refused(client):
    """By the call, by the settings, and with a hint."""
    problem = client.control("POST", "/faults/preset", {"preset": "hostil"})

    assert (problem.status, problem.json["code"], problem.json["try"]) == (
        400,
        "field-invalid",
        "did you mean 'hostile'?",
    )
    assert client.refused("POST", "/faults/preset", {}) == (400, "field-missing")
    with pytest.raises(SandboxStartError, match="there is no preset 'wild'"):
        Sandbox(SandboxSettings(preset="wild"))


def _told(preset, *, seed=11, orders=60):
    """Order ids as they were paid, and as a backend that accepts everything was told of them."""
    settings = SandboxSettings(port=0, control_port=0, seed=seed, preset=preset)
    with RecordingBackend() as backend, Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=backend.url)
        client.done("POST", "/clock/freeze", {"at_s": 1_800_000_000})
        player = client.player(username="preset")
        paid = [client.order_id(player=player, paid=True) for _ in range(orders)]
        client.advance(until_idle=True)
        client.pool.clear()
        return paid, [arrival.json["orderId"] for arrival in backend.arrivals]


def test_calm_tells_of_every_order_once_and_in_order():
    """The positive twin of the two below."""
    paid, told = _told("calm")

    assert told == paid


@pytest.mark.parametrize(("preset", "orders"), [("realistic", 150), ("hostile", 60)])
def test_a_preset_repeats_and_reorders_notifications_and_loses_none(preset, orders):
    """What a drop or a delay holds up comes by the schedule; the seed decides what happens to which."""
    paid, told = _told(preset, orders=orders)

    assert set(told) == set(paid)
    assert len(told) > len(paid), "some came twice"
    assert list(dict.fromkeys(told)) != paid, "some came out of order"
    assert _told(preset, orders=orders) == (paid, told)
