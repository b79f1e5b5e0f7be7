"""The tenants of one sandbox: made in one call, found by name or by an id that is theirs, deleted whole.

They share the store, the queue's workers and the journals' writer, and nothing else: a workspace costs rows
and objects, no thread. One that an earlier run left in the store is loaded when somebody asks for it.
"""

import re
import threading
from dataclasses import dataclass
from typing import Final

from coinslot_sandbox.clock import ScheduleClock, ScheduleState
from coinslot_sandbox.connect import Addresses
from coinslot_sandbox.delivery.desk import DeliveryDesk
from coinslot_sandbox.errors import CallRefused, SandboxStartError
from coinslot_sandbox.ids import number_of, text_of
from coinslot_sandbox.services import DEFAULT, Common, Services, build_services, settings_of
from coinslot_sandbox.settings import draw_seed
from coinslot_sandbox.store import tenants
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import WorkspaceRecord

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""Lower-case letters, digits and dashes inside, so that a name can be part of a path and of a host."""
SWEEP_S: Final = 1.0
DRAWN_CHARS: Final = 10


class WorkspaceRefused(CallRefused):
    """This cannot be done with a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceWish:
    """A workspace as it is wished for; what is None is drawn.

    ttl_s       it is deleted by itself after so long; None keeps it
    game_id, shared_key   of its default game at each portal that has games
    """

    name: str | None = None
    seed: int | None = None
    ttl_s: float | None = None
    game_id: str | None = None
    shared_key: str | None = None


