"""The kill series: a sandbox that is killed again and again while orders are paid and refunded.

Everything is seen from outside: the control API steers, the answers and a list after the end say what was
committed, a backend that fails and stalls now and then records what arrived. What is drawn (moments,
failures, which orders are refunded) comes from a seed; where a kill falls in the work differs all the same.
"""

import queue
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import urllib3
from coinslot_testkit.recording_backend import Arrival, RecordingBackend, Says
from coinslot_testkit.sandbox_client import SandboxClient, new_pool
from coinslot_testkit.sandbox_process import SandboxProcess

STEERERS = 4
LIFE_S = (0.02, 0.6)
"""How long a sandbox lives after its ready line, at least and at most."""
TIMEOUT_S = 0.4
STALL_S = 0.7
FAILS, STALLS = 0.2, 0.06
"""How often the backend refuses, and answers too late."""
RETRY_S = [0.1] * 400
CALM_S = 180.0
"""How long the last sandbox has, to deliver what is still owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a series found.

    owed           notifications of orders that the store says are paid, and are refunded
    once           of these, delivered and acknowledged in time at least once
    invented       arrivals of what was never committed
    order_kept     of `refunds_seen`: the refund first arrived after the pay was first acknowledged
    unanswered     control calls whose answer never came; resolved by looking after the restart
    forgotten      calls that were answered with success and are not in the store
    """

    seed: int
    kills: int
    orders: int
    owed: int
    once: int
    invented: int
    refunds_seen: int
    order_kept: int
    attempts: int
    refused: int
    unanswered: int
    unanswered_committed: int
    forgotten: int
    took_s: float

    @property
    def lost(self) -> int:
        """Owed and never delivered."""
        return self.owed - self.once

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, invented, forgotten or out of order."""
        return (self.lost, self.invented, self.forgotten) == (
            0,
            0,
            0,
        ) and self.order_kept == self.refunds_seen

    def members(self) -> dict[str, Any]:
        """As JSON members."""
        return {**asdict(self), "lost": self.lost}


class Pause(threading.Event):
    """A wait that ends by itself: a backend that takes its time."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait STALL_S at most."""
        return super().wait(STALL_S if timeout is None else min(timeout, STALL_S))


@dataclass(slots=True)
class _Life:
    """The sandbox that runs now; None between a kill and the next ready line."""

    changed: threading.Condition
    ready: dict[str, Any] | None = None

    def set(self, ready: dict[str, Any] | None) -> None:
        with self.changed:
            self.ready = ready
            self.changed.notify_all()

    def await_ready(self) -> dict[str, Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: self.ready is not None, 60), "no sandbox came up"
            assert self.ready is not None
            return self.ready


