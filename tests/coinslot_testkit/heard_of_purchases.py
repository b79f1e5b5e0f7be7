"""Which variant of each dialect of Playgama is heard on the wire, by name of the dialect.

Tokens and key sets are read by PyJWT.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import jwt
from coinslot_testkit.dialect_ears import under
from coinslot_testkit.purchase_shop import JWKS, PurchaseShop
from coinslot_testkit.sandbox_client import Reply

PRICE = 25
PRODUCT = "gems_250"


def paid_order(bazaar: PurchaseShop, **wish: Any) -> dict[str, Any]:
    """A paid order of player 257 with a price that is known."""
    product = {"product_id": PRODUCT, "title": "gems", "price": PRICE}
    bazaar.client.done("POST", "/products", product)
    player = bazaar.client.player(user_id="257", username="someone")
    return dict(bazaar.order(player=player, product=PRODUCT, **wish))


def purchase_of(bazaar: PurchaseShop, order: dict[str, Any], *, restored: bool = False) -> dict[str, Any]:
    """The purchase object as the client gets it, or finds it later."""
    body = {"order": order["order_id"], "restored": restored}
    return dict(bazaar.client.done("POST", "/purchases", body)["purchase"])


def key_set(bazaar: PurchaseShop) -> Reply:
    """The key set's answer."""
    return bazaar.client.send("GET", bazaar.url + JWKS)


