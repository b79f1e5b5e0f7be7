"""What one workspace is made of: built once, handed to every view; nothing here is global.

What all workspaces share (store, queue, sockets, token) is `Common`. The order of building follows who needs
whom: clocks, ids, games, keys, journal, deliveries, order book.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from coinslot_contracts.portal import Portal

from coinslot_sandbox.clock import ClaimsClock, Clock, ScheduleClock, ScheduleState
from coinslot_sandbox.clock_watch import ClockWatch
from coinslot_sandbox.delivery.advance import Advancer
from coinslot_sandbox.delivery.attempts import Courier, OrderLocks
from coinslot_sandbox.delivery.captures import Captures
from coinslot_sandbox.delivery.desk import DeliveryDesk
from coinslot_sandbox.delivery.handmade import HandmadeCallbacks
from coinslot_sandbox.delivery.mailroom import Mailroom
from coinslot_sandbox.delivery.material import Material
from coinslot_sandbox.delivery.resend import Resender
from coinslot_sandbox.delivery.unfinished import Unfinished
from coinslot_sandbox.dialects import Dialects
from coinslot_sandbox.faults import FaultBook, FaultReport, hold_key
from coinslot_sandbox.games import GameDesk
from coinslot_sandbox.hospice import SocketHospice
from coinslot_sandbox.ids import Ids, number_of
from coinslot_sandbox.journal import Journal, JournalCap
from coinslot_sandbox.journal_writer import JournalWriter
from coinslot_sandbox.keys import KeyRing, build_rings
from coinslot_sandbox.order_book import OrderBook
from coinslot_sandbox.players import Namer
from coinslot_sandbox.presets import preset_faults
from coinslot_sandbox.purchases import PurchaseMint
from coinslot_sandbox.settings import SandboxSettings
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import WorkspaceRecord
from coinslot_sandbox.store.shop import Shop
from coinslot_sandbox.tokens import Mint

DEFAULT = "default"
"""The workspace that is meant where nothing names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every workspace of one sandbox stands on.

    watch  notices when the machine's clock jumps
    wake   tells the queue that something was committed that may be due
    """

    settings: SandboxSettings
    portals: Mapping[str, Portal]
    clock: Clock
    database: Database
    journals: JournalWriter
    watch: ClockWatch
    hospice: SocketHospice
    control_token: str
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the parts of one workspace stand on.

    seed    that everything is drawn from: the workspace's own, mixed with its name
    clock   the machine's; `schedule` and `claims` are the workspace's
    """

    settings: SandboxSettings
    portals: Mapping[str, Portal]
    clock: Clock
    schedule: ScheduleClock
    claims: ClaimsClock
    database: Database
    shop: Shop
    post: Post
    seed: int
    ids: Ids
    control_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What takes notifications to a backend.

    unfinished  hand-made deliveries that nobody has in hand any more
    wake        tells the queue that something was committed that may be due
    """

    courier: Courier
    captures: Captures
    desk: DeliveryDesk
    book: OrderBook
    handmade: HandmadeCallbacks
    unfinished: Unfinished
    resender: Resender
    advancer: Advancer
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the views of one workspace work with.

    rings, mints, purchase_mints  by the name of the portal's face (`Portal.face`)
    """

    workspace: str
    record: WorkspaceRecord
    ground: Ground
    namer: Namer
    games: GameDesk
    rings: Mapping[str, KeyRing]
    mints: Mapping[str, Mint]
    purchase_mints: Mapping[str, PurchaseMint]
    dialects: Dialects
    journal: Journal
    faults: FaultBook
    hospice: SocketHospice
    dispatch: Dispatch

    def stop(self) -> None:
        """Record no further attempt, and let go what hangs."""
        self.dispatch.courier.close()
        self._release(self.faults.clear())

    def follow_clock(self, *, by_s: float) -> None:
        """Let what is in memory last as long as promised, though the machine's clock jumped."""
        if not self.ground.schedule.is_frozen:
            self.faults.follow_clock(by_s=by_s)
        for ring in self.rings.values():
            ring.refresh()

    def lay_preset(self, name: str) -> None:
        """Put a preset's faults in the place of the last one's, and end what those hold up."""
        faults = preset_faults(name, seed=self.ground.seed, portals=self.ground.portals)
        self._release(self.faults.lay(name, faults))

    def heal(self, fault_id: str) -> FaultReport | None:
        """End a fault and what it holds up; None where there is no such fault."""
        report = self.faults.heal(fault_id)
        self._release([fault_id])
        return report

    def _release(self, fault_ids: Iterable[str]) -> None:
        self.hospice.release(hold_key(self.workspace, fault_id) for fault_id in fault_ids)

    def reset(self, *, keep: frozenset[str] = frozenset()) -> None:
        """As at first start: keys, dialects, games and clocks back, all else gone; ids and numbers go on.

        keep  of "keys", "callbacks" (games and their settings) and "faults", what stays as it is
        """
        ground = self.ground
        if "faults" not in keep:
            self._release(self.faults.clear())
            self.lay_preset(ground.settings.preset)
        self.dispatch.advancer.restart()
        with ground.database.write() as connection:
            ground.post.clear(connection)
            ground.shop.clear(connection, games="callbacks" not in keep)
            self.games.write_defaults(connection)  # at no moment is there a workspace without its games
        self.games.learn_secrets()
        self.dialects.forget()
        if "keys" not in keep:
            for ring in self.rings.values():
                ring.restart()
        self.dispatch.captures.clear()
        self.journal.clear()


