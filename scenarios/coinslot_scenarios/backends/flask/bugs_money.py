"""Seeded bugs of the money: notifications, refunds, reconciliation and the report of delivery."""

import json
import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import requests
import store
from bug import seeded
from coinslot_verifier import (
    ConfirmUnavailable,
    FieldMissing,
    GrantOutcome,
    ListedOrder,
    Notification,
    NotificationVerifier,
    Settlement,
    VerifierConfig,
    WireReply,
)
from game import Game
from sqlalchemy import Connection, Engine, select

LOOKUP_S = 0.02


@seeded(
    "answers a notification with the text OK, which is not the documented answer", clause="jogos:iap.1.resp"
)
class AnswersPlainOk(Game):
    def acknowledge(self) -> WireReply:
        return WireReply(headers=(("Content-Type", "text/plain"),), body=b"OK")


@seeded(
    "checks the signature over the body as it writes it anew, not as it arrived", clause="jogos:iap.1.auth"
)
class SignsReserialisedBody(Game):
    def read_notification(self, signature: str | None, body: bytes) -> Notification:
        with suppress(ValueError):
            body = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
        return super().read_notification(signature, body)


@seeded("checks a signature only where there is one", clause="jogos:iap.1.auth")
class MissingSignatureAccepted(Game):
    def read_notification(self, signature: str | None, body: bytes) -> Notification:
        return super().read_notification(signature or right_signature(self.config, body), body)


@seeded("does not check the signature", clause="jogos:iap.1.auth")
class SignatureNotChecked(Game):
    def read_notification(self, signature: str | None, body: bytes) -> Notification:  # noqa: ARG002
        return super().read_notification(right_signature(self.config, body), body)


def right_signature(config: VerifierConfig, body: bytes) -> str:
    """What the signature should have been; using it is how the check is left out."""
    return config.notices_part().sign(body, config.shared_keys[0])


@seeded("reads the fields without asking whether they are there, and crashes", clause="jogos:iap.1.err")
class MissingFieldCrashes(Game):
    def read_notification(self, signature: str | None, body: bytes) -> Notification:
        try:
            return super().read_notification(signature, body)
        except FieldMissing as error:
            raise KeyError(error.detail) from None


@seeded("does not compare the notification's game with its own", clause="jogos:iap.1.err")
class CallbackGameNotCompared(Game):
    def read_notification(self, signature: str | None, body: bytes) -> Notification:
        try:
            game_id = str(json.loads(body)["gameId"])
        except (KeyError, TypeError, ValueError):
            return super().read_notification(signature, body)
        anybodys = NotificationVerifier(replace(self.config, game_id=game_id or self.config.game_id))
        return replace(anybodys.verify(signature, body), game_id=self.config.game_id)


@seeded("grants to the player who logged in last, not to the one who paid", clause="jogos:iap.1.fields")
class GrantsToLastLogin(Game):
    last_user_id: str | None = None

    def identify(self, token: object) -> str:
        self.last_user_id = super().identify(token)
        return self.last_user_id

    def move_items(self, connection: Connection, settlement: Settlement) -> None:
        if settlement.outcome is GrantOutcome.GRANTED and self.last_user_id is not None:
            settlement = replace(settlement, user_id=self.last_user_id)
        super().move_items(connection, settlement)


@seeded(
    "looks whether the order was granted and grants it afterwards, with a gap between the two",
    clause="sandbox:at-least-once",
)
class FindThenInsert(Game):
    def settle(self, notification: Notification) -> None:
        if notification.kind != "pay":
            super().settle(notification)
            return
        with self.ledger.begin() as connection:
            found = connection.execute(
                select(store.ITEMS.c.id).where(store.ITEMS.c.order_id == notification.order_id)
            ).first()
        time.sleep(LOOKUP_S)  # stands for what a game looks up here: the player, the catalogue
        if found is not None:
            return
        with self.ledger.begin() as connection:
            settlement = self.ledger.apply(notification, connection)
            if settlement.outcome is GrantOutcome.ALREADY_GRANTED:
                settlement = replace(settlement, outcome=GrantOutcome.GRANTED)
            self.move_items(connection, settlement)


@seeded(
    "does not read paytype, so that a refund's new refundStatus makes it one more payment",
    clause="jogos:iap.4",
)
class RefundPaysAgain(Game):
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        super().__init__(config, engine)
        self._paid: set[tuple[str, int | None]] = set()
        self._lock = threading.Lock()

    def settle(self, notification: Notification) -> None:
        if notification.kind == "pay":
            super().settle(notification)
            return
        key = (notification.order_id, notification.refund_status)
        with self._lock, self.ledger.begin() as connection:
            if key not in self._paid:
                self._paid.add(key)
                store.move_item(
                    connection,
                    user_id=notification.user_id,
                    product_id=notification.product_id,
                    order_id=notification.order_id,
                    quantity=+1,
                )


@seeded("writes a refund to the log and leaves the item with the player", clause="jogos:iap.4")
class RefundOnlyLogged(Game):
    def settle(self, notification: Notification) -> None:
        if notification.kind == "refund":
            logging.getLogger("game").warning("refund of order %s", notification.order_id)
            return
        super().settle(notification)


@seeded("asks for the first page of orders and takes it for all of them", clause="jogos:iap.3")
class FirstPageOnly(Game):
    def list_orders(self) -> Iterable[ListedOrder]:
        return islice(self.portal.list_orders(page_size=20), 20)


@seeded("never reports an order as delivered", clause="jogos:iap.2")
class NeverConfirms(Game):
    def confirm(self, order_id: str) -> None:
        pass


@seeded("signs one spelling of the report of delivery and sends another", clause="jogos:iap.2")
class ConfirmsInOtherSpelling(Game):
    def confirm(self, order_id: str) -> None:
        part = self.config.reports_part()
        signed = part.arrived(self.config.game_id, order_id)
        sent = json.dumps(json.loads(signed)).encode()
        headers = dict(part.headers(signed, self.config.shared_keys[0]))
        url = self.config.endpoint_url(part.arrived_endpoint)
        try:
            part.check(requests.post(url, data=sent, headers=headers, timeout=3).content)
        except requests.RequestException as error:
            raise ConfirmUnavailable(f"the portal could not be asked: {type(error).__name__}") from None
