"""The delivery queue's engine: claims what is due, makes the attempts, sets the time of the next.

One thread claims and renews leases, workers send. A delivery is ours for LEASE_S and for as long as we live
beyond it; what a killed process held is due again when its lease has run out. A commit in this process wakes
the engine at once; one in another process is found within POLL_S.
"""

import queue
import threading
import time
from collections.abc import Callable

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.delivery.attempts import Courier, CourierClosed, OrderLocks
from coinslot_sandbox.delivery.retry import next_attempt_s
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import Delivery, DeliveryState

LEASE_S = 5.0
RENEW_S = 1.5
POLL_S = 0.25
WORKERS = 16
STOP_S = 1.0


class DeliveryEngine:
    """Delivers what is pending in one workspace.

    locks  shared with resend, so that one attempt of an order is under way at a time
    """

    def __init__(
        self,
        *,
        database: Database,
        post: Post,
        courier: Courier,
        clock: Clock,
        locks: OrderLocks,
        on_error: Callable[[Delivery, BaseException], None],
        workers: int = WORKERS,
    ) -> None:
        self._database = database
        self._post = post
        self._courier = courier
        self._clock = clock
        self._locks = locks
        self._on_error = on_error
        self._wake = threading.Condition()
        self._woken = False
        self._stopping = False
        self._under_way: dict[str, float] = {}
        self._work: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._workers = [
            threading.Thread(target=self._work_forever, name=f"coinslot-deliver-{number}", daemon=True)
            for number in range(workers)
        ]
        self._claimer = threading.Thread(target=self._claim_forever, name="coinslot-claim", daemon=True)

    def start(self) -> None:
        """Begin to deliver, what an earlier run left pending included."""
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
        self._courier.close()

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
            pause_s = self._claim_and_renew()
            with self._wake:
                if not self._woken and not self._stopping and pause_s > 0:
                    self._clock.wait(self._wake, until_s=began_s + pause_s)

    def _claim_and_renew(self) -> float:
        """Hand due deliveries to idle workers; how long there is nothing more to do."""
        now_s = self._clock.now_s()
        with self._wake:
            idle = len(self._workers) - len(self._under_way)
            aging = [key for key, until_s in self._under_way.items() if until_s - now_s < LEASE_S - RENEW_S]
        until_s = now_s + LEASE_S
        if aging:
            with self._database.write() as connection:
                self._post.renew(connection, aging, lease_until_s=until_s)
            self._note(aging, until_s)
        due_s = self._next_due_s() if idle else None
        if due_s is not None and due_s <= now_s:
            with self._database.write() as connection:
                claimed = self._post.claim(connection, now_s=now_s, lease_until_s=until_s, limit=idle)
            for delivery in self._new(claimed, until_s):
                self._work.put(delivery)
            return 0.0 if claimed else POLL_S
        wait_s = POLL_S if due_s is None else min(POLL_S, due_s - now_s)
        return max(wait_s, 0.001)

    def _next_due_s(self) -> float | None:
        with self._database.read() as connection:
            return self._post.next_due_s(connection)

    def _note(self, delivery_ids: list[str], until_s: float) -> None:
        with self._wake:
            self._under_way |= dict.fromkeys(delivery_ids, until_s)

    def _new(self, claimed: list[Delivery], until_s: float) -> list[Delivery]:
        """Those that no worker of ours holds yet; a lease of ours may have run out in a long pause."""
        with self._wake:
            new = [delivery for delivery in claimed if delivery.delivery_id not in self._under_way]
            self._under_way |= {delivery.delivery_id: until_s for delivery in claimed}
        return new

    def _work_forever(self) -> None:
        while (delivery := self._work.get()) is not None:
            try:
                self._deliver(delivery)
            except CourierClosed:
                return
            except Exception as error:  # noqa: BLE001 - the lease runs out, and the delivery is due again
                self._on_error(delivery, error)
            finally:
                with self._wake:
                    self._under_way.pop(delivery.delivery_id, None)
                    self._woken = True
                    self._wake.notify_all()

    def _deliver(self, delivery: Delivery) -> None:
        """Make one attempt, unless a resend or a cancellation came first while we waited for the order."""
        with self._locks.holding(delivery.order_id):
            with self._database.read() as connection:
                fresh = self._post.find(connection, delivery.delivery_id)
            if fresh is not None and fresh.state == "pending":
                self._courier.attempt(fresh, cause="schedule", settle=self._settle, only_from=("pending",))

    def _settle(self, delivery: Delivery, accepted: bool) -> tuple[DeliveryState, float | None]:
        if accepted:
            return "delivered", None
        next_at_s = next_attempt_s(
            retry_s=delivery.retry_s,
            attempts_made=delivery.scheduled_made + 1,
            failed_at_s=self._clock.now_s(),
        )
        return ("failed", None) if next_at_s is None else ("pending", next_at_s)
