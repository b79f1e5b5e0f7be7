"""What this game does at each step of a login, a notification and a reconciliation.

Everything hard is the verifier's: this file only puts its calls in the right order. Each method is one
decision, so that `bugs.py` can spoil exactly one of them.
"""

from collections.abc import Iterable

import store
from coinslot_verifier import (
    CoinslotError,
    GrantOutcome,
    IdentityVerifier,
    Ledger,
    ListedOrder,
    Notification,
    NotificationVerifier,
    PortalClient,
    ReconcileRun,
    RevokeOutcome,
    Settlement,
    VerifierConfig,
    WireReply,
    run_reconcile,
)
from sqlalchemy import Connection, Engine


class Game:
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        self.config = config
        self.engine = engine
        self.identities = IdentityVerifier(config)
        self.notifications = NotificationVerifier(config)
        self.portal = PortalClient(config)
        self.ledger = Ledger(engine, portal=config.portal, game_id=config.game_id)
        self.ledger.create_tables()
        store.create_tables(engine)

    def log_in(self, token: object) -> tuple[str, str]:
        """Exchange a portal's token for our own user id and session."""
        user_id = self.identify(token)
        with self.ledger.begin() as connection:
            return user_id, store.open_session(connection, user_id)

    def identify(self, token: object) -> str:
        """The portal's id of the player; never the name, which changes, and never what the client says."""
        return self.identities.verify(token).user_id

    def notified(self, signature: str | None, body: bytes) -> WireReply:
        """Do what a notification says, commit, and only then answer."""
        try:
            self.settle(self.read_notification(signature, body))
        except CoinslotError as error:
            return self.notifications.reply_for(error)
        return self.acknowledge()

    def read_notification(self, signature: str | None, body: bytes) -> Notification:
        return self.notifications.verify(signature, body)

    def acknowledge(self) -> WireReply:
        return self.notifications.accepted()

    def settle(self, notification: Notification) -> None:
        """The ledger's row and the item in one transaction: both or neither."""
        with self.ledger.begin() as connection:
            self.move_items(connection, self.ledger.apply(notification, connection))

    def move_items(self, connection: Connection, settlement: Settlement) -> None:
        """Give what was granted just now, take what was revoked just now; anything else was done before."""
        change = {GrantOutcome.GRANTED: +1, RevokeOutcome.REVOKED: -1}.get(settlement.outcome)
        if change is not None:
            store.move_item(
                connection,
                user_id=settlement.user_id,
                product_id=settlement.product_id,
                order_id=settlement.order_id,
                quantity=change,
            )

    def reconcile(self) -> ReconcileRun:
        """Ask the portal which orders are paid, and make up for every notification that was lost."""
        return run_reconcile(self.ledger, self, on_change=self.move_items)

    def list_orders(self) -> Iterable[ListedOrder]:
        return self.portal.list_orders()

    def confirm(self, order_id: str) -> None:
        """Tell the portal that an order was delivered; called by the outbox worker, long after the commit."""
        self.portal.confirm(order_id)

    def items(self, user_id: str) -> list[dict[str, object]]:
        with self.ledger.begin() as connection:
            return store.list_items(connection, user_id)
