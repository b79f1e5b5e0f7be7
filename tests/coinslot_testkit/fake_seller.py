"""A small portal that sells: a key set and a verification over a real socket, and tokens to go with them.

It answers with the contracts' own endpoints over a few orders in memory and records every request, like
`fake_portal`, whose `serve` runs it. Keys come from the sandbox's pool, so they are never trusted by default.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.portal import SigningKey
from coinslot_contracts.portals.playgama import PORTAL
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_testkit.tokens import encode
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

POOL = Path(__file__).resolve().parents[2] / "sandbox/coinslot_sandbox/data/test-keys.json"
NOW_S = 1_757_905_358
Private = RSAPrivateKey | EllipticCurvePrivateKey


@cache
def pool_key(number: int = 0, kind: str = "rsa_2048") -> Private:
    """A key of the sandbox's pool: kind "rsa_2048" (64 of them) or "p_256" (16)."""
    pem = json.loads(POOL.read_text("ascii"))[kind][number].encode()
    key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)  # they are ours, and many
    assert isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey)
    return key


def number(value: int, size: int | None = None) -> str:
    """A number as a member of a JWK."""
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8))


def jwk(key: Private, **members: Any) -> dict[str, Any]:
    """The public half as a JWK; members are added or, where None, left out."""
    if isinstance(key, RSAPrivateKey):
        rsa = key.public_key().public_numbers()
        entry: dict[str, Any] = {"kty": "RSA", "n": number(rsa.n), "e": number(rsa.e)}
    else:
        ec = key.public_key().public_numbers()
        size = (key.curve.key_size + 7) // 8
        entry = {"kty": "EC", "crv": "P-256", "x": number(ec.x, size), "y": number(ec.y, size)}
    return {name: value for name, value in {**entry, **members}.items() if value is not None}


def jwks(*entries: Any) -> bytes:
    """A key set of these entries."""
    return json.dumps({"keys": list(entries)}).encode()


def published(kid: str, key: Private, algorithm: str = "RS256") -> SigningKey:
    """A key as the seller's own key set has it."""
    spki_der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(kid=kid, algorithm=algorithm, spki_der=spki_der, jwk=jwk(key))


def sign(key: Private, signed: bytes) -> bytes:
    """RS256, or ES256 as r and s."""
    if isinstance(key, RSAPrivateKey):
        return key.sign(signed, PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(signed, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def purchase_token(
    claims: bytes | Mapping[str, Any] | None = None,
    *,
    kid: str | None = "k0",
    key: Private | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """A purchase token, good where nothing is given; header members are added or, where None, left out."""
    signer = key or pool_key()
    algorithm = "RS256" if isinstance(signer, RSAPrivateKey) else "ES256"
    members = {"alg": algorithm, "typ": "JWT", "kid": kid, **(header or {})}
    head = {name: value for name, value in members.items() if value is not None}
    signed = f"{encode(head)}.{encode(good_claims() if claims is None else claims)}"
    return f"{signed}.{encode(sign(signer, signed.encode()))}"


def good_claims(order_id: str = "order-1", external_id: str = "intent-1", **more: Any) -> dict[str, Any]:
    """What a token of a purchase says."""
    return {"orderId": order_id, "externalId": external_id, "iat": NOW_S - 60, **more}


def resigned(token: str, *, claims: Mapping[str, Any]) -> str:
    """The token with other claims under the old signature."""
    head, _, signature = token.split(".")
    return f"{head}.{encode(claims)}.{signature}"


def payload(token: str) -> dict[str, Any]:
    """The claims of a token, as sent."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class FakeSeller:
    """Orders, keys, requests and lies of the portal; `url` serves both of its addresses."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.keys: list[SigningKey] = [published("k0", pool_key())]
        self.requests: list[tuple[str, WireRequest]] = []
        self.lies: dict[str, Callable[[WireRequest], WireReply]] = {}
        self.reply_dialect: str | None = None
        self.spoken: dict[str, str] = {}
        self.url = ""
        self._lock = threading.Lock()

    # What an endpoint may ask (coinslot_contracts.portal.PortalView).

    def find_game(self, game_id: str) -> Game | None:  # noqa: ARG002 - this portal has none
        return None

    def find_order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def count_paid_orders(self, game_id: str) -> int:  # noqa: ARG002 - this portal lists none
        return 0

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:  # noqa: ARG002
        return ()

    def published_keys(self) -> Sequence[SigningKey]:
        return self.keys

    def dialect(self, name: str) -> str | None:
        return self.reply_dialect if name == "verify_reply" else self.spoken.get(name)

    def is_acknowledged(self, order_id: str) -> bool:
        return order_id not in self.orders

    # What a test does and asks.

    def sell(self, order_id: str = "order-1", external_id: str = "intent-1", **changes: Any) -> Order:
        """A paid order under an external id."""
        order = Order(
            order_id=order_id,
            game_id="",
            user_id="257",
            product_id="gems_100",
            created_at_s=NOW_S - 120,
            state="paid",
            paid_at_s=NOW_S - 60,
            external_id=external_id,
        )
        self.orders[order_id] = replace(order, **changes)
        return self.orders[order_id]

    def change(self, order_id: str, **changes: Any) -> None:
        """What became of an order."""
        self.orders[order_id] = replace(self.orders[order_id], **changes)

    def calls(self, endpoint: str) -> list[WireRequest]:
        """The requests to "jwks" or "verify" so far."""
        with self._lock:
            return [request for name, request in self.requests if name == f"playgama.{endpoint}"]

    def answer(self, request: WireRequest) -> WireReply | None:
        """The answer to a request; None where no endpoint has this method and path."""
        for endpoint in PORTAL.endpoints:
            if (endpoint.method, endpoint.path) == (request.method, request.path):
                with self._lock:
                    self.requests.append((endpoint.name, request))
                lie = self.lies.get(endpoint.name.removeprefix("playgama."))
                return lie(request) if lie else endpoint.answer(request, self).reply
        return None
