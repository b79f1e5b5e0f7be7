"""What one workspace is made of: built once, handed to every view; nothing here is global.

The order of building follows who needs whom: store, ids, games, keys, journal, deliveries, order book.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from coinslot_contracts.portal import Portal
from coinslot_contracts.wire import WireRequest

from coinslot_sandbox.clock import Clock
from coinslot_sandbox.delivery.addresses import may_connect
from coinslot_sandbox.delivery.attempts import Courier, OrderLocks
from coinslot_sandbox.delivery.engine import DeliveryEngine
from coinslot_sandbox.delivery.handmade import HandmadeCallbacks
from coinslot_sandbox.delivery.resend import Resender
from coinslot_sandbox.dialects import Dialects
from coinslot_sandbox.errors import SandboxStartError
from coinslot_sandbox.faults import FaultBook
from coinslot_sandbox.games import GameDesk
from coinslot_sandbox.http_server import SocketHospice
from coinslot_sandbox.ids import Ids
from coinslot_sandbox.journal import Crossing, Journal
from coinslot_sandbox.keys import KeyRing, build_rings
from coinslot_sandbox.order_book import OrderBook
from coinslot_sandbox.players import Namer
from coinslot_sandbox.purchases import PurchaseMint
from coinslot_sandbox.settings import SandboxSettings, draw_seed
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import Delivery
from coinslot_sandbox.store.shop import Shop
from coinslot_sandbox.tokens import Mint

WORKSPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What everything stands on."""

    settings: SandboxSettings
    portals: Mapping[str, Portal]
    clock: Clock
    database: Database
    shop: Shop
    post: Post
    seed: int
    ids: Ids
    control_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What takes notifications to a backend."""

    engine: DeliveryEngine
    book: OrderBook
    handmade: HandmadeCallbacks
    resender: Resender


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the views of one workspace work with."""

    workspace: str
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

    def start(self) -> None:
        """Begin to deliver and to write the journal."""
        self.journal.start()
        self.dispatch.engine.start()

    def stop(self) -> None:
        """End both, and close the store."""
        self.dispatch.engine.stop()
        self.hospice.stop()
        self.journal.stop()
        self.ground.database.close()

    def reset(self) -> None:
        """As at first start: keys, dialects, default games back, all else gone; ids and numbers go on."""
        ground = self.ground
        self.hospice.release(self.faults.clear())
        with ground.database.write() as connection:
            ground.post.clear(connection)
            ground.shop.clear(connection)
        self.games.lay_defaults()
        self.dialects.forget()
        for ring in self.rings.values():
            ring.restart()
        self.journal.clear()


def build_services(
    settings: SandboxSettings,
    *,
    database: Database,
    portals: Mapping[str, Portal],
    clock: Clock,
    control_token: str,
) -> Services:
    """Build the services of the workspace `default`.

    errors  SandboxStartError
    """
    ground = _ground(settings, database, portals, clock, control_token)
    shop, seed = ground.shop, ground.seed
    games = GameDesk(
        settings=settings,
        portals=portals,
        database=database,
        shop=shop,
        seed=seed,
        control_token=control_token,
    )
    rings = build_rings(
        portals=portals,
        database=database,
        shop=shop,
        clock=clock,
        seed=seed,
        fresh_keys=settings.fresh_keys,
    )
    journal = Journal(
        workspace=WORKSPACE,
        database=database,
        clock=clock,
        next_seq=lambda: ground.ids.sequence("journal"),
        secrets=games.secrets,
    )
    return Services(
        workspace=WORKSPACE,
        ground=ground,
        namer=Namer(seed=seed),
        games=games,
        rings=rings,
        mints={
            name: Mint(portal.identity, rings[name])
            for name, portal in portals.items()
            if portal.identity is not None
        },
        purchase_mints={
            name: PurchaseMint(portal.purchases, rings[name])
            for name, portal in portals.items()
            if portal.purchases is not None
        },
        dialects=Dialects(portals=portals, database=database, shop=shop),
        journal=journal,
        faults=FaultBook(seed=seed, now_s=clock.now_s),
        hospice=SocketHospice(),
        dispatch=_dispatch(ground, journal),
    )


def _ground(
    settings: SandboxSettings,
    database: Database,
    portals: Mapping[str, Portal],
    clock: Clock,
    control_token: str,
) -> Ground:
    shop = Shop(WORKSPACE)
    seed = _seed(settings, database, shop, clock)
    return Ground(
        settings=settings,
        portals=portals,
        clock=clock,
        database=database,
        shop=shop,
        post=Post(WORKSPACE),
        seed=seed,
        ids=Ids(seed=seed, next_number=lambda kind: database.next_number(f"{WORKSPACE}/{kind}")),
        control_token=control_token,
    )


def _dispatch(ground: Ground, journal: Journal) -> Dispatch:
    database, post, clock = ground.database, ground.post, ground.clock
    allow_hosts = ground.settings.allow_hosts
    courier = Courier(
        portals=ground.portals,
        database=database,
        post=post,
        journal=journal,
        may_connect=lambda host, address: may_connect(host, address, allow_hosts=allow_hosts),
    )
    locks = OrderLocks()
    engine = DeliveryEngine(
        database=database,
        post=post,
        courier=courier,
        clock=clock,
        locks=locks,
        on_error=lambda delivery, error: _journal_trouble(journal, clock, delivery, error),
    )
    book = OrderBook(
        portals=ground.portals,
        database=database,
        shop=ground.shop,
        post=post,
        ids=ground.ids,
        clock=clock,
        on_commit=engine.wake,
    )
    handmade = HandmadeCallbacks(
        book=book,
        database=database,
        shop=ground.shop,
        post=post,
        courier=courier,
        ids=ground.ids,
        clock=clock,
    )
    resender = Resender(database=database, post=post, courier=courier, locks=locks)
    return Dispatch(engine=engine, book=book, handmade=handmade, resender=resender)


def _seed(settings: SandboxSettings, database: Database, shop: Shop, clock: Clock) -> int:
    with database.write() as connection:
        known = shop.find_seed(connection)
        if known is not None and settings.seed not in (None, known):
            raise SandboxStartError(
                f"the store was begun with seed {known}, not {settings.seed}; "
                "leave --seed out, or take a new file for --store",
                2,
            )
        if known is not None:
            return known
        seed = draw_seed() if settings.seed is None else settings.seed
        shop.add_workspace(connection, seed=seed, created_at_s=clock.now_s())
        return seed


def _journal_trouble(journal: Journal, clock: Clock, delivery: Delivery, error: BaseException) -> None:
    """A fault of our own in the delivery worker: kept where whoever looks for the callback will find it."""
    journal.append(
        Crossing(
            dir="out",
            endpoint="delivery",
            request=WireRequest(method="POST", target=delivery.url or "", body=delivery.body),
            reply=None,
            at_s=clock.now_s(),
            elapsed_ms=0.0,
            portal=delivery.portal,
            game_id=delivery.game_id,
            order_id=delivery.order_id,
            user_id=delivery.user_id,
            delivery_id=delivery.delivery_id,
            error="".join(traceback.format_exception(error)),
        )
    )
