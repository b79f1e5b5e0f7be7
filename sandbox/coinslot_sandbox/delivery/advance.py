"""The two clocks of a workspace, moved by hand: freeze, resume, and an advance that returns when all is sent.

An advance goes from one due attempt to the next in the order of (time, number), with the schedule standing at
each, and waits for every answer; so the same orders and the same answers give the same run, however long the
schedule is. What is fired is returned; nothing has to be polled for.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from coinslot_sandbox.clock import ClaimsClock, Clock, ScheduleClock, ScheduleState
from coinslot_sandbox.delivery.desk import DeliveryDesk
from coinslot_sandbox.errors import CallRefused
from coinslot_sandbox.store import tenants
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, DueDelivery

FIRED_MAX: Final = 100_000
"""So many attempts one advance makes; a schedule that never ends is cut off and says so."""


class ClockRefused(CallRefused):
    """The clock cannot do this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far: by seconds, to a moment, until nothing is due any more, or else to the next due attempt."""

    by_s: float | None = None
    to_s: float | None = None
    until_idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What an advance did.

    fired     attempts in the order in which they were made
    next_at_s when the next attempt is due on the schedule, None where none is: the workspace is idle
    """

    now_s: float
    fired: list[dict[str, Any]]
    next_at_s: float | None


class Advancer:
    """The clocks of one workspace."""

    def __init__(
        self,
        *,
        workspace: str,
        database: Database,
        post: Post,
        desk: DeliveryDesk,
        clock: Clock,
        schedule: ScheduleClock,
        claims: ClaimsClock,
        wake: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._post = post
        self._desk = desk
        self._clock = clock
        self._schedule = schedule
        self._claims = claims
        self._wake = wake
        self._moving = threading.Lock()

    def freeze(self, at_s: float | None = None) -> None:
        """Let the schedule stand still, now or at a moment of one's choice; nothing is sent by itself."""
        with self._moving:
            self._set(frozen_at_s=self._schedule.now_s() if at_s is None else at_s)

    def resume(self) -> None:
        """Let the schedule run on from where it stands; what has become due is sent."""
        with self._moving:
            if self._schedule.is_frozen:
                self._run_from(self._schedule.now_s())
        self._wake()

    def restart(self) -> None:
        """Both clocks as the machine's."""
        with self._moving:
            self._set(frozen_at_s=None, offset_s=0.0)
            self._set_claims(0.0)

    def set_claims_offset(self, offset_s: float) -> None:
        """What tokens claim as the time, ahead of the machine's clock."""
        with self._moving:
            self._set_claims(offset_s)

    def next_at_s(self) -> float | None:
        """When the next attempt is due on the schedule."""
        delivery = self._next(until_s=None)
        return None if delivery is None else delivery.next_at_s

    def advance(self, how: Advance) -> Advanced:
        """Move the schedule forward and make what falls due, waiting for each answer.

        A schedule that runs stands still meanwhile and runs on from where the advance ends. A store that
        refuses ends it: an attempt that was not recorded is due still, and the schedule stays frozen until
        `resume` where the store did not take that it runs on.
        errors  ClockRefused: clock-goes-back, clock-advancing, advance-endless
        """
        if not self._moving.acquire(blocking=False):
            raise ClockRefused(
                "clock-advancing",
                "the clock of this workspace is being moved already",
                "wait for that call to end",
            )
        try:
            return self._advance(how)
        finally:
            self._moving.release()

    def _advance(self, how: Advance) -> Advanced:
        runs = not self._schedule.is_frozen
        begun_s = self._schedule.now_s()
        end_s = self._end_s(how, begun_s)
        if runs:
            self._set(frozen_at_s=begun_s, is_kept=False)
        fired: list[dict[str, Any]] = []
        try:
            self._fire_until(end_s, fired)
            if end_s is not None and end_s > self._schedule.now_s():
                self._stand_at(end_s)
        finally:
            if runs:
                self._run_from(self._schedule.now_s())
                self._wake()
            else:
                self._set(frozen_at_s=self._schedule.now_s())
        return Advanced(now_s=self._schedule.now_s(), fired=fired, next_at_s=self.next_at_s())

    def _end_s(self, how: Advance, now_s: float) -> float | None:
        """Where to stop; None for when nothing is due any more."""
        if how.until_idle:
            return None
        end_s = how.to_s if how.to_s is not None else now_s + (how.by_s or 0.0)
        if how.to_s is None and how.by_s is None:
            next_at_s = self.next_at_s()
            end_s = now_s if next_at_s is None else max(next_at_s, now_s)
        if end_s < now_s:
            raise ClockRefused(
                "clock-goes-back",
                f"the schedule is at {now_s:.3f} and does not go back to {end_s:.3f}",
                "advance to a later moment, or reset the workspace",
            )
        return end_s

    def _fire_until(self, end_s: float | None, fired: list[dict[str, Any]]) -> None:
        while (delivery := self._next(until_s=end_s)) is not None:
            if len(fired) >= FIRED_MAX:
                raise ClockRefused(
                    "advance-endless",
                    f"{FIRED_MAX} attempts were made and more are due",
                    "advance by shorter steps",
                )
            if delivery.next_at_s > self._schedule.now_s():
                self._stand_at(delivery.next_at_s)
            made = self._desk.attempt(delivery, cause="advance")
            fired += [_fired(delivery, record, at_s=self._schedule.now_s()) for record in made]

    def _next(self, *, until_s: float | None) -> DueDelivery | None:
        with self._database.read() as connection:
            return self._post.find_next(connection, until_s=until_s)

    def _stand_at(self, at_s: float) -> None:
        """Between two attempts the schedule stands at the later one; only where it ends up is written."""
        self._schedule.set(replace(self._schedule.state, frozen_at_s=at_s))

    def _run_from(self, at_s: float) -> None:
        self._set(frozen_at_s=None, offset_s=at_s - self._clock.now_s())

    def _set(self, *, frozen_at_s: float | None, offset_s: float | None = None, is_kept: bool = True) -> None:
        """Set the schedule, in the store and for everything that waits, in one transaction.

        is_kept  whether a sandbox that is started anew on this store finds it so
        """
        before = self._schedule.state
        state = ScheduleState(
            offset_s=before.offset_s if offset_s is None else offset_s, frozen_at_s=frozen_at_s
        )
        try:
            with self._database.write() as connection:
                self._schedule.set(state)
                self._post.follow_schedule(connection, self._schedule)
                if is_kept:
                    tenants.save_schedule(connection, self._workspace, state)
        except BaseException:
            self._schedule.set(before)
            raise

    def _set_claims(self, offset_s: float) -> None:
        with self._database.write() as connection:
            tenants.save_claims_offset(connection, self._workspace, offset_s)
        self._claims.offset_s = offset_s


def _fired(delivery: DueDelivery, record: AttemptRecord, *, at_s: float) -> dict[str, Any]:
    reply = record["reply"]
    return {
        "delivery_id": delivery.delivery_id,
        "order_id": delivery.order_id,
        "kind": delivery.kind,
        "attempt": record["attempt"],
        "schedule_at_s": at_s,
        "status": None if reply is None else reply["status"],
        "error": record["error"],
        "accepted": record["ack"]["accepted"],
    }
