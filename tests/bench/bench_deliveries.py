"""D1 to D4 and crash recovery: how fast callbacks leave, beside the bare POST and other ways to send them.

The receiver is a process of its own: bare sockets and an event loop, so that it is never what limits.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import peers
from bench_sandbox import COMMAND, asking, running
from load import Client, request_bytes, scaled
from rounds import Figure, compared, in_turn, not_measured

DELIVERIES, SINGLE, ATTEMPTS, STEP_S = 400, 40, 960, 3600
HERE = Path(__file__).parent

AIOHTTP = """
import asyncio, hashlib, json, sys, time
import aiohttp
url, count = sys.argv[1], int(sys.argv[2])
async def main():
    numbers = iter(range(count))
    async def work(session):
        for number in numbers:
            body = json.dumps({"orderId": f"o{number}", "gameId": 1}).encode()
            signature = hashlib.sha1(body + b"key").hexdigest()
            async with session.post(url, data=body, headers={"Authorization": signature}) as reply:
                await reply.read()
    async with aiohttp.ClientSession() as session:
        began = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(32)))
        print(count / (time.perf_counter() - began))
asyncio.run(main())
"""


class Receiver:
    """The receiver's process, and the figures that it keeps of what arrives."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}/notify"
        self.refusing_url = f"http://127.0.0.1:{port}/refuse"

    def report(self) -> dict:
        """What arrived since the last report: count, seconds spent, moments by order id."""
        client = Client(self.url)
        _, body = client.ask(request_bytes(self.url.replace("/notify", "/report")))
        client.close()
        return dict(json.loads(body))

    def await_count(self, count: int, *, timeout_s: float = 120.0) -> dict:
        """The report once so much has arrived."""
        whole: dict = {"count": 0, "at": {}, "busy_s": 0.0}
        deadline_s = time.monotonic() + timeout_s
        while True:
            found = self.report()
            whole["count"] += found["count"]
            whole["busy_s"] += found["busy_s"]
            whole["at"] |= found["at"]
            if whole["count"] >= count:
                return whole
            assert time.monotonic() < deadline_s, f"{whole['count']} of {count} arrived"
            time.sleep(0.02)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver."""
    command = [sys.executable, str(HERE / "receiver.py")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Receiver(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def _stocked(ready: dict, url: str, **game: object) -> Callable[..., dict]:
    ask = asking(ready)
    Client(ready["control_url"]).ask(
        request_bytes(
            f"{ready['control_url']}/_control/v1/games/{ready['jogos']['game_id']}",
            method="PUT",
            body=json.dumps({"callback_url": url, **game}).encode(),
            headers=[("Authorization", f"Bearer {ready['control_token']}")],
        )
    )
    player = ask("/players", {})["user_id"]
    ask("/products", {"product_id": "1002"})
    wish = {"player": player, "product": "1002"}
    return lambda path="/orders", body=None, **more: ask(path, {**wish, **more} if body is None else body)


def _backlog(ready: dict, url: str, count: int, *, dead: int = 0) -> Callable[..., dict]:
    """Orders paid while the schedule stands still, so that all are due at the moment it runs on.

    dead  so many of every ten go where nobody listens
    """
    ask = _stocked(ready, url, retry="none", timeout_s=5)
    ask("/clock/freeze", {})
    if dead:
        _stocked(ready, f"http://127.0.0.1:{peers.free_port()}/dead", retry="none", timeout_s=5)
        for _ in range(count * dead // 10):
            ask(paid=True)
        _stocked(ready, url, retry="none", timeout_s=5)
    for _ in range(count - count * dead // 10):
        ask(paid=True)
    return ask


def throughput() -> list[Figure]:
    """D1 and D2: signed deliveries a second, each attempt written, beside aiohttp and requests."""
    count = scaled(DELIVERIES, least=40)
    with receiving() as receiver:
        candidates = {
            "ours": lambda: _drain(receiver, count, dead=0),
            "ours, one dead in ten": lambda: _drain(receiver, count, dead=1),
            "requests": lambda: _with_requests(receiver, count),
        }
        missing = ""
        try:
            program = peers.python_program()
            candidates["aiohttp"] = lambda: _with_aiohttp(program, receiver, count)
        except peers.PeerMissing as error:
            missing = str(error)
        measured = in_turn(candidates, rounds=5, warm_up=0)
    note = f"{count} due at one moment; ours writes every attempt"
    what = "deliveries a second, of aiohttp with 32 tasks"
    figures = (
        [compared("D1", what, measured, ("ours", "aiohttp"), goal=0.4, note=note)]
        if "aiohttp" in measured
        else [not_measured("D1", what, 0.4, missing)]
    )
    return [
        *figures,
        compared("D1", "… of requests.Session with one thread", measured, ("ours", "requests"), goal=2.4),
        compared(
            "D2",
            "deliveries a second with one dead target in ten, of those without",
            measured,
            ("ours, one dead in ten", "ours"),
            goal=0.85,
        ),
    ]


def _drain(receiver: Receiver, count: int, *, dead: int) -> float:
    """Arrivals a second from the resume of the schedule to the last arrival."""
    with running() as (ready, _):
        ask = _backlog(ready, receiver.url, count, dead=dead)
        receiver.report()
        began_s = time.time()
        ask("/clock/resume", {})
        wanted = count - count * dead // 10
        last_s = max(receiver.await_count(wanted)["at"].values())
        return wanted / (last_s - began_s)


def _with_requests(receiver: Receiver, count: int) -> float:
    import hashlib

    import requests

    with requests.Session() as session:
        began_s = time.perf_counter()
        for number in range(count):
            body = json.dumps({"orderId": f"o{number}", "gameId": 1}).encode()
            signature = hashlib.sha1(body + b"key").hexdigest()
            session.post(receiver.url, data=body, headers={"Authorization": signature}, timeout=10)
        rate = count / (time.perf_counter() - began_s)
    receiver.report()
    return rate


def _with_aiohttp(program: Path, receiver: Receiver, count: int) -> float:
    command = [str(program), "-c", AIOHTTP, receiver.url, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    receiver.report()
    return float(done.stdout)


def arrival() -> list[Figure]:
    """D3: from the answer to a call that pays to the arrival of its callback, beyond a bare POST.

    The commit happens before the call is answered, and its moment is not visible from outside: the answer
    comes after it, the call's sending before it, so the true figure lies between the two.
    """
    with receiving() as receiver, running() as (ready, _):
        ask = _stocked(ready, receiver.url)
        bare_ms: list[float] = []
        from_call_ms: list[float] = []
        from_answer_ms: list[float] = []
        for number in range(scaled(SINGLE * 2, least=10)):
            receiver.report()
            began_s = time.time()
            client = Client(receiver.url)
            body = json.dumps({"orderId": f"bare-{number}"}).encode()
            client.ask(request_bytes(receiver.url, method="POST", body=body))
            client.close()
            bare_ms.append((receiver.await_count(1)["at"][f"bare-{number}"] - began_s) * 1000)
            order = ask()["order"]["order_id"]
            began_s = time.time()
            ask(f"/orders/{order}/pay", {})
            answered_s = time.time()
            arrived_s = receiver.await_count(1)["at"][order]
            from_call_ms.append((arrived_s - began_s) * 1000)
            from_answer_ms.append((arrived_s - answered_s) * 1000)
    bare = statistics.median(bare_ms)
    trial = "own queue of the trial 2.8 to 3.5 ms, DBOS 33 ms, commit to arrival, bare POST included"
    return [
        _beyond("from the answered pay call to its callback's arrival (p50)", from_answer_ms, bare, 5, trial),
        _beyond("… from the sending of that call, which holds the whole call", from_call_ms, bare, None, ""),
    ]


def _beyond(what: str, values_ms: list[float], bare_ms: float, goal: float | None, note: str) -> Figure:
    return Figure(
        id="D3",
        what=what,
        measured=statistics.median(values_ms) - bare_ms,
        goal=goal,
        at_least=False,
        unit=" ms",
        ours=f"{statistics.median(values_ms):.1f} ms",
        other=f"{bare_ms:.1f} ms",
        note=f"beyond the bare POST; {note}".rstrip("; "),
    )


def advance() -> list[Figure]:
    """D4: 960 attempts an hour apart by one call; its time less what the receiver took to answer."""
    count = scaled(ATTEMPTS, least=60)
    own_s: list[float] = []
    bare_s: list[float] = []
    with receiving() as receiver, running() as (ready, _):
        ask = _stocked(ready, receiver.refusing_url, retry=[STEP_S] * (count - 1))
        ask("/clock/freeze", {})
        for _ in range(5):
            bare_s.append(_bare_posts(receiver.refusing_url, count))
            ask(paid=True)
            receiver.report()
            began_s = time.perf_counter()
            done = ask("/clock/advance", {"until_idle": True})
            took_s = time.perf_counter() - began_s
            assert len(done["fired"]) == count, len(done["fired"])
            own_s.append(took_s - bare_s[-1])
    return [
        Figure(
            id="D4",
            what=f"advance until_idle over {count} attempts an hour apart (median of 5)",
            measured=statistics.median(own_s),
            goal=1.0 * count / ATTEMPTS,
            at_least=False,
            unit=" s",
            ours=f"{statistics.median(own_s) + statistics.median(bare_s):.2f} s",
            other=f"{statistics.median(bare_s):.2f} s",
            spread=(min(own_s), max(own_s)),
            note="less as many bare POSTs on sockets of their own",
        )
    ]


def _bare_posts(url: str, count: int) -> float:
    request = request_bytes(url, method="POST", body=b"{}", headers=[("Connection", "close")])
    began_s = time.perf_counter()
    for _ in range(count):
        client = Client(url)
        client.ask(request)
        client.close()
    return time.perf_counter() - began_s


def recovery() -> list[Figure]:
    """A kill in the middle of a POST: when the same sandbox, started anew, delivers again."""
    found_s = [_recovered_s() for _ in range(scaled(3, least=1))]
    return [
        Figure(
            id="R0",
            what="kill -9 in the middle of a POST, to the redelivery after a restart",
            measured=statistics.median(found_s),
            goal=4.9,
            at_least=False,
            unit=" s",
            other="4.9 s",
            spread=(min(found_s), max(found_s)),
            note="the trial's own queue took 4.6 to 4.9 s, DBOS 2.0 to 2.4; the lease is 5 s",
        )
    ]


def _recovered_s() -> float:
    with receiving() as receiver, tempfile.TemporaryDirectory() as name:
        url = receiver.url.replace("/notify", "/hang")
        command = [*COMMAND, "--store", str(Path(name) / "store.sqlite"), "--callback-url", url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        ask = _stocked(json.loads(process.stdout.readline()), url)
        ask(paid=True)
        receiver.await_count(1)
        process.kill()
        process.communicate()
        killed_s = time.time()
        with running("--store", str(Path(name) / "store.sqlite")):
            return float(max(receiver.await_count(1)["at"].values())) - killed_s
