"""The sandbox as a process: ready line, banner, signals, ports, and what a kill -9 leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.banner import banner
from coinslot_testkit.recording_backend import RecordingBackend, Says
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.sandbox_process import ROOT, SandboxProcess

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join((str(ROOT / "sandbox"), str(ROOT / "contracts"))),
}


def test_the_ready_line_is_one_line_of_json_and_the_banner_is_for_people():
    """interface: ready line on stdout, banner on stderr."""
    with SandboxProcess(seed=7, shared_key="the-shared-key-of-it", game_id="1220") as running:
        ready = running.ready
        code, rest, banner = running.end(signal.SIGTERM)

    assert list(ready) == [
        "coinslot",
        "version",
        "pid",
        "workspace",
        "control_url",
        "control_token",
        "jogos",
        "playgama",
        "seed",
        "store",
    ]
    assert (ready["coinslot"], ready["pid"], ready["workspace"]) == ("ready", running.process.pid, "default")
    assert ready["jogos"] == {
        "web_url": ready["jogos"]["api_url"],
        "api_url": ready["jogos"]["api_url"],
        "game_id": "1220",
        "shared_key": "the-shared-key-of-it",
    }
    assert ready["playgama"] == {"url": ready["jogos"]["web_url"]}
    assert (ready["seed"], ready["store"], code, rest) == (7, None, 0, "")
    assert 6 <= len(banner.splitlines()) <= 10
    for shown in (ready["jogos"]["web_url"], ready["control_url"], "seed", "curl", "test-rsa-"):
        assert shown in banner
    assert "Traceback" not in banner


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number):
    """Exit code 0, whatever hangs or waits."""
    with SandboxProcess(quiet=True) as running:
        client = SandboxClient(running.ready)
        client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"hang": 600}})
        url = running.ready["jogos"]["web_url"].removeprefix("http://").split(":")
        hanging = socket.create_connection((url[0], int(url[1])))
        hanging.sendall(b"GET /publicKey.json HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting = threading.Thread(
            target=lambda: client.control("GET", "/journal/wait?after=99&timeout_s=60")
        )
        waiting.start()
        client.done("GET", "/journal/wait?after=1")

        code, _, err = running.end(number)
        waiting.join(10)

    assert (code, err) == (0, "")
    assert hanging.recv(1) == b""
    hanging.close()
    client.pool.clear()


def test_the_control_token_can_come_from_the_environment():
    """interface: control token from the environment."""
    with SandboxProcess({"COINSLOT_CONTROL_TOKEN": "token-of-the-environment"}, quiet=True) as running:
        assert running.ready["control_token"] == "token-of-the-environment"
        client = SandboxClient(running.ready)
        assert client.done("GET", "/players") == {"players": []}
        client.pool.clear()


@pytest.mark.parametrize(("name", "option"), [("port", "--port"), ("control_port", "--control-port")])
def test_a_busy_port_is_one_line_and_exit_3(name, option):
    """interface: port busy is 3; a free one is the twin above."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        SandboxProcess(**{name: taken.getsockname()[1]}) as running,
    ):
        code, out, err = running.wait()

    assert (running.ready, code, out) == ({}, 3, "")
    assert len(err.splitlines()) == 1
    assert f"{option} (0 takes a free one)" in err


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"store": "/dev/null/store.sqlite"}, 3),
        ({"host": "203.0.113.1"}, 3),
        ({"port": 70_000}, 2),
        ({"seed": -1}, 2),
        ({"retry": "sometimes"}, 2),
        ({"game_id": "abc"}, 2),
        ({"callback_url": "https://8.8.8.8/"}, 2),
    ],
)
def test_what_cannot_start_says_so_in_one_line(settings, code):
    """Bad input: one line, the exit code of interface, no traceback."""
    with SandboxProcess(**settings) as running:
        ended, out, err = running.wait()

    assert (ended, out) == (code, "")
    assert len(err.splitlines()) == 1


