"""Sections 1 and 3.A: the purchase that the client hands over, and the signed token inside it.

clauses   playgama:1, playgama:3.A, playgama:4
"""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.domain import Order, PurchaseClaims
from coinslot_contracts.errors import Refused, TokenMalformed
from coinslot_contracts.fields import text
from coinslot_contracts.portal import PurchasePart
from coinslot_contracts.portals.playgama.dialect_purchases import MANNER, say, say_purchase, say_restored
from coinslot_contracts.portals.playgama.jwks import parse_jwks
from coinslot_contracts.portals.playgama.verify import REPLIES, dump_target, parse_reply

ALGORITHM: Final = "RS256"
ALGORITHMS: Final = ("RS256", "ES256")
EXTERNAL_ID_CHARS_MAX: Final = 1024


def header(kid: str) -> dict[str, Any]:
    """The JOSE header of a purchase token; the key is found by its id (sandbox:purchase-header)."""
    return {"alg": ALGORITHM, "typ": "JWT", "kid": kid}


def claims(*, order: Order, issued_at_s: int) -> dict[str, Any]:
    """The claims of a purchase token: the two that the document promises, and iat.

    No exp, iss or aud: the document promises none (sandbox:purchase-claims).
    clause   playgama:1 (lines 13-17)
    """
    return {"orderId": order.order_id, "externalId": order.external_id, "iat": issued_at_s}


def purchase(*, order: Order, price: int, token: str) -> dict[str, Any]:
    """The purchase object as the client library hands it to the game.

    clause   playgama:1 (lines 7-11): product, amount, currency, token; sandbox:purchase-members
    """
    return {
        "id": order.product_id,
        "status": "PAID",
        "orderId": order.order_id,
        "externalId": order.external_id,
        "amount": price,
        "currency": "Gam",
        "jwt": token,
    }


def parse_claims(token_claims: Mapping[str, Any]) -> PurchaseClaims:
    """Read the claims of a purchase token whose signature was checked.

    errors   TokenMalformed where orderId or externalId is missing or no text
    clause   playgama:1, playgama:3.A
    """
    try:
        return PurchaseClaims(
            order_id=text(token_claims, "orderId", chars_max=255),
            external_id=text(token_claims, "externalId", chars_max=EXTERNAL_ID_CHARS_MAX),
            claims=dict(token_claims),
        )
    except Refused as error:
        raise TokenMalformed(f"the purchase token cannot be used: {error.detail}") from None


PURCHASES: Final = PurchasePart(
    algorithm=ALGORITHM,
    algorithms=ALGORITHMS,
    key_endpoint="playgama.jwks",
    verify_endpoint="playgama.verify",
    header=header,
    claims=claims,
    purchase=purchase,
    parse_keys=parse_jwks,
    parse_claims=parse_claims,
    verify_target=dump_target,
    verify_replies=tuple(REPLIES),
    parse_verify=parse_reply,
    clause="playgama:3.A",
    clauses={
        "key": "playgama:2",
        "key-form": "sandbox:jwks-members",
        "user": "playgama:1",
        "audience": "sandbox:purchase-claims",
        "kid": "sandbox:purchase-header",
    },
    manner=MANNER,
    say=say,
    say_purchase=say_purchase,
    say_restored=say_restored,
)
