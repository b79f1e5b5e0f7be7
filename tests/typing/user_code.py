"""A backend as a user would type it; mypy --strict finds nothing in it (test_typing.py)."""

import os
from collections.abc import Mapping

from coinslot_verifier import (
    GrantOutcome,
    Identity,
    IdentityVerifier,
    Ledger,
    Notification,
    NotificationVerifier,
    PortalClient,
    PurchaseVerifier,
    Refused,
    Settlement,
    Undecided,
    VerifierConfig,
    WireReply,
    open_engine,
)
from coinslot_verifier.adapters import asgi, wsgi
from coinslot_verifier.adapters.flask import callback_view, identity_required
from flask import Flask, Response

CONFIG: VerifierConfig = VerifierConfig.from_env(os.environ, portal="jogos")
IDENTITIES = IdentityVerifier(CONFIG)
NOTIFICATIONS = NotificationVerifier(CONFIG)
LEDGER = Ledger(open_engine("sqlite://"), portal="jogos", game_id=CONFIG.game_id)
app = Flask(__name__)


def log_in(token: object) -> str | None:
    try:
        identity: Identity = IDENTITIES.verify(token)
    except Refused as error:
        code: str = error.code
        return None if code else error.remedy
    except Undecided:
        raise
    issued_at_s: int | None = identity.issued_at_s
    return identity.user_id if issued_at_s else identity.username


def notified(headers: Mapping[str, str], body: bytes) -> WireReply:
    notification: Notification = NOTIFICATIONS.verify(headers, body)
    with LEDGER.begin() as connection:
        settlement: Settlement = LEDGER.apply(notification, connection)
        if settlement.outcome is GrantOutcome.GRANTED:
            quantities: dict[str, int] = LEDGER.quantities(settlement.user_id)
            quantities.clear()
    return NOTIFICATIONS.accepted()


def paid_orders() -> list[str]:
    return [order.order_id for order in PortalClient(CONFIG).list_orders(page_size=100)]


def bought(jwt: object, external_id: str) -> str:
    return PurchaseVerifier(CONFIG).verify(jwt, external_id).order_id


@app.get("/items/<product_id>")
@identity_required(IDENTITIES)
def items(identity: Identity, product_id: str) -> dict[str, int]:
    return {product_id: LEDGER.quantities(identity.user_id).get(product_id, 0)}


async def later(notification: Notification) -> None:
    """An asynchronous handle, for ASGI alone."""


view: Response = callback_view(NOTIFICATIONS, LEDGER.apply)()
application = wsgi.CallbackApp(NOTIFICATIONS, LEDGER.apply)
asynchronous = asgi.CallbackApp(NOTIFICATIONS, later, body_bytes_max=65_536)
