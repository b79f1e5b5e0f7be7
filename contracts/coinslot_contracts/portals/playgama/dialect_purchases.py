"""The manners in which Playgama may write a purchase, its token, and the purchase when it is listed later.

clauses   playgama:1; sandbox:purchase-header, sandbox:purchase-claims, sandbox:purchase-members,
          sandbox:purchase-money, sandbox:restored-purchases
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.dialects import Speak, TokenManner
from coinslot_contracts.domain import Order

ISSUER: Final = "https://playgama.com"
AUDIENCE: Final = "game"
LIFETIME_S: Final = 3600
GAM_PER_USD: Final = 10
_LEFT_OUT: Final[Mapping[str, str]] = {"alg-kid": "typ", "alg-typ": "kid"}


def algorithm(speak: Speak) -> str | None:
    """What new tokens are signed with; None for the default."""
    return "ES256" if speak("token_algorithm") == "es256" else None


def header(good: Mapping[str, Any], kid: str | None, speak: Speak) -> dict[str, Any]:  # noqa: ARG001 - a manner
    """The header without what is left out."""
    left_out = _LEFT_OUT.get(speak("token_header") or "")
    return {name: value for name, value in good.items() if name != left_out}


def say(good: Mapping[str, Any], order: Order, price: int, speak: Speak) -> dict[str, Any]:
    """The claims with fewer or more beside the two that are promised.

    clause   sandbox:purchase-claims
    """
    told = dict(good)
    if speak("token_claims") == "extra":
        told |= {"productId": order.product_id, "amount": price, "userId": order.user_id}
    if speak("token_issuer") == "iss-aud":
        told |= {"iss": ISSUER, "aud": AUDIENCE}
    if speak("token_lifetime") == "one-hour":
        told = {"exp": told["iat"] + LIFETIME_S, **told}
    if speak("token_claims") == "ids":
        del told["iat"]
    return told


def say_purchase(good: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    """The purchase object with its product and its money told otherwise."""
    told = {**_PRODUCTS[speak("purchase_product") or "id"](good), **good}
    if speak("purchase_product") == "product-id":
        del told["id"]
    if speak("purchase_external_id") == "absent":
        del told["externalId"]
    return _MONEY[speak("purchase_money") or "gam"](told)


def say_restored(good: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    """The row in which the client library lists a purchase that was not consumed yet.

    clause   sandbox:restored-purchases
    """
    token = {"jwt": good["jwt"]}
    rows = {
        "order-as-id": {"id": good["orderId"], "orderId": good["orderId"], "externalId": good["externalId"]},
        "id-only": {"id": good["id"]},
    }
    row = rows.get(speak("restored_row") or "") or say_purchase(good, speak)
    if speak("restored_jwt") == "absent":
        return {name: value for name, value in row.items() if name != "jwt"}
    return {**row, **token}


_PRODUCTS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "id": lambda good: {"id": good["id"]},
    "product-id": lambda good: {"productId": good["id"]},
    "both": lambda good: {"id": good["id"], "productId": good["id"]},
}
_MONEY: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "gam": dict,
    "gam-text": lambda told: {**told, "amount": str(told["amount"])},
    "usd": lambda told: {**told, "amount": told["amount"] / GAM_PER_USD, "currency": "USD"},
    "absent": lambda told: {
        name: value for name, value in told.items() if name not in ("amount", "currency")
    },
}

MANNER: Final = TokenManner(header=header, algorithm=algorithm)