def token_of(bazaar: PurchaseShop, order: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a purchase's token, under whichever published key verifies it."""
    token = purchase_of(bazaar, order)["jwt"]
    header = jwt.get_unverified_header(token)
    for entry in jwt.PyJWKSet.from_json(key_set(bazaar).body.decode()).keys:
        try:
            return header, under(entry.key, token, header["alg"])
        except (jwt.InvalidSignatureError, TypeError, jwt.InvalidKeyError):
            continue
    raise AssertionError("no published key verifies this token")


def purchase_product(bazaar: PurchaseShop) -> str:
    """The members that name the product."""
    told = purchase_of(bazaar, paid_order(bazaar))
    named = tuple(name for name, value in told.items() if value == PRODUCT)
    return {("id",): "id", ("productId",): "product-id", ("id", "productId"): "both"}[tuple(sorted(named))]


def purchase_money(bazaar: PurchaseShop) -> str:
    """amount and currency."""
    told = purchase_of(bazaar, paid_order(bazaar))
    known = {
        (PRICE, "Gam"): "gam",
        (str(PRICE), "Gam"): "gam-text",
        (PRICE / 10, "USD"): "usd",
        (None, None): "absent",
    }
    return known[told.get("amount"), told.get("currency")]


def purchase_external_id(bazaar: PurchaseShop) -> str:
    """In the object; the token has it always."""
    order = paid_order(bazaar, external_id="intent-1")
    assert token_of(bazaar, order)[1]["externalId"] == "intent-1"
    return {"intent-1": "present", None: "absent"}[purchase_of(bazaar, order).get("externalId")]


def restored_jwt(bazaar: PurchaseShop) -> str:
    """In the row; the object of the first time has it always."""
    order = paid_order(bazaar)
    assert purchase_of(bazaar, order)["jwt"].count(".") == 2
    return "present" if "jwt" in purchase_of(bazaar, order, restored=True) else "absent"


def restored_row(bazaar: PurchaseShop) -> str:
    """What a row has beside its token."""
    order = paid_order(bazaar)
    first, row = (purchase_of(bazaar, order, restored=later) for later in (False, True))
    first.pop("jwt")
    row.pop("jwt")
    ids = {"id": order["order_id"], "orderId": order["order_id"], "externalId": order["external_id"]}
    known = {"purchase": first, "order-as-id": ids, "id-only": {"id": PRODUCT}}
    (name,) = [name for name, members in known.items() if members == row]
    return name


def order_id_form(bazaar: PurchaseShop) -> str:
    """orderId inside the token."""
    order_id = token_of(bazaar, paid_order(bazaar))[1]["orderId"]
    forms = {
        r"[1-9]\d{17}": "digits",
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "uuid",
        r"[A-Za-z0-9]{30}": "letters-and-digits",
        r"[A-Za-z0-9]{200}": "long",
    }
    (name,) = [name for form, name in forms.items() if re.fullmatch(form, order_id)]
    return name


def token_algorithm(bazaar: PurchaseShop) -> str:
    """alg, and that a published key of its kind verifies."""
    header, claims = token_of(bazaar, paid_order(bazaar))
    assert claims["orderId"]
    (kind,) = [key["kty"] for key in bazaar.key_set() if key["kid"] == header["kid"]]
    return {("RS256", "RSA"): "rs256", ("ES256", "EC"): "es256"}[header["alg"], kind]


def token_header(bazaar: PurchaseShop) -> str:
    """Which members the header has."""
    header, _ = token_of(bazaar, paid_order(bazaar))
    assert header.get("typ", "JWT") == "JWT"
    assert header.get("kid") in {None, *(key["kid"] for key in bazaar.key_set())}
    return "-".join(name for name in ("alg", "typ", "kid") if name in header)


def token_lifetime(bazaar: PurchaseShop) -> str:
    """exp."""
    _, claims = token_of(bazaar, paid_order(bazaar))
    assert abs(claims["iat"] - time.time()) < 60
    return {None: "endless", claims["iat"] + 3600: "one-hour"}[claims.get("exp")]


def token_issuer(bazaar: PurchaseShop) -> str:
    """iss and aud."""
    _, claims = token_of(bazaar, paid_order(bazaar))
    told = claims.get("iss"), claims.get("aud")
    return {(None, None): "absent", ("https://playgama.com", "game"): "iss-aud"}[told]


def token_claims(bazaar: PurchaseShop) -> str:
    """What the token claims beside the two ids."""
    order = paid_order(bazaar)
    _, claims = token_of(bazaar, order)
    assert (claims.pop("orderId"), claims.pop("externalId")) == (order["order_id"], order["external_id"])
    if set(claims) == {"iat", "productId", "amount", "userId"}:
        assert (claims["productId"], claims["amount"], claims["userId"]) == (PRODUCT, PRICE, "257")
        return "extra"
    return {("iat",): "ids-iat", (): "ids"}[tuple(claims)]


def key_members(bazaar: PurchaseShop) -> str:
    """What a key says of itself beside its numbers."""
    (key,) = [key for key in bazaar.key_set() if key["kid"] == bazaar.signing_kid()]
    assert key.get("use", "sig") == "sig"
    assert key.get("alg", "RS256") == "RS256"
    said = tuple(name for name in ("use", "alg") if name in key)
    return {("use", "alg"): "use-alg", ("use",): "use", ("alg",): "alg", (): "kid"}[said]


def key_type(bazaar: PurchaseShop) -> str:
    """Content-Type of the key set."""
    known = {"application/json": "json", "application/jwk-set+json": "jwk-set", "text/plain": "text"}
    return known[key_set(bazaar).headers["Content-Type"]]


def cache_control(bazaar: PurchaseShop) -> str:
    """Cache-Control of the key set."""
    known = {None: "absent", "public, max-age=3600": "one-hour", "no-store": "no-store"}
    return known[key_set(bazaar).headers.get("Cache-Control")]


def _answers(bazaar: PurchaseShop) -> list[Reply]:
    """Of a paid purchase, and of a pending one."""
    return [bazaar.verify(paid_order(bazaar, paid=paid)) for paid in (True, False)]


def verify_reply(bazaar: PurchaseShop) -> str:
    """The whole answers."""
    told = [reply.json for reply in _answers(bazaar)]
    known: dict[str, list[dict[str, Any]]] = {
        "success": [{"success": True}, {"success": False, "errorMessage": "the payment is pending"}],
        "status": [{"status": "PAID"}, {"status": "PENDING"}],
        "verified": [{"verified": True}, {"verified": False}],
    }
    (name,) = [name for name, bodies in known.items() if bodies == told]
    return name


def verify_value(bazaar: PurchaseShop) -> str:
    """How yes and no are written; a text is none of them."""
    told = [reply.body for reply in _answers(bazaar)]
    known = {
        "boolean": (b'{"success":true}', b'{"success":false,'),
        "text": (b'{"success":"true"}', b'{"success":"false",'),
        "number": (b'{"success":1}', b'{"success":0,'),
    }
    assert told[1].endswith(b'"errorMessage":"the payment is pending"}')
    (name,) = [name for name, (yes, no) in known.items() if told[0] == yes and told[1].startswith(no)]
    return name


def verify_details(bazaar: PurchaseShop) -> str:
    """What stands beside the yes."""
    order = paid_order(bazaar)
    told = bazaar.verify(order).json
    assert told.pop("success") is True
    ids = {"orderId": order["order_id"], "externalId": order["external_id"], "productId": PRODUCT}
    (name,) = [name for name, extra in (("absent", {}), ("present", ids)) if extra == told]
    return name


def verify_unknown(bazaar: PurchaseShop) -> str:
    """The HTTP status for a purchase that there is not, in three ways; a pending one is there."""
    order = paid_order(bazaar)
    asked = [({"orderId": "nothing"}, order), ({"externalId": "nothing"}, order)]
    asked.append(({}, paid_order(bazaar, verify="not_found")))
    replies = [bazaar.verify(about, **override) for override, about in asked]
    assert [reply.json["success"] for reply in replies] == [False] * 3
    assert [reply.status for reply in _answers(bazaar)] == [200, 200]
    (status,) = {reply.status for reply in replies}
    return f"http-{status}"


def verify_missing(bazaar: PurchaseShop) -> str:
    """The HTTP status for a question that lacks an id."""
    order = paid_order(bazaar)
    replies = [bazaar.verify(order, **{name: None}) for name in ("orderId", "externalId")]
    assert [json.loads(reply.body)["success"] for reply in replies] == [False] * 2
    (status,) = {reply.status for reply in replies}
    return f"http-{status}"


HEARD_OF_PURCHASES: dict[str, Callable[[PurchaseShop], str]] = {
    look.__name__: look
    for look in (
        purchase_product,
        purchase_money,
        purchase_external_id,
        restored_jwt,
        restored_row,
        order_id_form,
        token_algorithm,
        token_header,
        token_lifetime,
        token_issuer,
        token_claims,
        key_members,
        key_type,
        cache_control,
        verify_reply,
        verify_value,
        verify_details,
        verify_unknown,
        verify_missing,
    )
}