def test_what_was_paid_before_a_kill_is_delivered_after_it(tmp_path):
    """Done when: killed with kill -9 between pay and delivery, started again, the callback arrives."""
    store = str(tmp_path / "kept.sqlite")
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with SandboxProcess(store=store, quiet=True, retry="fast") as running:
        client = SandboxClient(running.ready)
        client.set_game(callback_url=f"http://127.0.0.1:{port}/notify", retry=[1.0] * 60)
        order = client.order(paid=True)
        client.await_delivery(order["delivery"]["delivery_id"], "pending", attempts=1)
        client.pool.clear()
        running.end(signal.SIGKILL)

    with RecordingBackend(port=port) as backend, SandboxProcess(store=store, quiet=True) as running:
        (arrival,) = backend.wait_for(1, timeout_s=20)[:1]
        client = SandboxClient(running.ready)
        detail = client.await_delivery(order["delivery"]["delivery_id"], "delivered")
        client.pool.clear()

    assert arrival.json["orderId"] == order["order"]["order_id"]
    assert detail["body_b64"] == order["delivery"]["body_b64"]
    assert detail["attempts"][-1]["ack"]["accepted"]


def test_an_attempt_that_was_under_way_at_a_kill_is_repeated(tmp_path):
    """Leases: what a killed process had in its hands is due again when its lease has run out."""
    store = str(tmp_path / "kept.sqlite")
    release = threading.Event()
    with RecordingBackend() as backend:
        backend.answer_with(Says(after=release), Says())
        with SandboxProcess(store=store, quiet=True, retry="none", callback_url=backend.url) as running:
            client = SandboxClient(running.ready)
            order = client.order(paid=True)
            backend.wait_for(1)
            client.pool.clear()
            running.end(signal.SIGKILL)
        release.set()

        with SandboxProcess(store=store, quiet=True) as running:
            client = SandboxClient(running.ready)
            detail = client.await_delivery(order["delivery"]["delivery_id"], "delivered")
            client.pool.clear()

        first, second = backend.arrivals
    assert (first.body, first.header("Authorization")) == (second.body, second.header("Authorization"))
    assert [attempt["attempt"] for attempt in detail["attempts"]] == [1]


def test_what_was_delivered_before_a_kill_is_not_sent_again(tmp_path):
    """The twin: an acknowledgement that was recorded stays recorded."""
    store = str(tmp_path / "kept.sqlite")
    with RecordingBackend() as backend:
        with SandboxProcess(store=store, quiet=True, callback_url=backend.url) as running:
            client = SandboxClient(running.ready)
            order = client.order(paid=True)
            client.await_delivery(order["delivery"]["delivery_id"], "delivered")
            client.pool.clear()
            running.end(signal.SIGKILL)

        with SandboxProcess(store=store, quiet=True) as running:
            client = SandboxClient(running.ready)
            other = client.order(paid=True, player=order["order"]["user_id"])
            client.await_delivery(other["delivery"]["delivery_id"], "delivered")
            client.pool.clear()

        told = [arrival.json["orderId"] for arrival in backend.arrivals]
    assert told == [order["order"]["order_id"], other["order"]["order_id"]]


def test_importing_the_package_is_cheap():
    """Frameworks are loaded when a sandbox starts, Faker and PyJWT when they are needed."""
    program = "import sys, coinslot_sandbox; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    ).stdout

    heavy = {"flask", "cheroot", "sqlalchemy", "faker", "jwt", "cryptography", "h11", "urllib3"}
    assert not heavy & set(json.loads(loaded.replace("'", '"')))


def test_a_start_loads_neither_faker_nor_jwt():
    """Start-up is import time: what is not needed before the ready line is loaded later."""
    program = (
        "import sys\nfrom coinslot_sandbox import Sandbox, SandboxSettings\n"
        "with Sandbox(SandboxSettings(port=0, control_port=0)):\n"
        "    print([name for name in ('faker', 'jwt', 'cryptography', 'alembic') if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    ).stdout

    assert loaded.strip() == "[]"


def test_the_banner_says_what_goes_wrong_by_itself():
    """Nobody should look for a fault of their own that a preset makes."""
    with Sandbox(SandboxSettings(port=0, control_port=0, preset="realistic")) as awkward:
        told = banner(awkward)
    with Sandbox() as calm:
        plain = banner(calm)

    assert "preset realistic: 5 % of the answers are slow" in told
    assert "every answer is as documented" in plain
