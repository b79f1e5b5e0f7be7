"""The order book: what a purchase goes through, and the notification that each step owes the backend.

An order's change, the record of it, its notification and its delivery are one transaction, in which nobody
else can move the order. Which moves are legal is the portal's table, how bytes are made the portal's too,
when they are sent the engine's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import NotificationKind, Order
from coinslot_contracts.orders import OrdersPart
from coinslot_contracts.portal import NoticesPart, Portal, Unmet
from sqlalchemy import Connection

from coinslot_sandbox import orders
from coinslot_sandbox.clock import Now
from coinslot_sandbox.delivery.material import notification_of
from coinslot_sandbox.delivery.retry import retry_seconds
from coinslot_sandbox.delivery.writing import write_notification
from coinslot_sandbox.dialects import Dialects
from coinslot_sandbox.ids import Ids, base36_of, number_of
from coinslot_sandbox.order_log import OrderLog
from coinslot_sandbox.order_wishes import MoveWish, OrderWish, Step
from coinslot_sandbox.orders import Moved
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import Delivery, GameRecord, OrderRecord
from coinslot_sandbox.store.shop import Shop

ORDER_ID_CHARS = 30
NO_GAME = ""
"""The game id of orders of a portal that has no games."""
ANY_URL = "http://127.0.0.1/"


class Unknown(Exception):
    """Something that a call names is not there; `what` is "player", "product", "game" or "order"."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is no {what} {name}")
        self.what = what
        self.name = name


class OrderExists(Exception):
    """An order of this id is there already."""


class PreconditionUnmet(Exception):
    """The game may not take payments yet, and the portal's document says why."""

    def __init__(self, unmet: Unmet) -> None:
        super().__init__(unmet.says)
        self.unmet = unmet


