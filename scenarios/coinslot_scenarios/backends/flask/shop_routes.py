"""The two addresses that the game's client uses for purchases of Playgama.

    POST /playgama/intents   {productId}           -> 200 {externalId}
    POST /playgama/purchase  {jwt, externalId?}    -> 200 {status: granted, productId} | 202 {status: pending}

Both want the session of the login as `Authorization: Bearer`. 400 and 403 are final; after 503, try again.
"""

import json
from typing import Any

from coinslot_verifier import GrantOutcome, PurchaseNotPaid, Refused, TokenMalformed, Undecided
from flask import Blueprint, Response, jsonify, request
from shop import Shop

RETRY_AFTER_S = "1"
Answer = tuple[Response, int] | tuple[Response, int, dict[str, str]]


def shop_routes(shop: Shop) -> Blueprint:
    routes = Blueprint("playgama", __name__, url_prefix="/playgama")

    @routes.post("/intents")
    def open_purchase() -> Answer:
        user_id = shop.player(bearer())
        if user_id is None:
            return jsonify(error="session-invalid"), 401
        external_id = shop.open_purchase(user_id, members(request.get_data()).get("productId"))
        if external_id is None:
            return jsonify(error="product-unknown"), 400
        return jsonify(externalId=external_id), 200

    @routes.post("/purchase")
    def buy() -> Answer:
        user_id = shop.player(bearer())
        if user_id is None:
            return jsonify(error="session-invalid"), 401
        sent = members(request.get_data())
        try:
            settlement = shop.buy(user_id, sent.get("jwt"), sent.get("externalId"))
        except PurchaseNotPaid:  # not yet, or not any more: the same purchase may be sent again
            return jsonify(status="pending"), 202
        except Undecided as error:
            return jsonify(error=error.code), 503, {"Retry-After": RETRY_AFTER_S}
        except Refused as error:
            return jsonify(error=error.code), 400 if isinstance(error, TokenMalformed) else 403
        if settlement.outcome is GrantOutcome.REFUNDED_BEFORE:
            return jsonify(error="refunded"), 403
        return jsonify(status="granted", productId=settlement.product_id), 200

    return routes


def bearer() -> str:
    """The session in the Authorization header; "" where there is none, which is nobody's."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def members(body: bytes) -> dict[str, Any]:
    """The members of a JSON object, none for any bytes that hold no such thing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
