"""The sandbox seen over HTTP by a test: control calls, and a game's calls to the portal.

Speaks to real sockets; judges nothing, so that each test says itself what it expects.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import urllib3

CONTROL = "/_control/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def new_pool(*, timeout_s: float = 30) -> urllib3.PoolManager:
    """A pool that never retries, never follows and never asks a proxy."""
    return urllib3.PoolManager(retries=False, maxsize=16, timeout=urllib3.Timeout(timeout_s))


@dataclass(slots=True)
class SandboxClient:
    """A test's hand on one workspace of a sandbox, from its ready line.

    prefix  of control paths: "" for the default workspace, "/w/name" for another
    """

    ready: dict[str, Any]
    prefix: str = ""
    pool: urllib3.PoolManager = field(default_factory=new_pool)

    @property
    def game_id(self) -> str:
        """The default game."""
        return str(self.ready["jogos"]["game_id"])

    @property
    def shared_key(self) -> str:
        """The default game's shared key at start."""
        return str(self.ready["jogos"]["shared_key"])

    def send(self, method: str, url: str, **arguments: Any) -> Reply:
        """Any request."""
        response = self.pool.request(method, url, redirect=False, **arguments)
        return Reply(status=response.status, headers=response.headers, body=response.data)

    def control(self, method: str, path: str, body: Any = None) -> Reply:
        """A control call with the right token."""
        return self.send(
            method,
            self.ready["control_url"] + CONTROL + self.prefix + path,
            headers={"Authorization": f"Bearer {self.ready['control_token']}"},
            body=None if body is None else json.dumps(body),
        )

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """A control call that must succeed; its JSON."""
        reply = self.control(method, path, body)
        assert reply.status in (200, 201), (method, path, reply.status, reply.body)
        return reply.json

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """A control call that must be refused; status and code of the problem."""
        reply = self.control(method, path, body)
        assert reply.headers["Content-Type"] == "application/problem+json", reply.body
        assert reply.json["status"] == reply.status
        return reply.status, reply.json["code"]

    def portal(
        self, path: str, body: bytes, *, key: str | None = None, signed_over: bytes | None = None
    ) -> Reply:
        """A game's call to the portal, signed with its shared key over the body, or over other bytes."""
        secret = (self.shared_key if key is None else key).encode()
        signature = hashlib.sha1((body if signed_over is None else signed_over) + secret).hexdigest()
        url = self.ready["jogos"]["api_url"] + path
        return self.send("POST", url, body=body, headers={"Authorization": signature})

    def arrived(self, order_id: str) -> Reply:
        """Report an order as delivered."""
        body = json.dumps({"gameId": int(self.game_id), "orderId": order_id}).encode()
        return self.portal("/api/gamepay/webhook/arrivedorder", body)

    def orders_page(self, *, page_no: int = 1, page_size: int = 20) -> Reply:
        """One page of paid orders."""
        body = json.dumps({"gameId": int(self.game_id), "pageNo": page_no, "pageSize": page_size}).encode()
        return self.portal("/api/gamepay/getOrders", body)

    def workspace(self, **wish: Any) -> "SandboxClient":
        """A hand on a new workspace, with connections of its own."""
        made = self.done("POST", "/workspaces", wish)
        ready = {**self.ready, "workspace": made["workspace"], "seed": made["seed"], **made["portals"]}
        return SandboxClient(ready, prefix=f"/w/{made['workspace']}")

    def advance(self, **how: Any) -> Any:
        """Advance the workspace's schedule."""
        return self.done("POST", "/clock/advance", how)

    def keys(self, portal: str, environment: str = "production") -> list[Any]:
        """The keys of one environment of a portal, oldest first."""
        here = (portal, environment)
        keys = self.done("GET", "/keys")["keys"]
        return [key for key in keys if (key["portal"], key["environment"]) == here]

    def set_game(self, **change: Any) -> Any:
        """Change the default game."""
        return self.done("PUT", f"/games/{self.game_id}", change)

    def player(self, **wish: Any) -> str:
        """A new player's id."""
        return str(self.done("POST", "/players", wish)["user_id"])

    def product(self, product_id: str = "1002") -> str:
        """A product's id; it is made where it is new."""
        return str(
            self.done("POST", "/products", {"product_id": product_id, "title": "t", "price": 1})["product_id"]
        )

    def order(self, **wish: Any) -> Any:
        """A new order of a new player; the whole answer."""
        given = {
            "player": wish.pop("player", None) or self.player(username="someone"),
            "product": self.product(),
        }
        return self.done("POST", "/orders", {**given, **wish})

    def order_id(self, **wish: Any) -> str:
        """A new order's id."""
        return str(self.order(**wish)["order"]["order_id"])

    def journal(self, **query: Any) -> list[Any]:
        """Entries of the journal."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return list(self.done("GET", f"/journal?{asked}")["entries"])

    def await_journal(self, count: int, **query: Any) -> list[Any]:
        """Entries of the journal once there are so many: an attempt is noted after its answer has come."""
        seq = 0
        for _ in range(200):
            if len(found := self.journal(**query)) >= count:
                return found
            seq = self.done("GET", f"/journal/wait?after={seq}&timeout_s=10")["last_seq"]
        raise AssertionError(f"{len(found)} of {count} entries in the journal")

    def await_delivery(self, delivery_id: str, *states: str, attempts: int = 0) -> Any:
        """A delivery's detail once it is in one of these states, with so many attempts made."""
        seq = 0
        for _ in range(200):
            detail = self.done("GET", f"/deliveries/{delivery_id}")
            if detail["state"] in states and detail["attempts_made"] >= attempts:
                return detail
            seq = self.done("GET", f"/journal/wait?after={seq}&timeout_s=10")["last_seq"]
        raise AssertionError(f"delivery {delivery_id} is {detail['state']}, not {states}")
