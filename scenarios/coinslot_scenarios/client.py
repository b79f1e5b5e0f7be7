"""The sandbox's control API over HTTP: one method for each thing that a verb wants.

Knows no scenario and no portal. Every failure here is the harness's or the sandbox's, never the backend's.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

JsonObject = dict[str, Any]


class SandboxFault(Exception):
    """The sandbox did not do what it was asked; ends an item with verdict error."""


class SandboxProblem(SandboxFault):
    """The sandbox refused a request with a problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or problem.get("title") or "no reason given")
        self.remedy = str(problem.get("try") or "")
        hint = f" ({self.remedy})" if self.remedy else ""
        super().__init__(f"the sandbox answered {status} {self.code}: {self.detail}{hint}")


class ControlClient:
    """Calls the control API; may be used from many threads.

    answer_s   how long the sandbox may take beyond what a call itself has to wait for
    """

    def __init__(
        self, *, control_url: str, token: str, connections: int = 32, answer_s: float = 30.0
    ) -> None:
        self._base = f"{control_url.rstrip('/')}/_control/v1"
        self._token = token
        self._answer_s = answer_s
        self._http = urllib3.PoolManager(maxsize=connections, retries=False, block=False)

    def close(self) -> None:
        """Give the connections back."""
        self._http.clear()

    def put_game(self, game_id: str, **settings: Any) -> JsonObject:
        """Create or change a game."""
        return self._call("PUT", f"/games/{quote(game_id, safe='')}", settings)

    def games(self) -> list[JsonObject]:
        """Every game, the default ones first."""
        found: list[JsonObject] = self._call("GET", "/games")["games"]
        return found

    def create_player(self, **facts: Any) -> JsonObject:
        """Create a player; absent facts are invented."""
        return self._call("POST", "/players", facts)

    def ensure_product(self, product_id: str) -> JsonObject:
        """Create a product, or leave the one that exists."""
        return self._call("POST", "/products", {"product_id": product_id})

    def create_order(self, **facts: Any) -> JsonObject:
        """Create an order, perhaps paid; returns {order, delivery}."""
        return self._call("POST", "/orders", facts)

    def get_order(self, order_id: str) -> JsonObject:
        """The order as the sandbox has it."""
        order: JsonObject = self._call("GET", f"/orders/{quote(order_id, safe='')}")["order"]
        return order

    def change_order(self, order_id: str, changes: Mapping[str, Any]) -> JsonObject:
        """Change what the portal's record says of an order; nobody is notified."""
        path = f"/orders/{quote(order_id, safe='')}/change"
        order: JsonObject = self._call("POST", path, changes, keep_null=True)["order"]
        return order

    def mint_purchase(self, order_id: str, jwt: Mapping[str, Any] | None) -> JsonObject:
        """The purchase that the client holds; returns {purchase, token, header, claims, expected, …}."""
        return self._call("POST", "/purchases", {"order": order_id, "jwt": jwt})

    def pay(self, order_id: str) -> JsonObject:
        """Pay an order and notify; returns {order, delivery}."""
        return self._call("POST", f"/orders/{quote(order_id, safe='')}/pay", {})

    def refund(self, order_id: str, **facts: Any) -> JsonObject:
        """Change an order's refund state; returns {order, delivery or null}."""
        return self._call("POST", f"/orders/{quote(order_id, safe='')}/refund", facts)

    def archive(self, order_ids: Sequence[str]) -> None:
        """Cancel the orders' pending deliveries and take them out of getOrders."""
        self._call("POST", "/orders/archive", {"orders": list(order_ids)})

    def mint_token(self, **wishes: Any) -> JsonObject:
        """A user token, good or spoilt; returns {token, header, claims, expected, …}."""
        return self._call("POST", "/tokens", wishes)

    def rotate_keys(self, portal: str, rotate: str, **more: Any) -> None:
        """Change which key signs and which are published."""
        self._call("POST", "/keys/rotate", {"portal": portal, "rotate": rotate, **more})

    def add_key(self, portal: str, kind: str) -> str:
        """Put a further entry into a portal's published set; returns its id."""
        body = {"portal": portal, "kind": kind}
        return str(self._call("POST", "/keys/extra", body)["keys"][-1]["kid"])

    def withdraw_key(self, kid: str) -> None:
        """Take a key out of what is published."""
        self._call("PUT", f"/keys/{quote(kid, safe='')}", {"published": False})

    def choose_dialects(self, portal: str, **choices: str | None) -> None:
        """Choose how a portal speaks where its document is silent; None is its default."""
        self._call("PUT", "/dialects", {"portal": portal, **choices}, keep_null=True)

    def get_delivery(self, delivery_id: str) -> JsonObject:
        """A delivery with its attempts."""
        return self._call("GET", f"/deliveries/{quote(delivery_id, safe='')}")

    def send_callback(self, *, wait_s: float, **facts: Any) -> JsonObject:
        """Send a hand-made callback and wait for the answers; returns {delivery, attempts}."""
        return self._call("POST", "/callbacks", facts, wait_s=wait_s)

    def create_fault(self, **facts: Any) -> JsonObject:
        """Tell the sandbox to fail or lie."""
        return self._call("POST", "/faults", facts)

    def heal_fault(self, fault_id: str) -> JsonObject:
        """End a fault; returns it with its final count of firings."""
        return self._call("DELETE", f"/faults/{quote(fault_id, safe='')}")

    def journal(self, *, after: int, limit: int = 1000) -> JsonObject:
        """Journal entries behind a sequence number; returns {entries, last_seq}."""
        return self._call("GET", "/journal?" + urlencode({"after": after, "limit": limit}))

    def wait_journal(self, *, after: int, wait_s: float) -> JsonObject:
        """As `journal`, but waits until there is one."""
        query = urlencode({"after": after, "timeout_s": wait_s})
        return self._call("GET", f"/journal/wait?{query}", wait_s=wait_s)

    def _call(
        self, method: str, path: str, body: Any = None, *, wait_s: float = 0.0, keep_null: bool = False
    ) -> JsonObject:
        headers = {"Authorization": f"Bearer {self._token}"}
        raw = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            given = {name: value for name, value in body.items() if keep_null or value is not None}
            raw = json.dumps(given).encode()
        try:
            reply = self._http.request(
                method, self._base + path, body=raw, headers=headers, timeout=self._answer_s + wait_s
            )
        except urllib3.exceptions.HTTPError as error:
            raise SandboxFault(f"the sandbox does not answer at {self._base}: {error}") from None
        try:
            value = json.loads(reply.data)
        except ValueError:
            raise SandboxFault(f"the sandbox answered {reply.status} to {method} {path}, not JSON") from None
        if reply.status >= 400:
            raise SandboxProblem(reply.status, value)
        answer: JsonObject = value
        return answer
