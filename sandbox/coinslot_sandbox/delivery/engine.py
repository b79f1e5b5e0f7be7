"""The delivery queue's engine: claims what is due in any workspace, has the attempts made, renews the leases.

One thread claims and renews, workers send; both serve every workspace. A delivery is ours for LEASE_S and for
as long as we live beyond it; what a killed process held is due again when its lease has run out. A commit in
this process wakes the engine at once; one in another process is found within POLL_S.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.delivery.attempts import CourierClosed
from coinslot_sandbox.store import due
from coinslot_sandbox.store.database import Database, one_line
from coinslot_sandbox.store.due import Claimed, Place
from coinslot_sandbox.store.records import Delivery

LEASE_S = 4.0
RENEW_S = 1.2
POLL_S = 0.25
WORKERS = 16
STOP_S = 1.0


class Desk(Protocol):
    """The delivery side of one workspace."""

    def deliver(self, delivery: Delivery) -> None:
        """Make the next attempt of a delivery that was claimed."""
        ...

    def trouble(self, delivery: Delivery, error: BaseException) -> None:
        """Record a fault of our own."""
        ...


class DeliveryEngine:
    """Delivers what is pending."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        workers: int = WORKERS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._desk_of: Callable[[str], Desk | None] = lambda name: None  # noqa: ARG005 - none before start
        self._on_poll: Callable[[], None] = lambda: None
        self._wake = threading.Condition()
        self._woken = False
        self._stopping = False
        self._trouble: str | None = None
        self._under_way: dict[Place, float] = {}
        self._work: queue.SimpleQueue[Claimed | None] = queue.SimpleQueue()
        self._workers = [
            threading.Thread(target=self._work_forever, name=f"coinslot-deliver-{number}", daemon=True)
            for number in range(workers)
        ]
        self._claimer = threading.Thread(target=self._claim_forever, name="coinslot-claim", daemon=True)

    def start(self, *, desk_of: Callable[[str], Desk | None], on_poll: Callable[[], None]) -> None:
        """Begin to deliver, what an earlier run left pending included.

        desk_of  name of a workspace -> its desk, None where it was deleted meanwhile
        on_poll  called between claims, about every POLL_S, for what else has to be looked after
        """
        self._desk_of, self._on_poll = desk_of, on_poll
        for thread in (*self._workers, self._claimer):
            thread.start()

    def stop(self) -> None:
        """Claim nothing more and wait STOP_S for what is under way; what takes longer is repeated later."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._claimer.ident is not None:
            self._claimer.join()
        for _ in self._workers:
            self._work.put(None)
        deadline_s = time.monotonic() + STOP_S
        for worker in self._workers:
            if worker.ident is not None:
                worker.join(max(deadline_s - time.monotonic(), 0))

    @property
    def trouble(self) -> str | None:
        """What keeps the queue from working, one line; None where nothing does. A full store, for one."""
        return self._trouble

    def wake(self) -> None:
        """Something was committed that may be due."""
        with self._wake:
            self._woken = True
            self._wake.notify_all()

    def _claim_forever(self) -> None:
        while True:
            with self._wake:
                if self._stopping:
                    return
                self._woken = False
            began_s = self._clock.monotonic_s()
            pause_s = self._look()
            with self._wake:
                if not self._woken and not self._stopping and pause_s > 0:
                    self._clock.wait(self._wake, until_s=began_s + pause_s)

    def _look(self) -> float:
        """Look after everything once; what fails is tried again: a full store must not end the queue."""
        try:
            self._on_poll()
            pause_s = self._claim_and_renew()
        except Exception as error:  # noqa: BLE001 - the thread that delivers outlives whatever it meets
            self._trouble = one_line(error)
            return POLL_S
        self._trouble = None
        return pause_s

    def _claim_and_renew(self) -> float:
        """Hand due deliveries to idle workers; how long there is nothing more to do."""
        now_s = self._clock.now_s()
        with self._wake:
            idle = len(self._workers) - len(self._under_way)
            aging = [
                place for place, until_s in self._under_way.items() if until_s - now_s < LEASE_S - RENEW_S
            ]
        until_s = now_s + LEASE_S
        if aging:
            with self._database.write() as connection:
                due.renew(connection, aging, lease_until_s=until_s)
            self._note(aging, until_s)
        due_s = self._next_due_s(now_s) if idle else None
        if due_s is not None and due_s <= now_s:
            with self._database.write() as connection:
                claimed = due.claim(connection, now_s=now_s, lease_until_s=until_s, limit=idle)
            for new in self._new(claimed, until_s):
                self._work.put(new)
            return 0.0 if claimed else POLL_S
        wait_s = POLL_S if due_s is None else min(POLL_S, due_s - now_s)
        return max(wait_s, 0.001)

    def _next_due_s(self, now_s: float) -> float | None:
        with self._database.read() as connection:
            return due.next_due_s(connection, now_s=now_s)

    def _note(self, places: list[Place], until_s: float) -> None:
        with self._wake:
            self._under_way |= dict.fromkeys(places, until_s)

    def _new(self, claimed: list[Claimed], until_s: float) -> list[Claimed]:
        """Those that no worker of ours holds yet; a lease of ours may have run out in a long pause."""
        with self._wake:
            new = [one for one in claimed if one.place not in self._under_way]
            self._under_way |= {one.place: until_s for one in claimed}
        return new

    def _work_forever(self) -> None:
        while (claimed := self._work.get()) is not None:
            try:
                self._deliver(claimed)
            finally:
                with self._wake:
                    self._under_way.pop(claimed.place, None)
                    self._woken = True
                    self._wake.notify_all()

    def _deliver(self, claimed: Claimed) -> None:
        desk = self._desk_of(claimed.workspace)
        if desk is None:
            return
        try:
            desk.deliver(claimed.delivery)
        except CourierClosed:
            return  # the workspace ended; had it not, the lease would run out and the delivery be due again
        except Exception as error:  # noqa: BLE001 - when the lease runs out it is due again, unless given up
            self._trouble = one_line(error)
            with contextlib.suppress(SQLAlchemyError):  # the store is what fails: then the state alone tells
                desk.trouble(claimed.delivery, error)
