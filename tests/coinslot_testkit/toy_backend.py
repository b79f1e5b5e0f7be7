"""A small game backend inside the test process, without our verifier, with a method for every decision.

Correct as it stands (so it is a second opinion beside the Flask backend); a test overrides one method to make
it wrong in one way. It knows the portal's addresses from the environment block alone.
"""

import hashlib
import hmac
import json
import threading
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from coinslot_testkit.recording_backend import Arrival, RecordingBackend, Says

OK = {"code": "200", "msg": "Success"}


def says(value: Any, status: int = 200) -> Says:
    """An answer that is JSON."""
    return Says(status=status, body=json.dumps(value).encode())


class ToyBackend:
    """A context manager; `base_url` is where it listens.

    portal_url, game_id, shared_key   set by the test before the first call
    """

    def __init__(self) -> None:
        self.server = RecordingBackend()
        self.server.answer_by(self.answer)
        self.portal_url = ""
        self.game_id = ""
        self.shared_key = b""
        self.granted: dict[str, tuple[str, str]] = {}
        self.refunded: set[str] = set()
        self._lock = threading.RLock()

    def __enter__(self) -> "ToyBackend":
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.port}"

    def answer(self, arrival: Arrival) -> Says:
        """Route a request."""
        path = urlsplit(arrival.target).path
        if path == "/login":
            return self.login(str(arrival.json["token"]))
        if path == "/notify":
            return self.notified(arrival)
        if path == "/inventory":
            return self.inventory(parse_qs(urlsplit(arrival.target).query)["user"][0])
        if path == "/sync":
            return self.sync()
        return says({"path": path}, 404 if path != "/" else 200)

    def login(self, token: str) -> Says:
        """Verify a token under the portal's published key."""
        try:
            key = requests.get(f"{self.portal_url}/publicKey.json", timeout=5).json()["data"]
            claims = jwt.decode(token, key, algorithms=["RS256"], options={"verify_sub": False})
            user = json.loads(claims["sub"])
            assert user["gameId"] == self.game_id
            user_id = str(int(user["userId"]))
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AssertionError):
            return says({"user": None}, 401)
        return says({"user": {"id": user_id}})

    def signature_is_right(self, arrival: Arrival) -> bool:
        """Compare the header with sha1(body + key)."""
        wanted = hashlib.sha1(arrival.body + self.shared_key).hexdigest()
        return hmac.compare_digest(wanted.encode(), (arrival.header("Authorization") or "").encode())

    def notified(self, arrival: Arrival) -> Says:
        """Handle one notification."""
        if not self.signature_is_right(arrival):
            return says({"code": "41007", "msg": "Verification failed"})
        body = arrival.json
        if not all(body.get(name) for name in ("orderId", "productId", "userId", "gameId")):
            return says({"code": "305", "msg": "Required parameter is missing"})
        if str(body["gameId"]) != self.game_id:
            return says({"code": "40001", "msg": "Game not found"})
        self.settle(body)
        return says(OK)

    def settle(self, body: dict[str, Any]) -> None:
        """Grant or take back, once."""
        order_id = str(body["orderId"])
        with self._lock:
            if body.get("paytype") == "refund" or body.get("refundStatus") == 1:
                self.refunded.add(order_id)
                self.granted.pop(order_id, None)
                return
            if order_id in self.refunded:
                return
            self.granted[order_id] = (str(body["userId"]), str(body["productId"]))
        self.report(order_id)

    def report(self, order_id: str) -> None:
        """Tell the portal that an order was delivered."""
        self.call("/api/gamepay/webhook/arrivedorder", {"gameId": int(self.game_id), "orderId": order_id})

    def call(self, path: str, value: dict[str, Any]) -> Any:
        """A signed call of the portal."""
        body = json.dumps(value).encode()
        signature = hashlib.sha1(body + self.shared_key).hexdigest()
        headers = {"Authorization": signature, "Content-Type": "application/json"}
        return requests.post(self.portal_url + path, data=body, headers=headers, timeout=5).json()

    def inventory(self, user_id: str) -> Says:
        """What a player owns."""
        owned: dict[str, int] = {}
        for user, product in list(self.granted.values()):
            if user == user_id:
                owned[product] = owned.get(product, 0) + 1
        return says({"items": owned})

    def sync(self) -> Says:
        """Fetch every page of the list and settle what is missing."""
        page_no, pages = 1, 1
        while page_no <= pages:
            wanted = {"gameId": int(self.game_id), "pageNo": page_no, "pageSize": 20}
            answer = self.call("/api/gamepay/getOrders", wanted)
            if answer["code"] != "200":
                return says({"ok": False}, 502)
            page = answer["page"]
            pages = page["totalPage"]
            for row in page["content"]:
                if row["arrivedStatus"] == 0 and row["refundStatus"] != 1:
                    self.settle({**row, "paytype": "pay"})
            page_no += 1
        return says({"ok": True})


class Constant(ToyBackend):
    """A degenerate backend: one answer to everything."""

    def __init__(self, reply: Says) -> None:
        super().__init__()
        self._reply = reply

    def answer(self, arrival: Arrival) -> Says:  # noqa: ARG002 - the form of the base class
        """Always the same."""
        return self._reply


ACCEPT_ALL = says({**OK, "user": {"id": "7"}, "items": {}})
REJECT_ALL = says({"code": "41007", "msg": "no", "user": None, "items": {}}, 401)
EMPTY_200 = Says(status=200, body=b"")
ALWAYS_500 = Says(
    status=500, body=b"<h1>Internal Server Error</h1>", headers=(("Content-Type", "text/html"),)
)