class KillSeries:
    """One series over one store.

    folder  where the store is kept; empty at the start
    """

    def __init__(self, *, seed: int, kills: int, orders: int, folder: Path) -> None:
        self.seed, self.kills, self.orders = seed, kills, orders
        self._store = str(folder / "store.sqlite")
        self._draw = random.Random(seed)
        self._life = _Life(threading.Condition())
        self._wanted: queue.Queue[str | None] = queue.Queue()
        self._notes = threading.Lock()
        self._answered: set[tuple[str, str]] = set()
        self._unanswered: list[tuple[str, str]] = []
        self._moods = _Moods(seed)
        self._failures: list[BaseException] = []

    def run(self) -> Tally:
        """Run the series to its end."""
        began_s = time.monotonic()
        with RecordingBackend() as backend:
            backend.answer_by(self._moods.answer)
            steerers = [threading.Thread(target=self._steer, daemon=True) for _ in range(STEERERS)]
            process = self._start(backend.url)
            try:
                self._stock(process)
                for steerer in steerers:
                    steerer.start()
                process = self._live_and_die(process, backend.url)
                for _ in steerers:
                    self._wanted.put(None)
                for steerer in steerers:
                    steerer.join(CALM_S)
                client = SandboxClient(process.ready)
                self._await_calm(client)
                kept = _all_orders(client)
                client.pool.clear()
            finally:
                process.end(signal.SIGTERM)
            assert not self._failures, self._failures[0]
            whole = [arrival for arrival in backend.arrivals if not arrival.is_cut]
        return self._tally(kept, whole, took_s=time.monotonic() - began_s)

    def _start(self, url: str) -> SandboxProcess:
        process = SandboxProcess(
            store=self._store, seed=self.seed, quiet=True, callback_url=url, control_token="killed"
        )
        assert process.ready, process.wait()
        self._life.set(process.ready)
        return process

    def _stock(self, process: SandboxProcess) -> None:
        client = SandboxClient(process.ready)
        client.set_game(retry=RETRY_S, timeout_s=TIMEOUT_S)
        client.done("POST", "/players", {"user_id": "101"})
        client.product()

    def _live_and_die(self, process: SandboxProcess, url: str) -> SandboxProcess:
        """Each life brings its share of the orders and ends at a moment of its own."""
        names = iter(f"s{self.seed}n{number}" for number in range(self.orders))
        for life in range(self.kills):
            for _ in range(self.orders * (life + 1) // self.kills - self.orders * life // self.kills):
                self._wanted.put(next(names))
            time.sleep(self._draw.uniform(*LIFE_S))
            self._life.set(None)
            process.end(signal.SIGKILL)
            process = self._start(url)
        return process

    def _steer(self) -> None:
        pool = new_pool()
        try:
            while (order_id := self._wanted.get()) is not None:
                draw = random.Random(f"{self.seed}/{order_id}")
                wish = {"player": "101", "product": "1002", "order_id": order_id}
                self._until_done(pool, order_id, "created", "/orders", wish)
                self._until_done(pool, order_id, "paid", f"/orders/{order_id}/pay", {})
                if draw.random() < 0.6:
                    refund = {"refundStatus": 1}
                    self._until_done(pool, order_id, "refunded", f"/orders/{order_id}/refund", refund)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for this one
            self._failures.append(error)

    def _until_done(
        self, pool: urllib3.PoolManager, order_id: str, step: str, path: str, body: dict[str, Any]
    ) -> None:
        """Take a step; where no answer comes, look after the restart whether it was committed."""
        while True:
            client = SandboxClient(self._life.await_ready(), pool=pool)
            try:
                reply = client.control("POST", path, body)
            except urllib3.exceptions.HTTPError:
                is_committed = self._look(pool, order_id, step)
                with self._notes:
                    self._unanswered.append((order_id, step if is_committed else ""))
                if is_committed:
                    return
                continue
            assert reply.status in (200, 201), (order_id, step, reply.body)
            with self._notes:
                self._answered.add((order_id, step))
            return

    def _look(self, pool: urllib3.PoolManager, order_id: str, step: str) -> bool:
        while True:
            client = SandboxClient(self._life.await_ready(), pool=pool)
            try:
                reply = client.control("GET", f"/orders/{order_id}")
            except urllib3.exceptions.HTTPError:
                threading.Event().wait(0.02)
                continue
            return reply.status == 200 and step in _steps_of(reply.json["order"])

    def _await_calm(self, client: SandboxClient) -> None:
        deadline_s = time.monotonic() + CALM_S
        while client.done("GET", "/deliveries?state=pending&limit=1")["deliveries"]:
            assert time.monotonic() < deadline_s, "deliveries are pending long after the last kill"
            seq = client.done("GET", "/journal?limit=1")["last_seq"]
            client.done("GET", f"/journal/wait?after={seq}&timeout_s=2&limit=1")

    def _tally(self, kept: dict[str, Any], arrivals: list[Arrival], *, took_s: float) -> Tally:
        committed = {(order_id, step) for order_id, order in kept.items() for step in _steps_of(order)}
        owed = {(order_id, kind) for order_id, step in committed if (kind := _KIND.get(step))}
        accepted = self._moods.accepted
        first: dict[tuple[str, str], int] = {}
        for place, arrival in enumerate(arrivals):
            told = arrival.json
            first.setdefault((str(told["orderId"]), str(told["paytype"])), place)
        refunded = [order_id for order_id, kind in first if kind == "refund"]
        return Tally(
            seed=self.seed,
            kills=self.kills,
            orders=len(kept),
            owed=len(owed),
            once=len(owed & set(accepted)),
            invented=len(set(first) - owed),
            refunds_seen=len(refunded),
            order_kept=sum(
                first.get((order_id, "pay"), len(arrivals)) < first[order_id, "refund"]
                for order_id in refunded
            ),
            attempts=len(arrivals),
            refused=self._moods.refused,
            unanswered=len(self._unanswered),
            unanswered_committed=sum(bool(step) for _, step in self._unanswered),
            forgotten=len(self._answered - committed),
            took_s=round(took_s, 1),
        )


_KIND = {"paid": "pay", "refunded": "refund"}


def _steps_of(order: dict[str, Any]) -> list[str]:
    steps = ["created"]
    if order["paid"]:
        steps.append("paid")
    if order["refundStatus"] == 1:
        steps.append("refunded")
    return steps


def _all_orders(client: SandboxClient) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for order in client.done("GET", "/orders?limit=10000")["orders"]:
        found[order["order_id"]] = order
    return found


class _Moods:
    """What the backend does with each arrival: drawn from seed, notification and count."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seen: Counter[tuple[str, str]] = Counter()
        self.refused = 0
        self.accepted: dict[tuple[str, str], int] = {}
        """Notification -> place of its first arrival that was acknowledged in time."""

    def answer(self, arrival: Arrival) -> Says:
        """Fail, stall or accept; what a kill cut short is none."""
        if arrival.is_cut:
            return Says(status=400, body=b"{}")
        told = arrival.json
        name = (str(told["orderId"]), str(told["paytype"]))
        self._seen[name] += 1
        drawn = random.Random(f"{self._seed}/{name}/{self._seen[name]}").random()
        self.refused += drawn < FAILS + STALLS
        if drawn >= FAILS + STALLS:
            self.accepted.setdefault(name, sum(self._seen.values()) - 1)
        if drawn < FAILS:
            return Says(status=500, body=b"{}")
        return Says(after=Pause()) if drawn < FAILS + STALLS else Says()
