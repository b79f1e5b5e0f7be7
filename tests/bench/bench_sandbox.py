"""S5, S6, D3: how fast the sandbox is ready, what it weighs, and how soon a callback arrives.

The sandbox runs as the process that users start; it is read through its ready line and its control API alone.
"""

import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from rounds import Figure, interleave, ratio

COMMAND = [sys.executable, "-m", "coinslot_scenarios", "sandbox", "--port", "0", "--control-port", "0"]
ORDERS_UNDER_LOAD = 2_000
DELIVERIES = 100


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


def asking(ready: dict) -> Callable[[str, dict], dict]:
    """A function that posts to the control plane over one connection."""
    connection = connect(ready["control_url"])
    headers = {"Authorization": f"Bearer {ready['control_token']}", "Content-Type": "application/json"}

    def ask(path: str, body: dict) -> dict:
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
        idle_kib = _resident_kib(pid)
        _load(ask, player, ORDERS_UNDER_LOAD)
        first_kib = _resident_kib(pid)
        _load(ask, player, ORDERS_UNDER_LOAD)
        grown = _resident_kib(pid) / first_kib - 1
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


def _resident_kib(pid: int) -> int:
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


def delivery() -> list[Figure]:
    """D3: from the call that pays to the arrival of its callback, beyond a bare POST to the same receiver.

    The goal counts from the commit; the call that leads to it is part of what is measured here.
    """
    arrivals: dict[str, float] = {}
    changed = threading.Condition()

    def arrived(body: bytes) -> None:
        with changed:
            arrivals[json.loads(body)["orderId"]] = time.perf_counter()
            changed.notify_all()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.arrived = arrived  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/notify"
    try:
        with running("--callback-url", url) as (ready, _):
            ask = asking(ready)
            player = ask("/players", {})["user_id"]
            ask("/products", {"product_id": "1002"})
            bare_ms, ours_ms = [], []
            for number in range(DELIVERIES):
                bare_ms.append(_bare_post_ms(url, arrivals, f"bare-{number}"))
                order = ask("/orders", {"player": player, "product": "1002"})["order"]["order_id"]
                ours_ms.append(_paid_to_arrival_ms(ask, order, arrivals, changed))
    finally:
        server.shutdown()
        server.server_close()
    beyond = statistics.median(ours_ms) - statistics.median(bare_ms)
    what = "pay call sent to callback's arrival, beyond a bare POST (p50)"
    return [
        Figure(id="D3", what=what, measured=beyond, goal=5, at_least=False, unit=" ms", note="pay call incl.")
    ]


def _bare_post_ms(url: str, arrivals: dict[str, float], name: str) -> float:
    connection = connect(url)
    began_s = time.perf_counter()
    connection.request("POST", urlsplit(url).path, json.dumps({"orderId": name}))
    connection.getresponse().read()
    connection.close()
    return (arrivals[name] - began_s) * 1000


def _paid_to_arrival_ms(
    ask: Callable[[str, dict], dict], order: str, arrivals: dict[str, float], changed: threading.Condition
) -> float:
    began_s = time.perf_counter()
    ask(f"/orders/{order}/pay", {})
    with changed:
        assert changed.wait_for(lambda: order in arrivals, timeout=10)
    return (arrivals[order] - began_s) * 1000