class OrderBook:
    """The orders of one workspace.

    clock      the workspace's schedule; `machine` is the machine's clock
    on_commit  called after a commit that may have made a delivery due
    """

    def __init__(
        self,
        *,
        portals: Mapping[str, Portal],
        database: Database,
        shop: Shop,
        post: Post,
        ids: Ids,
        clock: Now,
        dialects: Dialects,
        machine: Now,
        on_commit: Callable[[], None],
    ) -> None:
        self._portals = portals
        self._database = database
        self._shop = shop
        self._post = post
        self.log = OrderLog(portals=portals, shop=shop, clock=clock, machine=machine)
        self._ids = ids
        self._clock = clock
        self._dialects = dialects
        self._on_commit = on_commit

    def create(self, wish: OrderWish) -> Step:
        """Make an order; where it is to be paid, pay it and notify in the same transaction.

        errors  Unknown, OrderExists, PreconditionUnmet, orders.MoveRefused
        """
        order_id = wish.order_id or self._order_id(wish.portal)
        wish = replace(wish, external_id=wish.external_id or self._external_id(wish))
        number = self._ids.sequence("order-number")
        drafts = [self._draft(), self._draft()]
        with self._database.write() as connection:
            record = self._new_order(connection, wish, order_id)
            self._shop.add_order(connection, record, number=number)
            self.log.note(connection, record, "create", status_from=None)
            step = self._made(connection, record, wish, drafts)
        self._on_commit()
        return step

    def move(self, order_id: str, wish: MoveWish) -> Step:
        """Make a move, and notify where the move is told of.

        errors  Unknown, PreconditionUnmet, orders.MoveRefused
        """
        draft = self._draft()
        with self._database.write() as connection:
            step = self._move(connection, self._get(connection, order_id), wish, draft)
        self._on_commit()
        return step

    def change(self, order_id: str, change: orders.Change) -> Step:
        """What becomes of an order without anybody being told.

        errors  Unknown, orders.MoveRefused
        """
        with self._database.write() as connection:
            record = self._get(connection, order_id)
            if self._portals[record.portal].purchases is None and change.speaks_of_verification:
                raise orders.MoveRefused(
                    "order-without-verification",
                    f"order {order_id} is of {record.portal}, which verifies no purchases",
                    "leave verify out",
                )
            made = orders.changes(self._life(record), record.order, change, at_s=self._now_s())
            told = self.log.write(connection, record, made, cause="control", silent=True)
        return Step(order=told, delivery=None, forced=_forced(made))

    def archive(self, order_ids: list[str]) -> tuple[int, int]:
        """Take orders out of the portal's list and cancel what is pending of them; how many of each.

        errors  Unknown
        """
        archived = cancelled = 0
        with self._database.write() as connection:
            for order_id in order_ids:
                record = self._get(connection, order_id)
                cancelled += self._post.cancel_of_order(connection, order_id)
                if not record.archived:
                    told = replace(record, archived=True)
                    self._shop.change_order(connection, record, told)
                    self.log.note(connection, told, "archive")
                    archived += 1
        return archived, cancelled

    def arrived(self, order_id: str) -> None:
        """The backend reported the order as delivered."""
        with self._database.write() as connection:
            record = self._shop.find_order_for_change(connection, order_id)
            if record is not None and record.order.arrived_status != 1:
                told = replace(record.order, arrived_status=1)
                done = orders.moved(self._life(record), record.order, told, "deliver")
                self.log.write(connection, record, [done], cause="backend")
            self._post.shelf.arrived(connection, order_id)
        self._on_commit()

    def speak(self, portal: str) -> Speak:
        """In which manner the portal speaks now."""
        return self._dialects.speaker(portal)

    def notices(self, portal: str) -> NoticesPart | None:
        """How the portal notifies; None where it does not."""
        return self._portals[portal].notices

    def check_preconditions(self, portal: str, game: GameRecord | None, *, needs_url: bool = True) -> None:
        """Raise PreconditionUnmet for the first precondition of payments that the game fails.

        game  None where the portal has no games, and so no preconditions
        """
        notices = self.notices(portal)
        if notices is None or game is None:
            return
        judged = (
            game.game if needs_url else replace(game.game, callback_url=game.game.callback_url or ANY_URL)
        )
        for unmet in notices.unmet(judged):
            raise PreconditionUnmet(unmet)

    def _new_order(self, connection: Connection, wish: OrderWish, order_id: str) -> OrderRecord:
        game = self._game(connection, wish)
        if self._shop.find_player(connection, wish.user_id) is None:
            raise Unknown("player", wish.user_id)
        if self._shop.find_product(connection, wish.product_id) is None:
            raise Unknown("product", wish.product_id)
        if self._shop.find_order(connection, order_id) is not None:
            raise OrderExists(order_id)
        order = Order(
            order_id=order_id,
            game_id=NO_GAME if game is None else game.game.game_id,
            user_id=wish.user_id,
            product_id=wish.product_id,
            created_at_s=self._now_s(),
            arrived_status=wish.arrived_status,
            external_id=wish.external_id,
            verify=wish.verify,
        )
        return OrderRecord(portal=wish.portal, environment=wish.environment, order=wish.times.set_on(order))

    def _order_id(self, portal: str) -> str:
        drawn = self._ids.text("order", ORDER_ID_CHARS)
        return self._portals[portal].order_id(drawn, self.speak(portal))

    def _mode(self, portal: str, wish: MoveWish) -> str:
        """How the backend is told of a move: as wished for, else as the portal does by itself.

        clause  sandbox:refund-only-success-notified
        """
        notices = self.notices(portal)
        if wish.callback is not None or notices is None or wish.kind is None:
            return wish.callback or "manual"
        tells = wish.refund_status is None or notices.manner.tells(wish.refund_status, self.speak(portal))
        return "normal" if tells else "manual"

    def _external_id(self, wish: OrderWish) -> str | None:
        """What the client library passes where the game passes nothing; None where there is no such thing."""
        if self._portals[wish.portal].purchases is None:
            return None
        drawn = number_of(self._ids.seed, "external-id", self._ids.sequence("external-id"))
        return f"{wish.product_id}_{int(self._clock.now_s() * 1000)}_{base36_of(drawn, 8)}"

    def _game(self, connection: Connection, wish: OrderWish) -> GameRecord | None:
        """The order's game; None where the portal has no games."""
        if self.notices(wish.portal) is None:
            return None
        if wish.game_id is None:
            game = self._shop.find_default_game(connection, wish.portal)
        else:
            game = self._shop.find_game(connection, wish.portal, wish.game_id)
        if game is None:
            raise Unknown("game", wish.game_id or f"of {wish.portal}")
        return game

    def _made(
        self, connection: Connection, record: OrderRecord, wish: OrderWish, drafts: list["Draft"]
    ) -> Step:
        """Pay and refund a new order as far as it is wished for."""
        step = Step(order=record, delivery=None)
        wishes = [MoveWish(move="pay", callback=wish.callback)] if wish.paid else []
        if wish.refund_status is not None:
            mode = "normal" if wish.callback == "normal" else "manual"
            wishes.append(MoveWish(move=orders.refund_move(wish.refund_status), callback=mode))
        for next_wish, draft in zip(wishes, drafts, strict=False):
            next_wish = replace(next_wish, force=wish.force, times=wish.times)
            made = self._move(connection, step.order, next_wish, draft)
            step = Step(
                order=made.order,
                delivery=step.delivery or made.delivery,
                forced=(*step.forced, *made.forced),
            )
        return step

    def _move(self, connection: Connection, record: OrderRecord, wish: MoveWish, draft: "Draft") -> Step:
        made = orders.make(
            self._life(record),
            record.order,
            wish.move,
            at_s=self._now_s(),
            force=wish.force,
            times=wish.times,
        )
        game = self._game_of(connection, record)
        told = replace(record, order=made.order)
        delivery = None
        if wish.kind is not None:
            mode = self._mode(record.portal, wish)
            if wish.move == "pay" or mode == "normal":
                self.check_preconditions(record.portal, game, needs_url=mode == "normal")
            delivery = self._notify(connection, told, game, wish.kind, mode, draft)
        facts = {} if delivery is None else {"delivery_id": delivery.delivery_id}
        told = self.log.write(connection, record, [made], cause="control", **facts)
        return Step(order=told, delivery=delivery, forced=_forced([made]))

    def _life(self, record: OrderRecord) -> OrdersPart:
        return self._portals[record.portal].life

    def _now_s(self) -> int:
        return int(self._clock.now_s())

    def _notify(
        self,
        connection: Connection,
        record: OrderRecord,
        game: GameRecord | None,
        kind: NotificationKind,
        callback: str,
        draft: "Draft",
    ) -> Delivery | None:
        notices = self.notices(record.portal)
        if notices is None or game is None or callback == "manual":
            return None
        written = write_notification(
            notices,
            notification_of(record.order, kind),
            self.speak(record.portal),
            shared_key=game.game.shared_key or b"",
        )
        now_s = self._clock.now_s()
        scheduled = callback == "normal"
        delivery = Delivery(
            delivery_id=draft.delivery_id,
            number=draft.number,
            portal=record.portal,
            game_id=record.order.game_id,
            order_id=record.order.order_id,
            user_id=record.order.user_id,
            kind=kind,
            url=game.game.callback_url,
            mode="scheduled" if scheduled else "lost",
            state="pending" if scheduled else "lost",
            body=written.body,
            headers=written.headers,
            signature=written.signature,
            retry_s=retry_seconds(game.retry),
            timeout_s=game.timeout_s,
            ack_rule=game.ack_rule,
            terminal_codes=game.terminal_codes,
            held=scheduled and self._post.shelf.is_held(connection, record.order.order_id),
            attempts_made=0,
            scheduled_made=0,
            next_at_s=now_s if scheduled else None,
            created_at_s=now_s,
        )
        self._post.add(connection, delivery)
        return delivery

    def _get(self, connection: Connection, order_id: str) -> OrderRecord:
        record = self._shop.find_order_for_change(connection, order_id)
        if record is None:
            raise Unknown("order", order_id)
        return record

    def _game_of(self, connection: Connection, record: OrderRecord) -> GameRecord | None:
        return self._shop.find_game(connection, record.portal, record.order.game_id)

    def _draft(self) -> "Draft":
        """Ids are drawn before a transaction begins, because drawing may write."""
        return draft_delivery(self._ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The ids of a delivery that may come."""

    delivery_id: str
    number: int


def _forced(made: Sequence[Moved]) -> tuple[Moved, ...]:
    return tuple(step for step in made if step.forced)


def draft_delivery(ids: Ids) -> Draft:
    """Draw the ids of a delivery."""
    return Draft(delivery_id=f"dlv_{ids.text('delivery', 20)}", number=ids.sequence("delivery-number"))
