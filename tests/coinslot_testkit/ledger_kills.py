"""The ledger's kill series: processes that grant the same orders are killed at any moment, again and again.

The portal here sends each message to two processes at once and sends it again until it is acknowledged. What
is drawn (who dies when, when a refund comes) comes from a seed; where a kill falls differs all the same.
"""

import random
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from coinslot_testkit.child_environment import with_testkit
from coinslot_testkit.ledger_worker import ITEMS
from coinslot_verifier import Ledger, open_engine
from coinslot_verifier.ledger_store import GRANTS, OUTBOX, REVOCATIONS
from sqlalchemy import Connection, func, select

WORKERS = 4
REFUNDED = 0.2
"""How many orders come beside the others that are refunded too, for each of them."""
IN_FLIGHT = 8
"""Messages that a process has before it, so that a kill finds some in every state."""
GAP_S = (0.02, 0.35)
DEADLINE_S = 600.0

Message = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a series found.

    orders, granted, doubled, lost   paid orders; of them with one grant and one item / more items / none
    refunds, settled                 further orders, paid and refunded in any order; of them with one
                                     revocation, and one item given and taken, or none given
    invented                         grants, revocations and items of what was never paid or refunded
    repeated                         messages acknowledged that were no news: duplicates, kills after a commit
    unacknowledged                   messages that a killed process had before it, sent again
    pending, grants                  what the outbox holds for the portal to be told, and all grant rows
    """

    seed: int
    database: str
    orders: int
    kills: int
    granted: int
    doubled: int
    lost: int
    refunds: int
    settled: int
    invented: int
    repeated: int
    unacknowledged: int
    pending: int
    grants: int
    took_s: float

    @property
    def is_good(self) -> bool:
        """Whether every order was granted exactly once, and nothing is held of what was refunded."""
        is_right = (self.granted, self.settled, self.pending) == (self.orders, self.refunds, self.grants)
        return is_right and (self.doubled, self.lost, self.invented) == (0, 0, 0)

    def members(self) -> dict[str, Any]:
        """As JSON members."""
        return asdict(self)


class LedgerKills:
    """One series over one empty database."""

    def __init__(self, *, url: str, seed: int, orders: int, kills: int) -> None:
        self._url, self._seed, self._kills = url, seed, kills
        self._draw = random.Random(seed)
        self._names = [f"k{seed}n{number}" for number in range(orders)]
        self._refunds = [f"k{seed}r{number}" for number in range(int(orders * REFUNDED))]
        self._queues: list[deque[Message]] = [deque() for _ in range(WORKERS)]
        self._workers: list[_Worker] = []
        self._outcomes: Counter[str] = Counter()
        self._unacknowledged = 0

    def run(self) -> Tally:
        """Run the series to its end."""
        began_s = time.monotonic()
        engine = open_engine(self._url)
        Ledger(engine, portal="jogos", game_id="1220").create_tables()
        ITEMS.metadata.create_all(engine)
        self._share_out()
        try:
            self._workers = [_Worker(self._url) for _ in range(WORKERS)]
            self._live_and_die(began_s + DEADLINE_S)
        finally:
            for worker in self._workers:
                worker.kill()
        with engine.connect() as connection:
            tally = self._tally(connection, took_s=time.monotonic() - began_s)
        engine.dispose()
        return tally

    def _share_out(self) -> None:
        """Each message to two of the processes; pay and refund of an order meet in any order."""
        messages = [("pay", name) for name in self._names]
        for name in self._refunds:
            place = self._draw.randrange(len(messages))
            messages[place:place] = self._draw.sample([("pay", name), ("refund", name)], 2)
        for message in messages:
            for queue in self._draw.sample(self._queues, 2):
                queue.append(message)

    def _live_and_die(self, deadline_s: float) -> None:
        """Kills are spread over the work: one each time another share of the messages is acknowledged."""
        total = sum(map(len, self._queues))
        died = 0
        while any(self._queues) or any(worker.unanswered for worker in self._workers):
            assert time.monotonic() < deadline_s, "the series does not come to its end"
            self._feed()
            done = sum(self._outcomes.values())
            if died < self._kills and done >= total * died // self._kills:
                time.sleep(self._draw.uniform(*GAP_S) / 10)
                self._kill(self._draw.randrange(WORKERS))
                died += 1
            time.sleep(0.002)
        assert died == self._kills, f"only {died} of {self._kills} kills found work to interrupt"

    def _feed(self) -> None:
        for queue, worker in zip(self._queues, self._workers, strict=True):
            self._outcomes.update(worker.take_outcomes())
            assert worker.is_alive(), f"a worker died by itself: {worker.said()}"
            while queue and len(worker.unanswered) < IN_FLIGHT:
                worker.send(queue.popleft())

    def _kill(self, place: int) -> None:
        worker = self._workers[place]
        worker.kill()
        self._outcomes.update(worker.take_outcomes())
        self._unacknowledged += len(worker.unanswered)
        self._queues[place].extendleft(reversed(worker.unanswered))
        self._workers[place] = _Worker(self._url)

    def _tally(self, connection: Connection, *, took_s: float) -> Tally:
        def counted(*criteria: Any) -> Counter[str]:
            query = select(ITEMS.c.order_id, func.count()).where(*criteria).group_by(ITEMS.c.order_id)
            return Counter({row[0]: row[1] for row in connection.execute(query)})

        given, taken = counted(ITEMS.c.change > 0), counted(ITEMS.c.change < 0)
        grants = set(connection.execute(select(GRANTS.c.order_id)).scalars())
        revocations = set(connection.execute(select(REVOCATIONS.c.order_id)).scalars())
        paid = {*self._names, *self._refunds}
        settled = [
            name
            for name in self._refunds
            if name in revocations and given[name] == taken[name] == int(name in grants)
        ]
        news = ("granted", "revoked")
        return Tally(
            seed=self._seed,
            database=connection.dialect.name,
            orders=len(self._names),
            kills=self._kills,
            granted=sum(name in grants and given[name] == 1 for name in self._names),
            doubled=sum(count > 1 for count in given.values()),
            lost=sum(given[name] == 0 for name in self._names),
            refunds=len(self._refunds),
            settled=len(settled),
            invented=len((grants | set(given)) - paid) + len((revocations | set(taken)) - {*self._refunds}),
            repeated=sum(count for outcome, count in self._outcomes.items() if outcome not in news),
            unacknowledged=self._unacknowledged,
            pending=connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one(),
            grants=len(grants),
            took_s=round(took_s, 1),
        )


class _Worker:
    """One process, and what it was sent and has not acknowledged."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coinslot_testkit.ledger_worker", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=with_testkit(),
        )
        self.unanswered: deque[Message] = deque()
        self._lines: deque[str] = deque()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n") and line != "ready\n":
                self._lines.append(line)

    def send(self, message: Message) -> None:
        assert self._process.stdin is not None
        self.unanswered.append(message)
        self._process.stdin.write(" ".join(message) + "\n")

    def take_outcomes(self) -> list[str]:
        outcomes = []
        while self._lines:
            *message, outcome = self._lines.popleft().split()
            assert self.unanswered.popleft() == tuple(message)
            outcomes.append(outcome)
        return outcomes

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        return f"exit code {self._process.returncode}"

    def kill(self) -> None:
        """SIGKILL; what it had printed until then counts."""
        self._process.kill()
        self._process.wait()
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what it never read
                pipe.close()
