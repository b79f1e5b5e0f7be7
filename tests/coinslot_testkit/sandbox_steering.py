"""Real ids for generated cases: what turns a random call of an OpenAPI document into one that can succeed.

Knows which calls the documents have; a case is changed in place, because Schemathesis builds it so.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from coinslot_testkit.sandbox_client import SandboxClient
from schemathesis import Case

CONTROL = "/_control/v1"
PORTAL_GAME = "gameId"


@dataclass(slots=True)
class World:
    """Things that are there, so that calls can name them."""

    client: SandboxClient
    callback_url: str
    player: str = ""
    product: str = ""
    paid_order: str = ""
    delivery: str = ""
    made: int = field(default=0)

    def __post_init__(self) -> None:
        self.rebuild()

    def rebuild(self) -> None:
        """Make everything anew; a reset has forgotten it."""
        self.client.set_game(
            callback_url=self.callback_url, shared_key=self.client.shared_key, iap_enabled=True, retry="none"
        )
        self.player = self.client.player(username="steered-one")
        self.product = self.client.product("steered")
        step = self.client.order(player=self.player, product=self.product, paid=True)
        self.paid_order = step["order"]["order_id"]
        self.delivery = step["delivery"]["delivery_id"]

    def new_order(self, *, paid: bool = False) -> str:
        """A fresh order."""
        wish: dict[str, Any] = {"paid": True, "callback": "manual"} if paid else {}
        return self.client.order_id(player=self.player, product=self.product, **wish)

    def new_held_delivery(self) -> str:
        """A fresh delivery that waits to be released."""
        order_id = self.new_order()
        self.client.done("POST", "/deliveries/hold", {"order": order_id})
        paid = self.client.done("POST", f"/orders/{order_id}/pay", {})
        return str(paid["delivery"]["delivery_id"])

    def new_fault(self) -> str:
        """A fresh fault on a path that nothing here calls."""
        fault = {"at": "jogos.publicKey", "order": "nobody", "with": {"answer": 503}}
        return str(self.client.done("POST", "/faults", fault)["fault_id"])

    def new_workspace(self) -> str:
        """A fresh workspace."""
        return str(self.client.done("POST", "/workspaces", {})["workspace"])


Steer = Callable[[World, Case], None]


def _body(case: Case, **members: Any) -> None:
    given = case.body if isinstance(case.body, dict) else {}
    case.body = {**given, **members}


def _path(name: str, value: Callable[[World], str], **body: Any) -> Steer:
    def steer(world: World, case: Case) -> None:
        case.path_parameters = {name: value(world)}
        if body:
            _body(case, **body)

    return steer


def _order_body(world: World, case: Case) -> None:
    world.made += 1
    given = {name: case.body[name] for name in ("external_id", "arrivedStatus") if name in (case.body or {})}
    case.body = {
        **given,
        "player": world.player,
        "product": world.product,
        "order_id": f"steered{world.made}",
    }


def _token_body(world: World, case: Case) -> None:
    token = case.body.get("token") if isinstance(case.body, dict) else None
    retired = isinstance(token, dict) and token.get("sign") == "retired"
    case.body = {"player": world.player, **({"token": token} if token is not None and not retired else {})}


def _callback_body(world: World, case: Case) -> None:
    given = {name: value for name, value in case.body.items() if name in ("type", "body", "signature")}
    case.body = {"order": world.new_order(), "type": "pay", **given, "copies": 1}


def _resend(world: World, case: Case) -> None:
    """Every other one with one thing that is to go wrong with it, as several rarely fit together."""
    world.made += 1
    case.path_parameters = {"deliveryId": world.delivery}
    if isinstance(case.body, dict):
        wrongs = case.body.get("with")
        one = dict(list(wrongs.items())[:1]) if isinstance(wrongs, dict) and world.made % 2 else {}
        case.body = {name: value for name, value in case.body.items() if name == "mode"} | {"with": one}


def _game(world: World, case: Case) -> None:
    case.path_parameters = {"gameId": "4711"}
    _body(case, callback_url="http://127.0.0.1:9/steered")


CONTROL_STEERING: dict[str, Steer] = {
    f"PUT {CONTROL}/games/{{gameId}}": _game,
    f"GET {CONTROL}/workspaces/{{workspace}}": _path("workspace", lambda world: world.new_workspace()),
    f"DELETE {CONTROL}/workspaces/{{workspace}}": _path("workspace", lambda world: world.new_workspace()),
    f"POST {CONTROL}/orders": _order_body,
    f"POST {CONTROL}/orders/archive": lambda world, case: _body(case, orders=[world.new_order()]),
    f"GET {CONTROL}/orders/{{orderId}}": _path("orderId", lambda world: world.paid_order),
    f"POST {CONTROL}/orders/{{orderId}}/pay": _path("orderId", lambda world: world.new_order()),
    f"POST {CONTROL}/orders/{{orderId}}/fail": _path("orderId", lambda world: world.new_order()),
    f"POST {CONTROL}/orders/{{orderId}}/refund": _path("orderId", lambda world: world.new_order(paid=True)),
    f"POST {CONTROL}/orders/{{orderId}}/cancel": _path("orderId", lambda world: world.new_order()),
    f"POST {CONTROL}/orders/{{orderId}}/expire": _path("orderId", lambda world: world.new_order()),
    f"POST {CONTROL}/orders/{{orderId}}/deliver": _path("orderId", lambda world: world.new_order(paid=True)),
    f"GET {CONTROL}/orders/{{orderId}}/timeline": _path("orderId", lambda world: world.paid_order),
    f"POST {CONTROL}/tokens": _token_body,
    f"POST {CONTROL}/keys/rotate": lambda _world, case: _body(case, rotate="replace"),
    f"GET {CONTROL}/deliveries/{{deliveryId}}": _path("deliveryId", lambda world: world.delivery),
    f"POST {CONTROL}/deliveries/{{deliveryId}}/resend": _resend,
    f"POST {CONTROL}/deliveries/{{deliveryId}}/cancel": _path(
        "deliveryId", lambda world: world.new_held_delivery()
    ),
    f"POST {CONTROL}/callbacks": _callback_body,
    f"DELETE {CONTROL}/faults/{{faultId}}": _path("faultId", lambda world: world.new_fault()),
    f"GET {CONTROL}/journal/{{seq}}": _path("seq", lambda world: str(world.client.journal()[-1]["seq"])),
}


def sign_portal_case(world: World, case: Case) -> None:
    """Make a portal call name the game and sign it; the bytes are those that will be sent."""
    if not isinstance(case.body, dict):
        return
    _body(case, gameId=int(world.client.game_id))
    if "orderId" in case.body:
        _body(case, orderId=world.paid_order)
    raw = json.dumps(case.body).encode()
    case.body = raw
    signature = hashlib.sha1(raw + world.client.shared_key.encode()).hexdigest()
    case.headers = {**(case.headers or {}), "Authorization": signature, "Content-Type": "application/json"}