def build_services(common: Common, record: WorkspaceRecord, settings: SandboxSettings) -> Services:
    """Build the services of a workspace that is in the store.

    settings  the sandbox's, with what this workspace was given of a default game
    """
    ground = _ground(common, record, settings)
    database, shop, seed, portals = ground.database, ground.shop, ground.seed, ground.portals
    games = GameDesk(
        settings=settings,
        portals=portals,
        database=database,
        shop=shop,
        seed=seed,
        control_token=common.control_token,
        is_alone=record.name == DEFAULT,
    )
    dialects = Dialects(portals=portals, database=database, shop=shop)
    rings = build_rings(
        portals=portals,
        database=database,
        shop=shop,
        clock=ground.schedule,
        seed=seed,
        fresh_keys=settings.fresh_keys,
        dialects=dialects,
    )
    journal = Journal(
        workspace=record.name,
        writer=common.journals,
        clock=common.clock,
        secrets=games.secrets,
        cap=JournalCap(entries=settings.journal_entries, size_bytes=settings.journal_bytes),
    )
    faults = FaultBook(seed=seed, now_s=ground.schedule.now_s)
    services = Services(
        workspace=record.name,
        record=record,
        ground=ground,
        namer=Namer(seed=seed),
        games=games,
        rings=rings,
        mints={
            face: Mint(ring.portal.identity, ring, speak=dialects.speaker(ring.portal.name))
            for face, ring in rings.items()
            if ring.portal.identity is not None
        },
        purchase_mints={
            face: PurchaseMint(ring.portal.purchases, ring, speak=dialects.speaker(ring.portal.name))
            for face, ring in rings.items()
            if ring.portal.purchases is not None
        },
        dialects=dialects,
        journal=journal,
        faults=faults,
        hospice=common.hospice,
        dispatch=_dispatch(common, ground, record, journal, dialects, faults),
    )
    services.lay_preset(settings.preset)
    return services


def own_seed(name: str, seed: int) -> int:
    """What a workspace draws from: two of one seed draw different ids, the default one its seed itself."""
    return seed if name == DEFAULT else number_of(seed, "workspace", name)


def _ground(common: Common, record: WorkspaceRecord, settings: SandboxSettings) -> Ground:
    database, name, seed = common.database, record.name, own_seed(record.name, record.seed)
    state = ScheduleState(offset_s=record.schedule_offset_s, frozen_at_s=record.frozen_at_s)
    schedule = ScheduleClock(common.clock, state)
    return Ground(
        settings=settings,
        portals=common.portals,
        clock=common.clock,
        schedule=schedule,
        claims=ClaimsClock(common.clock, record.claims_offset_s),
        database=database,
        shop=Shop(name),
        post=Post(name, schedule),
        seed=seed,
        ids=Ids(seed=seed, next_number=lambda kind: database.next_number(f"{name}/{kind}")),
        control_token=common.control_token,
    )


def _dispatch(
    common: Common,
    ground: Ground,
    record: WorkspaceRecord,
    journal: Journal,
    dialects: Dialects,
    faults: FaultBook,
) -> Dispatch:
    database, post, schedule = ground.database, ground.post, ground.schedule
    courier, captures = _courier(ground, journal), Captures(ground.portals)
    material = Material(portals=ground.portals, shop=ground.shop, captures=captures, speaker=dialects.speaker)
    locks = OrderLocks()
    desk = DeliveryDesk(
        database=database,
        post=post,
        mailroom=Mailroom(
            database=database,
            post=post,
            courier=courier,
            material=material,
            faults=faults,
            ids=ground.ids,
            schedule=schedule,
        ),
        clock=common.clock,
        schedule=schedule,
        locks=locks,
        journal=journal,
    )
    book = OrderBook(
        portals=ground.portals,
        database=database,
        shop=ground.shop,
        post=post,
        ids=ground.ids,
        clock=schedule,
        dialects=dialects,
        machine=common.clock,
        on_commit=common.wake,
    )
    unfinished = Unfinished(database=database, post=post, journal=journal, clock=common.clock)
    handmade = HandmadeCallbacks(
        book=book,
        database=database,
        shop=ground.shop,
        post=post,
        courier=courier,
        material=material,
        ids=ground.ids,
        clock=schedule,
        unfinished=unfinished,
    )
    return Dispatch(
        courier=courier,
        captures=captures,
        desk=desk,
        book=book,
        handmade=handmade,
        unfinished=unfinished,
        resender=Resender(
            database=database,
            post=post,
            courier=courier,
            material=material,
            locks=locks,
            schedule=schedule,
        ),
        advancer=Advancer(
            workspace=record.name,
            database=database,
            post=post,
            desk=desk,
            clock=common.clock,
            schedule=schedule,
            claims=ground.claims,
            wake=common.wake,
        ),
        wake=common.wake,
    )


def _courier(ground: Ground, journal: Journal) -> Courier:
    return Courier(
        portals=ground.portals,
        database=ground.database,
        post=ground.post,
        journal=journal,
        schedule=ground.schedule,
        may_connect=ground.settings.callback_policy.may_connect,
    )


def settings_of(settings: SandboxSettings, *, game_id: str | None, shared_key: str | None) -> SandboxSettings:
    """The settings of a workspace but the default one: what start options say of a game is not for it."""
    return replace(settings, game_id=game_id, shared_key=shared_key, callback_url=None)
