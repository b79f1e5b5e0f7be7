"""A test's hand on a portal whose client carries signed purchases: orders, purchases, keys, verification."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from coinslot_testkit.sandbox_client import Reply, SandboxClient

PORTAL = "playgama"
JWKS = "/.well-known/jwks.json"
VERIFY = "/api/v1/payments/verify"
BRIDGE_VERIFY = "/api/v1/bridge/verify"


@dataclass(frozen=True, slots=True)
class PurchaseShop:
    """Orders of gems, and what a backend asks about them."""

    client: SandboxClient

    @property
    def url(self) -> str:
        """The portal's one site."""
        return str(self.client.ready[PORTAL]["url"])

    def order(self, **wish: Any) -> Any:
        """A new order; paid unless the test says otherwise."""
        given = {
            "portal": PORTAL,
            "player": self.client.player(username="someone"),
            "product": self.client.product("gems_100"),
            "paid": True,
        }
        return self.client.done("POST", "/orders", {**given, **wish})["order"]

    def purchase(self, order: Any, **jwt: Any) -> Any:
        """The purchase of an order; `jwt` says what is wrong with its token."""
        body = {"order": order["order_id"], **({"jwt": jwt} if jwt else {})}
        return self.client.done("POST", "/purchases", body)

    def token(self, **jwt: Any) -> str:
        """The token of a new order's purchase."""
        return str(self.purchase(self.order(), **jwt)["token"])

    def change(self, order: Any, **change: Any) -> Any:
        """What becomes of an order silently."""
        return self.client.done("POST", f"/orders/{order['order_id']}/change", change)["order"]

    def verify(self, order: Any, **override: Any) -> Reply:
        """The documented question about an order; None leaves a parameter out."""
        asked = {"orderId": order["order_id"], "externalId": order["external_id"], **override}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self.client.send("GET", f"{self.url}{VERIFY}?{query}")

    def bridge_verify(self, order: Any) -> Reply:
        """The sibling's question about an order."""
        data = self.purchase(order)["purchase"]
        return self.client.send(
            "POST", self.url + BRIDGE_VERIFY, json={"platform": "p", "type": "purchase", "data": data}
        )

    def key_set(self) -> list[dict[str, Any]]:
        """The entries that are published now."""
        return list(self.client.send("GET", self.url + JWKS).json["keys"])

    def ring(self) -> list[dict[str, Any]]:
        """The keys of the ring and beside it, as the control API tells them."""
        return self.client.keys(PORTAL)

    def signing_kid(self) -> str:
        """The key that signs now."""
        (kid,) = [key["kid"] for key in self.ring() if key["signs"]]
        return str(kid)

    def rotate(self, how: str, **more: Any) -> None:
        """Rotate the keys."""
        self.client.done("POST", "/keys/rotate", {"portal": PORTAL, "rotate": how, **more})

    def add_key(self, kind: str) -> str:
        """Put an entry into the set; its id in the control API."""
        body = {"portal": PORTAL, "kind": kind}
        return str(self.client.done("POST", "/keys/extra", body)["keys"][-1]["kid"])
