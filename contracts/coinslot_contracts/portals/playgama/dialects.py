"""Every dialect of Playgama: what its page leaves open, and each way in one sentence.

In the order of the page: the purchase and its token (section 1), the key set (section 2), verification (3.B).
"""

from collections.abc import Mapping
from typing import Final

from coinslot_contracts.dialects import Dialect
from coinslot_contracts.order_ids import ORDER_ID_FORM

PURCHASES: Final[Mapping[str, Dialect]] = {
    "purchase_product": Dialect(
        clause="sandbox:purchase-members",
        variants={
            "id": "The purchase names its product in id, as the published bridge passes it on.",
            "product-id": "It names its product in productId.",
            "both": "It names its product in both.",
        },
    ),
    "purchase_money": Dialect(
        clause="sandbox:purchase-money",
        variants={
            "gam": "amount is a whole number and currency Gam, the portal's own.",
            "gam-text": "amount is that number as a string.",
            "usd": "currency is USD and amount a tenth of the number.",
            "absent": "There is neither amount nor currency.",
        },
    ),
    "purchase_external_id": Dialect(
        clause="sandbox:purchase-members",
        variants={
            "present": "The purchase has the externalId with which it was opened.",
            "absent": "It has none; the token inside it does.",
        },
    ),
    "restored_jwt": Dialect(
        clause="sandbox:restored-purchases",
        variants={
            "present": "A purchase that is listed later still has its token.",
            "absent": "A purchase that is listed later has no token.",
        },
    ),
    "restored_row": Dialect(
        clause="sandbox:restored-purchases",
        variants={
            "purchase": "A purchase that is listed later has the members of the first time.",
            "order-as-id": "Its id is the order's, and it names no product.",
            "id-only": "It has nothing but the product's id.",
        },
    ),
    "order_id_form": ORDER_ID_FORM,
}

TOKENS: Final[Mapping[str, Dialect]] = {
    "token_algorithm": Dialect(
        clause="sandbox:purchase-header",
        variants={
            "rs256": "New purchase tokens are signed with an RSA key, RS256.",
            "es256": "They are signed with a P-256 key, ES256, which is published beside the others.",
        },
    ),
    "token_header": Dialect(
        clause="sandbox:purchase-header",
        variants={
            "alg-typ-kid": "The token's header names the algorithm, typ JWT and the key.",
            "alg-kid": "It names the algorithm and the key.",
            "alg-typ": "It does not name the key.",
        },
    ),
    "token_lifetime": Dialect(
        clause="sandbox:purchase-claims",
        variants={
            "endless": "There is no exp.",
            "one-hour": "exp is iat and 3,600 s.",
        },
    ),
    "token_issuer": Dialect(
        clause="sandbox:purchase-claims",
        variants={
            "absent": "There is neither iss nor aud.",
            "iss-aud": "iss is https://playgama.com and aud is game.",
        },
    ),
    "token_claims": Dialect(
        clause="sandbox:purchase-claims",
        variants={
            "ids-iat": "The token claims orderId, externalId and iat.",
            "ids": "It claims orderId and externalId alone.",
            "extra": "It also claims productId, amount and userId.",
        },
    ),
}

KEY_SET: Final[Mapping[str, Dialect]] = {
    "key_members": Dialect(
        clause="sandbox:jwks-members",
        variants={
            "use-alg": "A key of the set says kid, use and alg.",
            "use": "It says kid and use, but no alg.",
            "alg": "It says kid and alg, but no use.",
            "kid": "It says kid alone.",
        },
    ),
    "key_type": Dialect(
        clause="sandbox:jwks-type",
        variants={
            "json": "The key set is application/json.",
            "jwk-set": "It is application/jwk-set+json, as RFC 7517 registers.",
            "text": "It is text/plain.",
        },
    ),
    "cache_control": Dialect(
        clause="sandbox:jwks-cache-control",
        variants={
            "absent": "The key set says nothing of caches.",
            "one-hour": "It says Cache-Control: public, max-age=3600.",
            "no-store": "It says Cache-Control: no-store.",
        },
    ),
}

VERIFY: Final[Mapping[str, Dialect]] = {
    "verify_reply": Dialect(
        clause="sandbox:verify-reply",
        variants={
            "success": "The answer is success true, or success false with an errorMessage.",
            "status": "It is a status word, PAID where the purchase is paid.",
            "verified": "It is verified true or false.",
        },
    ),
    "verify_value": Dialect(
        clause="sandbox:verify-value",
        variants={
            "boolean": "true and false are JSON's own.",
            "text": 'They are the strings "true" and "false".',
            "number": "They are 1 and 0.",
        },
    ),
    "verify_details": Dialect(
        clause="sandbox:verify-value",
        variants={
            "absent": "The answer holds nothing else.",
            "present": "It repeats orderId and externalId, and names productId.",
        },
    ),
    "verify_unknown": Dialect(
        clause="sandbox:verify-unknown",
        variants={
            "http-200": "A purchase that there is not is answered with HTTP 200 and a no.",
            "http-404": "It is answered with HTTP 404 and the same body.",
        },
    ),
    "verify_missing": Dialect(
        clause="sandbox:verify-missing-parameter",
        variants={
            "http-400": "A question without one of its ids is answered with HTTP 400 and a no.",
            "http-200": "It is answered with HTTP 200 and a no.",
        },
    ),
}

DIALECTS: Final[Mapping[str, Dialect]] = {**PURCHASES, **TOKENS, **KEY_SET, **VERIFY}
