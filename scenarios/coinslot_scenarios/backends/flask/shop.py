"""What this game does with purchases of Playgama: open one, and give the item when it is proven and paid.

Everything hard is the verifier's, as in `game.py`. Each method is one decision, so that `bugs_shop.py` can
spoil exactly one of them. Sessions and items are the game's, whichever portal a player paid through.
"""

import time

import store
from coinslot_verifier import (
    ExternalIdMismatch,
    GrantOutcome,
    Intent,
    Intents,
    Ledger,
    Purchase,
    PurchaseClaims,
    PurchaseVerifier,
    RevokeOutcome,
    Settlement,
    VerifierConfig,
    reverify,
)
from sqlalchemy import Connection, Engine

PRODUCTS = ("gems_100", "gems_200")


class Shop:
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        self.config = config
        self.purchases = PurchaseVerifier(config)
        self.ledger = Ledger(engine, portal=config.portal)
        self.intents = Intents(engine, portal=config.portal)
        self.ledger.create_tables()
        store.create_tables(engine)

    def player(self, session: str) -> str | None:
        """Whose session this is; what a client says of itself is not asked."""
        with self.ledger.begin() as connection:
            return store.find_session(connection, session)

    def open_purchase(self, user_id: str, product_id: object) -> str | None:
        """The external id to begin a purchase with; None for what we do not sell."""
        return self.intents.open(user_id, product_id) if product_id in PRODUCTS else None

    def buy(self, user_id: str, jwt: object, external_id: object) -> Settlement:
        """Give what a purchase is for, once; where it cannot be given, nothing is remembered against it."""
        claims = self.check_token(jwt)
        intent = self.find_intent(user_id, claims, external_id)
        given = self.find_given(claims)
        if given is not None:
            return given
        self.confirm(claims)
        return self.give(claims, intent)

    def check_token(self, jwt: object) -> PurchaseClaims:
        return self.purchases.check_token(jwt)

    def find_intent(self, user_id: str, claims: PurchaseClaims, external_id: object) -> Intent:
        """What this player opened under the token's id. The token names neither player nor product: we do."""
        if external_id is not None and external_id != claims.external_id:
            raise ExternalIdMismatch("the client names another purchase than its token")
        intent = self.intents.find(claims.external_id)
        if intent is None:
            raise ExternalIdMismatch("nobody opened a purchase of this id here")
        if intent.user_id != user_id:
            raise ExternalIdMismatch("another player opened this purchase")
        return intent

    def find_given(self, claims: PurchaseClaims) -> Settlement | None:
        """A client that did not hear our answer asks again; the portal need not be bothered twice."""
        return self.ledger.find_grant(claims.order_id)

    def confirm(self, claims: PurchaseClaims) -> None:
        self.purchases.confirm(claims)

    def give(self, claims: PurchaseClaims, intent: Intent) -> Settlement:
        """The ledger's row and the item in one transaction: both or neither."""
        purchase = Purchase(order_id=claims.order_id, external_id=claims.external_id, claims=claims.claims)
        with self.ledger.begin() as connection:
            settlement = self.ledger.grant_purchase(
                purchase, user_id=intent.user_id, product_id=intent.product_id, connection=connection
            )
            self.move_items(connection, settlement)
        return settlement

    def move_items(self, connection: Connection, settlement: Settlement) -> None:
        change = {GrantOutcome.GRANTED: +1, RevokeOutcome.REVOKED: -1}.get(settlement.outcome)
        if change is not None:
            store.move_item(
                connection,
                user_id=settlement.user_id,
                product_id=settlement.product_id,
                order_id=settlement.order_id,
                quantity=change,
            )

    def check_again(self) -> list[Settlement]:
        """Refunds and chargebacks: nobody tells us, so ask. A real server does this from a timer."""
        return reverify(
            self.ledger,
            self.purchases,
            at_s=time.time(),
            every_s=0,
            retry_s=0,
            limit=1000,
            on_change=self.move_items,
        )