class Workspaces:
    """Every workspace of one sandbox; `default` is always there.

    addresses   where the sandbox is found; set once it listens
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self.addresses = Addresses(portal_url="", control_url="")
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._loaded: dict[str, Services] = {}
        self._are_others = False
        self._next_sweep_s = 0.0
        self._build_default()
        self._take_up()

    @property
    def common(self) -> Common:
        """What all of them share."""
        return self._common

    @property
    def default(self) -> Services:
        """The workspace that is meant where nothing names one."""
        return self._loaded[DEFAULT]

    def find(self, name: str) -> Services | None:
        """The workspace of this name, loaded where it was not yet."""
        known = self._loaded.get(name)
        if known is not None or not self._are_others:
            return known
        with self._changing:
            return self._loaded.get(name) or self._load(name)

    def loaded(self, name: str) -> Services:
        """The workspace of this name where it is loaded, else the default one; asks no store."""
        return self._loaded.get(name, self.default)

    def desk_of(self, name: str) -> DeliveryDesk | None:
        """The delivery side of a workspace, as the queue wants it."""
        services = self.find(name)
        return None if services is None else services.dispatch.desk

    def list_records(self) -> list[WorkspaceRecord]:
        """Every workspace, oldest first."""
        with self._common.database.read() as connection:
            return tenants.list_workspaces(connection)

    def owner(self, *, game_id: str | None, order_id: str | None) -> Services:
        """The workspace that a call without a name is meant for: the only one that knows its order or game.

        What nobody knows, or several do, is the default one's.
        """
        if not self._are_others or (game_id is None and order_id is None):
            return self.default
        with self._common.database.read() as connection:
            names = tenants.owners_of_order(connection, order_id) if order_id is not None else []
            if len(names) != 1 and game_id is not None:
                names = tenants.owners_of_game(connection, game_id)
        services = self.find(names[0]) if len(names) == 1 else None
        return services or self.default

    def create(self, wish: WorkspaceWish) -> Services:
        """Make a workspace, whole or not at all. Its game may be another's too (`owner`).

        errors  WorkspaceRefused: workspace-exists
        """
        now_s = self._common.clock.now_s()
        seed = draw_seed() if wish.seed is None else wish.seed
        record = WorkspaceRecord(
            name=wish.name or self._drawn_name(seed),
            seed=seed,
            created_at_s=now_s,
            ends_at_s=None if wish.ttl_s is None else now_s + wish.ttl_s,
        )
        with self._changing:
            with self._common.database.write() as connection:
                if tenants.find_workspace(connection, record.name) is not None:
                    raise WorkspaceRefused(
                        "workspace-exists",
                        f"there is a workspace {record.name} already",
                        "take another name, or delete that one",
                    )
                tenants.add_workspace(connection, record)
            try:
                services = self._build(record, wish)
            except BaseException:
                self._forget(record.name)
                raise
        self._are_others = True
        return services

    def delete(self, name: str) -> bool:
        """Forget a workspace and everything in it; False where there is none.

        errors  WorkspaceRefused: workspace-needed
        """
        if name == DEFAULT:
            raise WorkspaceRefused(
                "workspace-needed", "the default workspace is always there", "reset it with POST /reset"
            )
        with self._changing:
            with self._lock:
                services = self._loaded.pop(name, None)
            if services is not None:
                services.stop()
                services.journal.close()
            return self._forget(name)

    def _forget(self, name: str) -> bool:
        """Delete the rows of a workspace; whether there was one."""
        with self._common.database.write() as connection:
            was_there = tenants.find_workspace(connection, name) is not None
            tenants.delete_workspace(connection, name)
        self._common.database.forget_numbers(f"{name}/")
        return was_there

    def sweep(self) -> None:
        """Deal with a clock that jumped and with what callbacks left; delete what has outlived its time."""
        jumped_s = self._common.watch.look()
        for services in list(self._loaded.values()):
            if jumped_s is not None:
                services.follow_clock(by_s=jumped_s)
            services.dispatch.unfinished.look()
        now_s = self._common.clock.now_s()
        if not self._are_others or now_s < self._next_sweep_s < now_s + 2 * SWEEP_S:
            return
        self._next_sweep_s = now_s + SWEEP_S
        for record in self.list_records():
            if record.ends_at_s is not None and record.ends_at_s <= now_s:
                self.delete(record.name)

    def stop(self) -> None:
        """Stop every workspace; the store stays open."""
        for services in list(self._loaded.values()):
            services.stop()

    def _build_default(self) -> None:
        settings, database = self._common.settings, self._common.database
        with database.write() as connection:
            record = tenants.find_workspace(connection, DEFAULT)
            if record is not None and settings.seed not in (None, record.seed):
                raise SandboxStartError(
                    f"the store was begun with seed {record.seed}, not {settings.seed}; "
                    "leave --seed out, or take a new file for --store",
                    2,
                )
            if record is None:
                seed = draw_seed() if settings.seed is None else settings.seed
                record = WorkspaceRecord(name=DEFAULT, seed=seed, created_at_s=self._common.clock.now_s())
                tenants.add_workspace(connection, record)
        self._loaded[DEFAULT] = services = build_services(self._common, record, settings)
        services.dispatch.unfinished.end()

    def _take_up(self) -> None:
        """What waits goes by the machine's clock again, whatever an earlier run was doing when it ended."""
        with self._common.database.write() as connection:
            records = tenants.list_workspaces(connection)
            for record in records:
                state = ScheduleState(offset_s=record.schedule_offset_s, frozen_at_s=record.frozen_at_s)
                schedule = ScheduleClock(self._common.clock, state)
                Post(record.name, schedule).follow_schedule(connection, schedule)
        self._are_others = len(records) > 1

    def _load(self, name: str) -> Services | None:
        with self._common.database.read() as connection:
            record = tenants.find_workspace(connection, name)
        if record is None:
            return None
        services = self._build(record, WorkspaceWish())
        services.dispatch.unfinished.end()
        return services

    def _build(self, record: WorkspaceRecord, wish: WorkspaceWish) -> Services:
        settings = settings_of(self._common.settings, game_id=wish.game_id, shared_key=wish.shared_key)
        services = build_services(self._common, record, settings)
        with self._lock:
            self._loaded[record.name] = services
        return services

    def _drawn_name(self, seed: int) -> str:
        number = self._common.database.next_number("workspaces")
        return f"ws-{text_of(number_of(seed, 'workspace-name', number), DRAWN_CHARS).lower()}"
