"""S5, S6: how fast the sandbox is ready, and what it weighs.

The sandbox runs as the process that users start; it is read through its ready line and its control API alone.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from rounds import Figure, interleave, ratio

COMMAND = [sys.executable, "-m", "coinslot_scenarios", "sandbox", "--port", "0", "--control-port", "0"]
ORDERS_UNDER_LOAD = 2_000


@contextmanager
def running(*arguments: str) -> Iterator[tuple[dict, int]]:
    """A sandbox; its ready line and process id."""
    command = [*COMMAND, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.communicate(timeout=20)


def connect(url: str) -> http.client.HTTPConnection:
    """A kept-alive connection to where a URL points."""
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)


def asking(ready: dict) -> Callable[[str, dict | None], dict]:
    """A function that calls the control plane over one connection."""
    connection = connect(ready["control_url"])
    headers = {"Authorization": f"Bearer {ready['control_token']}", "Content-Type": "application/json"}

    def ask(path: str, body: dict | None) -> dict:
        """Post a body, or get where there is none."""
        if body is None:
            connection.request("GET", f"/_control/v1{path}", headers=headers)
        else:
            connection.request("POST", f"/_control/v1{path}", json.dumps(body), headers)
        reply = connection.getresponse()
        answer = json.loads(reply.read())
        assert reply.status < 300, answer
        return answer

    return ask


def start_up() -> list[Figure]:
    """S5: from the command to its ready line, beside the import of Flask alone."""

    def imports_flask() -> None:
        subprocess.run([sys.executable, "-c", "import flask"], check=True)

    ready_s: list[float] = []

    def measured() -> None:
        began_s = time.perf_counter()
        with running():
            ready_s.append(time.perf_counter() - began_s)

    times_s = interleave({"flask": imports_flask, "ready": measured})
    value, spread = ratio(ready_s[-len(times_s["flask"]) :], times_s["flask"])
    what = "from the command to its ready line, of `import flask`"
    return [Figure(id="S5", what=what, measured=value, goal=2.5, at_least=False, spread=spread)]


def memory() -> list[Figure]:
    """S6: resident memory when idle, and how much it grows under load."""
    with running() as (ready, pid):
        ask = asking(ready)
        player = ask("/players", {})["user_id"]
        ask("/products", {"product_id": "1002"})
        idle_kib = resident_kib(pid)
        _load(ask, player, ORDERS_UNDER_LOAD)
        first_kib = resident_kib(pid)
        _load(ask, player, ORDERS_UNDER_LOAD)
        grown = resident_kib(pid) / first_kib - 1
    return [
        Figure(
            id="S6",
            what="resident memory, idle",
            measured=idle_kib / 1024,
            goal=80,
            at_least=False,
            unit=" MiB",
        ),
        Figure(
            id="S6",
            what=f"growth over {ORDERS_UNDER_LOAD} further paid orders",
            measured=grown * 100,
            goal=10,
            at_least=False,
            unit=" %",
            note=f"after {ORDERS_UNDER_LOAD} to warm up",
        ),
    ]


def _load(ask: Callable[[str, dict], dict], player: str, orders: int) -> None:
    for _ in range(orders):
        ask("/orders", {"player": player, "product": "1002", "paid": True, "callback": "lost"})


def resident_kib(pid: int) -> int:
    """A process's resident memory."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1])
    printed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(printed.stdout)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Note the time, acknowledge."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrived(body)  # type: ignore[attr-defined]
        answer = b'{"code":"200","msg":"Success"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
