"""What letters are made of, read from the store: the order as it is now, its game's keys, other games' URLs.

Also the settling of attempts that no schedule asked for. Knows no fault; decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Notification, NotificationKind, Order
from coinslot_contracts.portal import Portal
from sqlalchemy import Connection

from coinslot_sandbox.delivery.captures import Captures
from coinslot_sandbox.delivery.letters import Letter, Sources
from coinslot_sandbox.delivery.signatures import Keys
from coinslot_sandbox.delivery.writing import write_notification
from coinslot_sandbox.store.records import Delivery, GameRecord
from coinslot_sandbox.store.shop import Shop


class Material:
    """What the letters of one workspace can be made of."""

    def __init__(
        self,
        *,
        portals: Mapping[str, Portal],
        shop: Shop,
        captures: Captures,
        speaker: Callable[[str], Speak],
    ) -> None:
        self._portals = portals
        self._speaker = speaker
        self._shop = shop
        self._captures = captures

    def of_delivery(self, connection: Connection, delivery: Delivery) -> Sources | None:
        """What there is for a delivery; None where its order or its game is gone."""
        record = self._shop.find_order(connection, delivery.order_id)
        game = self._shop.find_game(connection, delivery.portal, delivery.game_id)
        if record is None or game is None:
            return None
        kind: NotificationKind = "refund" if delivery.kind == "refund" else "pay"
        return self.of_notification(connection, game, notification_of(record.order, kind))

    def of_notification(
        self, connection: Connection, game: GameRecord, notification: Notification
    ) -> Sources | None:
        """What there is for a notification of this game; None where its portal sends none."""
        notices = self._portals[game.portal].notices
        if notices is None:
            return None
        others = [
            other
            for other in self._shop.list_games(connection)
            if other.portal == game.portal and other.game.game_id != game.game.game_id
        ]
        own = game.game.shared_key or b""
        return Sources(
            notices=notices,
            speak=self._speaker(game.portal),
            notification=notification,
            keys=Keys(own=own, previous=game.previous_key, other_game=_first_key(others)),
            url_of=lambda game_id: _url_of(others, game_id),
            reflected=lambda of: self._captures.find(game.portal, game.game.game_id, of=of, shared_key=own),
        )

    def rebuilt(self, connection: Connection, delivery: Delivery, sources: Sources, *, now_s: int) -> Letter:
        """The delivery's notification as it would be made now: the order as it is, a new createTime.

        It is signed anew and goes to the game's callback URL of now, else to the delivery's.
        """
        game = self._shop.find_game(connection, delivery.portal, delivery.game_id)
        told = replace(sources.notification, created_at_s=now_s)
        written = write_notification(sources.notices, told, sources.speak, shared_key=sources.keys.own)
        return Letter(
            url=(None if game is None else game.game.callback_url) or delivery.url or "",
            body=written.body,
            headers=written.headers,
            signature=written.signature,
        )


def notification_of(order: Order, kind: NotificationKind) -> Notification:
    """What a paid order's notification says."""
    return Notification(
        kind=kind,
        game_id=order.game_id,
        order_id=order.order_id,
        user_id=order.user_id,
        product_id=order.product_id,
        arrived_status=order.arrived_status,
        created_at_s=order.created_at_s,
        paid_at_s=order.created_at_s if order.paid_at_s is None else order.paid_at_s,
        refund_status=order.refund_status,
        refunded_at_s=order.refunded_at_s,
    )


def _first_key(games: Sequence[GameRecord]) -> bytes | None:
    return next((game.game.shared_key for game in games if game.game.shared_key), None)


def _url_of(games: Sequence[GameRecord], game_id: str | None) -> str | None:
    wanted = (game.game.callback_url for game in games if game_id in (None, game.game.game_id))
    return next((url for url in wanted if url), None)
