"""The order book: what a purchase goes through, and the notification that each step owes the backend.

An order's change, its notification and its delivery are one transaction. Which moves are legal is `orders`'
matter, how bytes are made the portal's, when they are sent the engine's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import NotificationKind, Order
from coinslot_contracts.portal import NoticesPart, Portal, Unmet
from sqlalchemy import Connection

from coinslot_sandbox import orders
from coinslot_sandbox.clock import Now
from coinslot_sandbox.delivery.material import notification_of
from coinslot_sandbox.delivery.retry import retry_seconds
from coinslot_sandbox.delivery.writing import write_notification
from coinslot_sandbox.dialects import Dialects
from coinslot_sandbox.ids import Ids, base36_of, number_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWish:
    """What an order is to be made with; ids that are None are drawn.

    callback       normal, lost or manual; None is normal for the payment and silent for a refund
    refund_status  of an order that is made refunded
    verify         what a verification says, where it differs from what the state implies
    """

    portal: str
    user_id: str
    product_id: str
    game_id: str | None = None
    order_id: str | None = None
    external_id: str | None = None
    paid: bool = False
    callback: str | None = None
    arrived_status: int = 0
    refund_status: int | None = None
    verify: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step led to."""

    order: OrderRecord
    delivery: Delivery | None


class OrderBook:
    """The orders of one workspace.

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
        on_commit: Callable[[], None],
    ) -> None:
        self._portals = portals
        self._database = database
        self._shop = shop
        self._post = post
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
            step = Step(order=record, delivery=None)
            if wish.paid:
                step = self._made_paid(connection, record, wish, drafts)
        self._on_commit()
        return step

    def pay(self, order_id: str, *, callback: str) -> Step:
        """Pay an order and notify.

        errors  Unknown, PreconditionUnmet, orders.MoveRefused
        """
        draft = self._draft()
        with self._database.write() as connection:
            record = self._get(connection, order_id)
            step = self._pay(connection, record, callback, draft)
        self._on_commit()
        return step

    def fail(self, order_id: str) -> Step:
        """Let an order fail; nobody is notified.

        errors  Unknown, orders.MoveRefused
        """
        with self._database.write() as connection:
            record = self._get(connection, order_id)
            failed = replace(record, order=orders.fail(record.order))
            self._shop.change_order(connection, record, failed)
        return Step(order=failed, delivery=None)

    def refund(self, order_id: str, *, status: int, callback: str | None) -> Step:
        """Move an order's refund status.

        callback  None notifies as the portal does by itself (sandbox:refund-only-success-notified); a mode
                  notifies of any
        errors    Unknown, PreconditionUnmet, orders.MoveRefused
        """
        draft = self._draft()
        with self._database.write() as connection:
            record = self._get(connection, order_id)
            mode = callback or ("normal" if self._tells(record.portal, status) else "manual")
            step = self._refund(connection, record, status, mode, draft)
        self._on_commit()
        return step

    def change(self, order_id: str, change: orders.Change) -> OrderRecord:
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
            changed = orders.change(record.order, change, at_s=int(self._clock.now_s()))
            told = replace(record, order=changed)
            self._shop.change_order(connection, record, told)
        return told

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
                    self._shop.change_order(connection, record, replace(record, archived=True))
                    archived += 1
        return archived, cancelled

    def arrived(self, order_id: str) -> None:
        """The backend reported the order as delivered."""
        with self._database.write() as connection:
            record = self._shop.find_order_for_change(connection, order_id)
            if record is not None and record.order.arrived_status != 1:
                told = replace(record.order, arrived_status=1)
                self._shop.change_order(connection, record, replace(record, order=told))
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
            created_at_s=int(self._clock.now_s()),
            arrived_status=wish.arrived_status,
            external_id=wish.external_id,
            verify=wish.verify,
        )
        return OrderRecord(portal=wish.portal, order=order)

    def _order_id(self, portal: str) -> str:
        drawn = self._ids.text("order", ORDER_ID_CHARS)
        return self._portals[portal].order_id(drawn, self.speak(portal))

    def _tells(self, portal: str, refund_status: int) -> bool:
        notices = self.notices(portal)
        return notices is not None and notices.manner.tells(refund_status, self.speak(portal))

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

    def _made_paid(
        self, connection: Connection, record: OrderRecord, wish: OrderWish, drafts: list["Draft"]
    ) -> Step:
        paid = self._pay(connection, record, wish.callback or "normal", drafts[0])
        if wish.refund_status is None:
            return paid
        mode = "normal" if wish.callback == "normal" else "manual"
        refunded = self._refund(connection, paid.order, wish.refund_status, mode, drafts[1])
        return Step(order=refunded.order, delivery=paid.delivery or refunded.delivery)

    def _pay(self, connection: Connection, record: OrderRecord, callback: str, draft: "Draft") -> Step:
        paid = replace(record, order=orders.pay(record.order, at_s=int(self._clock.now_s())))
        game = self._game_of(connection, record)
        self.check_preconditions(record.portal, game, needs_url=callback == "normal")
        self._shop.change_order(connection, record, paid)
        return Step(order=paid, delivery=self._notify(connection, paid, game, "pay", callback, draft))

    def _refund(
        self, connection: Connection, record: OrderRecord, status: int, callback: str, draft: "Draft"
    ) -> Step:
        moved = orders.refund(record.order, status=status, at_s=int(self._clock.now_s()))
        refunded = replace(record, order=moved)
        game = self._game_of(connection, record)
        if callback == "normal":
            self.check_preconditions(record.portal, game)
        self._shop.change_order(connection, record, refunded)
        return Step(
            order=refunded, delivery=self._notify(connection, refunded, game, "refund", callback, draft)
        )

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


def draft_delivery(ids: Ids) -> Draft:
    """Draw the ids of a delivery."""
    return Draft(delivery_id=f"dlv_{ids.text('delivery', 20)}", number=ids.sequence("delivery-number"))
