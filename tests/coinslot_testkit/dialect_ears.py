"""What a test hears of a portal: notifications, answers and tokens as bytes, read by other people's tools.

Shares no code with the sandbox: sockets by urllib3 and http.server, JSON, SHA-1 and gzip of the standard
library, tokens and keys by PyJWT and cryptography.
"""

import base64
import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from coinslot_testkit.recording_backend import Arrival, RecordingBackend
from coinslot_testkit.sandbox_client import Reply, SandboxClient
from cryptography.hazmat.primitives.serialization import load_der_public_key

SHARED_KEY = "kéy of a gäme"
BASE64 = re.compile(r"[A-Za-z0-9+/=]{8,}")
ARRIVED = "/api/gamepay/webhook/arrivedorder"
GET_ORDERS = "/api/gamepay/getOrders"


@dataclass(slots=True)
class Ears:
    """A player, a backend and a developer beside one sandbox; every order is of a game of its own."""

    client: SandboxClient
    backend: RecordingBackend
    _games: Iterator[int] = field(default_factory=lambda: itertools.count(5000))

    def tell(self, portal: str, **choices: str | None) -> None:
        """Choose variants; None is the default."""
        self.client.done("PUT", "/dialects", {"portal": portal, **choices})

    # The user system.

    def key_reply(self, **headers: str) -> Reply:
        """publicKey.json as it crosses the wire, nothing decoded."""
        url = self.client.ready["jogos"]["web_url"] + "/publicKey.json"
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.send("GET", url, headers=asked, decode_content=False)

    def token(self, text: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a new token whose signature the published key verifies; or of this one."""
        made = text or self.new_token()
        return jwt.get_unverified_header(made), claims_under(self.key_reply().body.decode(), made)

    def new_token(self) -> str:
        """A user token of the default game."""
        return str(self.client.done("POST", "/tokens", {"player": self.player()})["token"])

    def player(self) -> str:
        """Player 257, known by name."""
        return self.client.player(user_id="257", username="someone")

    # Games, orders and notifications.

    def game(self) -> str:
        """A new game whose notifications come to the backend."""
        game_id = str(next(self._games))
        wish = {"callback_url": self.backend.url, "shared_key": SHARED_KEY, "retry": "none"}
        self.client.done("PUT", f"/games/{game_id}", {"portal": "jogos", **wish})
        return game_id

    def order(self, *, game: str | None = None, product: str = "1002", **wish: Any) -> dict[str, Any]:
        """An order of player 257; unpaid unless the test says otherwise."""
        given = {
            "player": self.player(),
            "product": self.client.product(product),
            "game": game or self.game(),
        }
        return dict(self.client.done("POST", "/orders", {**given, **wish})["order"])

    def now(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order as the portal knows it now."""
        return dict(self.client.done("GET", f"/orders/{order['order_id']}")["order"])

    def pay(self, order: dict[str, Any]) -> Arrival:
        """Pay an order and hear of it."""
        return self._heard(order, "pay", {})

    def refund(self, order: dict[str, Any]) -> Arrival:
        """Refund an order and hear of it."""
        return self._heard(order, "refund", {"refundStatus": 1})

    def both_notices(self, **wish: Any) -> tuple[dict[str, Any], Arrival, Arrival]:
        """A new order, now, and what was heard of its payment and of its refund."""
        order = self.order(**wish)
        heard = self.pay(order), self.refund(order)
        return self.now(order), *heard

    def _heard(self, order: dict[str, Any], move: str, body: dict[str, Any]) -> Arrival:
        """The first notification of this order after it; one of another order may still be on its way."""
        before = len(self.backend.arrivals)
        self.client.done("POST", f"/orders/{order['order_id']}/{move}", body)
        counts = itertools.count(before + 1)
        arrivals = (self.backend.wait_for(count)[count - 1] for count in counts)
        arrival = next(found for found in arrivals if is_about(found, str(order["order_id"])))
        assert str(arrival.header("Authorization")).lower().endswith(digest(arrival.body))
        return arrival

    # What the game asks.

    def ask(self, path: str, members: dict[str, Any], *, signature: str | None = None) -> Reply:
        """A signed call of a game."""
        body = json.dumps(members).encode()
        headers = {"Authorization": digest(body) if signature is None else signature}
        return self.client.send(
            "POST", self.client.ready["jogos"]["api_url"] + path, body=body, headers=headers
        )

    def arrived(self, game: str, order_id: Any) -> Reply:
        """Report an order as delivered."""
        return self.ask(ARRIVED, {"gameId": int(game), "orderId": order_id})

    def orders(self, game: str, *, page_no: int = 1, page_size: int = 20) -> dict[str, Any]:
        """The answer of getOrders."""
        asked = {"gameId": int(game), "pageNo": page_no, "pageSize": page_size}
        return dict(self.ask(GET_ORDERS, asked).json)

    def rows(self, game: str) -> list[dict[str, Any]]:
        """The rows of the first page."""
        return list(self.orders(game)["page"]["content"])


def digest(body: bytes) -> str:
    """jogos:iap.sha1, over the bytes that came."""
    return hashlib.sha1(body + SHARED_KEY.encode()).hexdigest()


def read(arrival: Arrival) -> dict[str, Any]:
    """The members of a notification, in whatever spelling it came."""
    members = json.loads(plain(arrival).decode("utf-8-sig"))
    assert isinstance(members, dict)
    return members


def is_about(arrival: Arrival, order_id: str) -> bool:
    """Whether a notification names this order, as a number, as text or in escapes."""
    return order_id.encode() in plain(arrival) or order_id in str(read(arrival))


def plain(arrival: Arrival) -> bytes:
    """The body without its compression."""
    is_packed = arrival.header("Content-Encoding") == "gzip"
    return gzip.decompress(arrival.body) if is_packed else arrival.body


def key_in(text: str) -> Any:
    """The one key that a text holds as Base64, whatever stands around and between."""
    plain = re.sub(r"-----[A-Z ]+-----|\\n|\s", " ", text)
    found = "".join(BASE64.findall(plain))
    return load_der_public_key(base64.b64decode(found, validate=True))


def claims_under(key_text: str, token: str, algorithm: str = "RS256") -> dict[str, Any]:
    """The claims of a token whose signature this key verifies; PyJWT judges nothing else of it."""
    text = json.loads(key_text)["data"] if key_text.startswith("{") else key_text
    return under(key_in(text), token, algorithm)


def under(key: Any, token: str, algorithm: str) -> dict[str, Any]:
    """The claims of a token under a key."""
    claims = json.loads(jwt.PyJWS().decode(token, key, algorithms=[algorithm]))
    assert isinstance(claims, dict)
    return claims
