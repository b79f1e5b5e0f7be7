"""Hand-made callbacks: exactly the bytes and the signature that somebody asks for, exactly so many times.

The order becomes paid or refunded before the first byte leaves, and only where the notification is genuine:
its signature is valid and its ids are the order's. Nothing is ever retried.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coinslot_contracts.domain import Notification, NotificationKind, Order
from coinslot_contracts.json_bytes import JsonInvalid, dump_json, parse_json, spelling_headers
from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import Headers
from sqlalchemy import Connection

from coinslot_sandbox import orders
from coinslot_sandbox.clock import Now
from coinslot_sandbox.delivery.attempts import Courier
from coinslot_sandbox.delivery.signatures import Keys, notification_headers, signature_value
from coinslot_sandbox.ids import Ids
from coinslot_sandbox.order_book import Draft, OrderBook, Unknown, draft_delivery, notification_of
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, DeliveryState, GameRecord, OrderRecord
from coinslot_sandbox.store.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class HandmadeWish:
    """What is to be sent.

    members, dropped  members of the good body to replace and to leave out
    raw        this text instead of a body
    encode     name in ENCODINGS
    signature  name in SIGNATURE_DEFECTS
    headers    headers to replace; None drops one
    copies     so many attempts, with their last bytes at one moment where `at_once`
    """

    order_id: str
    kind: NotificationKind
    members: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    raw: str | None = None
    encode: str = "compact"
    signature: str = "valid"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    copies: int = 1
    at_once: bool = False
    timeout_s: float | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    body: bytes
    headers: Headers
    signature: str | None
    is_genuine: bool


class HandmadeCallbacks:
    """Sends hand-made callbacks of one workspace."""

    def __init__(
        self,
        *,
        book: OrderBook,
        database: Database,
        shop: Shop,
        post: Post,
        courier: Courier,
        ids: Ids,
        clock: Now,
    ) -> None:
        self._book = book
        self._database = database
        self._shop = shop
        self._post = post
        self._courier = courier
        self._ids = ids
        self._clock = clock

    def send(self, wish: HandmadeWish) -> tuple[Delivery, list[AttemptRecord]]:
        """Send what is wished for and wait for the answers.

        errors  Unknown, PreconditionUnmet
        """
        draft = draft_delivery(self._ids)
        with self._database.write() as connection:
            delivery = self._prepare(connection, wish, draft)
        attempts = self._courier.attempts(
            delivery,
            copies=wish.copies,
            at_once=wish.at_once,
            cause="manual",
            settle=_settle,
            only_from=("pending", "failed"),
        )
        with self._database.read() as connection:
            return self._post.find(connection, delivery.delivery_id) or delivery, attempts

    def _prepare(self, connection: Connection, wish: HandmadeWish, draft: Draft) -> Delivery:
        record = self._shop.find_order_for_change(connection, wish.order_id)
        if record is None:
            raise Unknown("order", wish.order_id)
        game = self._shop.find_game(connection, record.portal, record.order.game_id)
        notices = self._book.notices(record.portal)
        if game is None or notices is None:
            raise Unknown("callback", f"of {record.portal}")
        self._book.check_preconditions(record.portal, game, needs_url=wish.url is None)
        told = self._told(record.order, wish.kind)
        made = _make(wish, notices, notification_of(told, wish.kind), game)
        if made.is_genuine:
            self._shop.change_order(connection, record, replace(record, order=told))
        delivery = self._delivery(wish, record, game, made, draft)
        self._post.add(connection, delivery)
        return delivery

    def _told(self, order: Order, kind: NotificationKind) -> Order:
        at_s = int(self._clock.now_s())
        tell = orders.as_told_paid if kind == "pay" else orders.as_told_refunded
        return tell(order, at_s=at_s)

    def _delivery(
        self, wish: HandmadeWish, record: OrderRecord, game: GameRecord, made: _Made, draft: Draft
    ) -> Delivery:
        return Delivery(
            delivery_id=draft.delivery_id,
            number=draft.number,
            portal=record.portal,
            game_id=record.order.game_id,
            order_id=record.order.order_id,
            user_id=record.order.user_id,
            kind=wish.kind,
            url=wish.url or game.game.callback_url,
            mode="manual",
            state="pending",
            body=made.body,
            headers=made.headers,
            signature=made.signature,
            retry_s=(),
            timeout_s=game.timeout_s if wish.timeout_s is None else wish.timeout_s,
            attempts_made=0,
            scheduled_made=0,
            next_at_s=None,
            created_at_s=self._clock.now_s(),
        )


def _settle(delivery: Delivery, accepted: bool) -> tuple[DeliveryState, float | None]:  # noqa: ARG001
    return ("delivered" if accepted else "failed"), None


def _make(wish: HandmadeWish, notices: NoticesPart, good: Notification, game: GameRecord) -> _Made:
    members = {**notices.fields(good), **wish.members}
    members = {name: value for name, value in members.items() if name not in wish.dropped}
    body = dump_json(members, wish.encode) if wish.raw is None else wish.raw.encode()
    extra = spelling_headers(wish.encode) if wish.raw is None else ()
    signature = signature_value(
        wish.signature, notices, body=body, keys=Keys(own=game.game.shared_key or b"")
    )
    sent = members if wish.raw is None else _readable(wish.raw)
    return _Made(
        body=body,
        headers=_overridden(notification_headers(notices, signature, extra), wish.headers),
        signature=signature,
        is_genuine=wish.signature == "valid" and _speaks_of(notices, good, sent),
    )


def _speaks_of(notices: NoticesPart, good: Notification, sent: Mapping[str, Any]) -> bool:
    """Whether a body tells of this order what is true of it.

    Which members hold the ids is found by asking the portal for a body with other ids: what differs.
    """
    other = replace(
        good,
        game_id=f"1{good.game_id}",
        order_id=f"{good.order_id}-",
        user_id=f"1{good.user_id}",
        product_id=f"{good.product_id}-",
        refund_status=2 if good.kind == "refund" else good.refund_status,
    )
    expected, different = notices.fields(good), notices.fields(other)
    told = [name for name, value in expected.items() if different[name] != value]
    return all(name in sent and str(sent[name]) == str(expected[name]) for name in told)


def _readable(raw: str) -> Mapping[str, Any]:
    try:
        value = parse_json(raw)
    except JsonInvalid:
        return {}
    return value if isinstance(value, dict) else {}


def _overridden(headers: Headers, changes: Mapping[str, str | None]) -> Headers:
    changed = {name.lower() for name in changes}
    kept = tuple((name, value) for name, value in headers if name.lower() not in changed)
    return (*kept, *((name, value) for name, value in changes.items() if value is not None))
