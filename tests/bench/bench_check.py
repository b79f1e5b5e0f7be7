"""R1, R2, R3: what a check costs beside a bare script and pytest with requests, and the whole catalogue.

The trivial check sends one valid payment callback and looks at the answer. All three do the same against the
same running sandbox and the same receiver; a whole process is timed, from command to exit.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from bench_sandbox import Receiver, asking, running
from coinslot_scenarios.load import suite_files
from rounds import Figure, interleave, ratio

CHECKS = 50
FLASK_PROFILE = Path(__file__).parents[2] / "scenarios/coinslot_scenarios/backends/flask/profile.yaml"

SCENARIO = """
coinslot: 1
id: BENCH-TRIVIAL-01
title: A valid payment notification is accepted
clause: [jogos:iap.1.resp]
cases: [{cases}]
steps:
  - player: {{as: alice, login: false}}
  - order: {{as: o1, player: alice, product: 1}}
  - callback: {{order: o1, type: pay}}
    expect:
      - answer: accepted
"""

PROFILE = """
coinslot-profile: 1
name: bench
base_url: {base_url}
jogos: {{game_id: {game_id}, shared_key: {shared_key}, callback: {{path: /notify}}}}
sandbox: {{url: {portal_url}, control_url: {control_url}, control_token: {token}}}
"""

STEPS = """
    player = ask("/players", {})["user_id"]
    order = ask("/orders", {"player": player, "product": "1002"})["order"]["order_id"]
    sent = ask("/callbacks", {"order": order, "type": "pay"})
    assert sent["attempts"][0]["ack"]["accepted"]
"""

BARE = f"""
import http.client, json, os, sys
connection = http.client.HTTPConnection(os.environ["CONTROL"], timeout=20)
headers = {{"Authorization": "Bearer " + os.environ["TOKEN"]}}
def ask(path, body):
    connection.request("POST", "/_control/v1" + path, json.dumps(body), headers)
    return json.loads(connection.getresponse().read())
for _ in range(int(sys.argv[1])):{STEPS}
"""

PYTEST = f"""
import os
import pytest
import requests
session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["TOKEN"]
def ask(path, body):
    return session.post("http://" + os.environ["CONTROL"] + "/_control/v1" + path, json=body).json()
@pytest.mark.parametrize("number", range(int(os.environ["CHECKS"])))
def test_a_valid_notification_is_accepted(number):{STEPS}
"""


class Bench:
    """The three ways to play the trivial check, in a folder of their own."""

    def __init__(self, folder: Path, ready: dict, base_url: str) -> None:
        self.folder = folder
        control = ready["control_url"].removeprefix("http://")
        self.environment = {**os.environ, "CONTROL": control, "TOKEN": ready["control_token"]}
        jogos = ready["jogos"]
        profile = PROFILE.format(
            base_url=base_url,
            game_id=jogos["game_id"],
            shared_key=json.dumps(jogos["shared_key"]),
            portal_url=jogos["web_url"],
            control_url=ready["control_url"],
            token=json.dumps(ready["control_token"]),
        )
        (folder / "profile.yaml").write_text(profile, "utf-8")
        (folder / "bare.py").write_text(BARE, "utf-8")
        (folder / "test_trivial.py").write_text(PYTEST, "utf-8")
        for count in (1, CHECKS):
            cases = ", ".join(f"{{name: case-{number}, number: {number}}}" for number in range(count))
            (folder / f"checks-{count}.yaml").write_text(SCENARIO.format(cases=cases), "utf-8")

    def run(self, *command: str, **environment: str) -> None:
        """One whole process."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def bare(self, count: int) -> None:
        """http.client and nothing else."""
        self.run("bare.py", str(count))

    def pytest(self, count: int) -> None:
        """pytest with requests."""
        self.run("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", CHECKS=str(count))

    def ours(self, count: int) -> None:
        """`coinslot check`, evidence recorded, one item after another as the other two do it."""
        arguments = ["--profile", "profile.yaml", "--no-preflight", "-j", "1"]
        self.run("-m", "coinslot_scenarios", "check", f"checks-{count}.yaml", *arguments)


@contextmanager
def bench() -> Iterator[Bench]:
    """A running sandbox, a receiver that acknowledges everything, and the three ways."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.arrived = lambda _: None  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        with (
            running("--callback-url", f"{base_url}/notify") as (ready, _),
            tempfile.TemporaryDirectory() as folder,
        ):
            asking(ready)("/products", {"product_id": "1002"})
            yield Bench(Path(folder), ready, base_url)
    finally:
        server.shutdown()
        server.server_close()


def checks() -> list[Figure]:
    """R1 and R2."""
    with bench() as ways:
        one = interleave({name: _caller(ways, name, 1) for name in ("bare", "pytest", "ours")})
        many = interleave({name: _caller(ways, name, CHECKS) for name in ("bare", "pytest", "ours")})
    each = {
        name: [(long - short) / (CHECKS - 1) for long, short in zip(many[name], one[name], strict=True)]
        for name in one
    }
    return [
        _figure("R1", "one trivial check, whole process, times a bare http.client script", one, "bare", 5),
        _figure("R1", "… of pytest with requests", one, "pytest", 0.6),
        _figure("R2", "each further check with its evidence, times http.client", each, "bare", 3.5),
        _figure("R2", "… of pytest with requests", each, "pytest", 0.5),
    ]


def _caller(ways: Bench, name: str, count: int):
    return lambda: getattr(ways, name)(count)


def _figure(goal_id: str, what: str, times_s: dict[str, list[float]], below: str, goal: float) -> Figure:
    measured, spread = ratio(times_s["ours"], times_s[below])
    return Figure(id=goal_id, what=what, measured=measured, goal=goal, at_least=False, spread=spread)


def catalogue() -> list[Figure]:
    """R3: every check that exists, against the Flask backend, started by `check` itself."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["check", "--profile", str(FLASK_PROFILE), "--port", "0", "--control-port", "0"]
        began_s = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "coinslot_scenarios", *command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        took_s = time.perf_counter() - began_s
    assert done.returncode == 0, done.stdout + done.stderr
    what = f"the whole catalogue ({len(list(suite_files()))} checks) against the Flask backend"
    verdict = done.stdout.splitlines()[-1].split(" - ")[0]
    return [
        Figure(
            id="R3", what=what, measured=took_s, goal=30, at_least=False, unit=" s", note=f"once: {verdict}"
        )
    ]
