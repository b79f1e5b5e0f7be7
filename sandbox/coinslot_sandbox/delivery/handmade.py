"""Hand-made callbacks: exactly the bytes and the signature that somebody asks for, exactly so many times.

The order becomes paid or refunded before the first byte leaves, and only where the notification is genuine:
its signature is valid and its ids are the order's. Nothing is ever retried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Notification, NotificationKind
from coinslot_contracts.json_bytes import JsonInvalid, dump_json, parse_json, spelling_headers
from coinslot_contracts.portal import Ack, NoticesPart
from coinslot_contracts.wire import Headers
from sqlalchemy import Connection

from coinslot_sandbox.clock import Now
from coinslot_sandbox.delivery.attempts import Courier, Sending
from coinslot_sandbox.delivery.letters import Letter, Sources, Wrongs, is_signed, readable, sign, spoil
from coinslot_sandbox.delivery.mailroom import manner_of
from coinslot_sandbox.delivery.material import Material, notification_of
from coinslot_sandbox.delivery.signatures import notification_headers
from coinslot_sandbox.delivery.unfinished import Unfinished
from coinslot_sandbox.delivery.writing import written_members
from coinslot_sandbox.ids import Ids
from coinslot_sandbox.order_book import Draft, OrderBook, Unknown, draft_delivery
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.post import Post
from coinslot_sandbox.store.records import AttemptRecord, Delivery, GameRecord, OrderRecord, Outcome
from coinslot_sandbox.store.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class HandmadeWish:
    """What is to be sent.

    members, dropped  members of the good body to replace and to leave out
    raw        this text instead of a body
    encode     name in ENCODINGS; None for the spelling that the portal speaks
    signature  name in SIGNATURE_DEFECTS
    headers    headers to replace; None drops one
    copies     so many attempts, with their last bytes at one moment where `at_once`
    wrongs     misdeliveries on top of it
    """

    order_id: str
    kind: NotificationKind
    members: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    raw: str | None = None
    encode: str | None = None
    signature: str = "valid"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    copies: int = 1
    at_once: bool = False
    timeout_s: float | None = None
    url: str | None = None
    wrongs: Wrongs = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    letter: Letter
    is_genuine: bool


OTHER_MEMBERS: Final = frozenset({"field_shape", "reflection", "tampered_field"})
"""Misdeliveries after which a body may say something else than it was made to say."""


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
        material: Material,
        ids: Ids,
        clock: Now,
        unfinished: Unfinished,
    ) -> None:
        self._book = book
        self._database = database
        self._shop = shop
        self._post = post
        self._courier = courier
        self._material = material
        self._ids = ids
        self._clock = clock
        self._unfinished = unfinished

    def send(self, wish: HandmadeWish) -> tuple[Delivery, list[AttemptRecord]]:
        """Send what is wished for and wait for the answers.

        errors  Unknown, PreconditionUnmet, letters.CannotSpoil
        """
        draft = draft_delivery(self._ids)
        with self._unfinished.in_hand(draft.delivery_id):
            return self._send(wish, draft)

    def _send(self, wish: HandmadeWish, draft: Draft) -> tuple[Delivery, list[AttemptRecord]]:
        with self._database.write() as connection:
            delivery, letter = self._prepare(connection, wish, draft)
        manner, copies, patience_s = manner_of(wish.wrongs)
        if manner == "singly":
            manner, copies = "at once" if wish.at_once else "singly", wish.copies
        sending = Sending(
            letter=letter,
            cause="manual",
            settle=_settle,
            only_from=("pending", "failed"),
            manner=manner,
            copies=copies,
            patience_s=patience_s,
        )
        attempts = self._courier.carry(delivery, sending).records
        with self._database.read() as connection:
            return self._post.find(connection, delivery.delivery_id) or delivery, attempts

    def _prepare(self, connection: Connection, wish: HandmadeWish, draft: Draft) -> tuple[Delivery, Letter]:
        record = self._shop.find_order_for_change(connection, wish.order_id)
        if record is None:
            raise Unknown("order", wish.order_id)
        game = self._shop.find_game(connection, record.portal, record.order.game_id)
        notices = self._book.notices(record.portal)
        if game is None or notices is None:
            raise Unknown("callback", f"of {record.portal}")
        self._book.check_preconditions(record.portal, game, needs_url=wish.url is None)
        moves = self._book.log.told(record, wish.kind)
        told = moves[-1].order if moves else record.order
        sources = self._material.of_notification(connection, game, notification_of(told, wish.kind))
        assert sources is not None
        made = _make(wish, sources, wish.url or game.game.callback_url or "")
        if made.is_genuine:
            self._book.log.write(connection, record, moves, cause="callback", delivery_id=draft.delivery_id)
        delivery = self._delivery(wish, record, game, made, draft)
        self._post.add(connection, delivery)
        return delivery, made.letter

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
            url=made.letter.url,
            mode="manual",
            state="pending",
            body=made.letter.body,
            headers=made.letter.headers,
            signature=made.letter.signature,
            retry_s=(),
            timeout_s=game.timeout_s if wish.timeout_s is None else wish.timeout_s,
            ack_rule=game.ack_rule,
            terminal_codes=game.terminal_codes,
            attempts_made=0,
            scheduled_made=0,
            next_at_s=None,
            created_at_s=self._clock.now_s(),
        )


def _settle(delivery: Delivery, acks: Sequence[Ack]) -> Outcome:  # noqa: ARG001
    return ("delivered" if any(ack.accepted for ack in acks) else "failed"), None


def _make(wish: HandmadeWish, sources: Sources, url: str) -> _Made:
    """The wish over what the portal would send; what it leaves open is told as the portal tells it now.

    It is genuine where it tells of the order what is true of it, truly signed and sent to where it belongs.
    """
    notices, speak = sources.notices, sources.speak
    members = {**written_members(notices, sources.notification, speak), **wish.members}
    members = {name: value for name, value in members.items() if name not in wish.dropped}
    body, extra = _spelt(wish, sources, members)
    headers = notices.manner.headers(notification_headers(notices, "", extra), speak)
    unsigned = Letter(url=url, body=body, headers=headers, signature="")
    made = spoil(sign(unsigned, wish.signature, sources), wish.wrongs, sources)
    as_wished = wish.raw is None and not wish.wrongs.keys() & OTHER_MEMBERS
    said = members if as_wished else _members(readable(made))
    return _Made(
        letter=replace(made, headers=_overridden(made.headers, wish.headers)),
        is_genuine=made.url == url
        and is_signed(made, sources)
        and _speaks_of(notices, sources.notification, said, speak),
    )


def _spelt(wish: HandmadeWish, sources: Sources, members: Mapping[str, Any]) -> tuple[bytes, Headers]:
    if wish.raw is not None:
        return wish.raw.encode(), ()
    if wish.encode is None:
        return sources.notices.manner.dump(members, sources.speak)
    return dump_json(members, wish.encode), spelling_headers(wish.encode)


def _speaks_of(notices: NoticesPart, good: Notification, sent: Mapping[str, Any], speak: Speak) -> bool:
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
    expected, different = (written_members(notices, told, speak) for told in (good, other))
    told = [name for name, value in expected.items() if different[name] != value]
    return all(name in sent and str(sent[name]) == str(expected[name]) for name in told)


def _members(raw: bytes) -> Mapping[str, Any]:
    try:
        value = parse_json(raw)
    except JsonInvalid:
        return {}
    return value if isinstance(value, dict) else {}


def _overridden(headers: Headers, changes: Mapping[str, str | None]) -> Headers:
    changed = {name.lower() for name in changes}
    kept = tuple((name, value) for name, value in headers if name.lower() not in changed)
    return (*kept, *((name, value) for name, value in changes.items() if value is not None))
