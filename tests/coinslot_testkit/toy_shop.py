"""A toy backend that sells through a portal whose client carries signed purchases; without our verifier.

Correct as it stands, and one method for every decision, like the toy backend below it.
"""

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from coinslot_testkit.recording_backend import Arrival, Says
from coinslot_testkit.toy_backend import ToyBackend, says

PRODUCTS = ("gems_100", "gems_200")

SECTION = """\
playgama:
  initiate:
    request: {method: POST, path: /intents, headers: {Session: "${session}"}, json: {product: "${product}"}}
    external_id: $.externalId
  purchase:
    request:
      method: POST
      path: /purchase
      headers: {Session: "${session}"}
      json: {jwt: "${purchase.jwt}", says: "${externalId}", of: "${user_id}"}
    granted: {status: 200, equals: {$.status: granted}}
    pending: {status: 202}
session: {from: jogos.login, at: $.user.id}
"""
"""What a profile says of this backend; `WITH_SHOP` puts it into the toy backend's profile."""

WITH_SHOP = {"inventory:": SECTION + "inventory:"}


class Declined(Exception):
    """A purchase is not granted: the answer says so."""

    def __init__(self, status: int) -> None:
        self.status = status


class ToyShop(ToyBackend):
    """Intents in memory, one grant for each orderId."""

    def __init__(self) -> None:
        super().__init__()
        self.intents: dict[str, tuple[str, str]] = {}

    def answer(self, arrival: Arrival) -> Says:
        """Route a request."""
        session = arrival.header("Session")
        if arrival.target == "/intents":
            return self.open(str(session), str(arrival.json["product"]))
        if arrival.target == "/purchase":
            try:
                return self.buy(str(session), arrival.json)
            except Declined as declined:
                return says({"status": "declined"}, declined.status)
        return super().answer(arrival)

    def open(self, user: str, product: str) -> Says:
        """Open a purchase."""
        with self._lock:
            external_id = f"intent-{user}-{len(self.intents)}"
            self.intents[external_id] = (user, product)
        return says({"externalId": external_id})

    def buy(self, user: str, sent: dict[str, Any]) -> Says:
        """Token, opener, confirmation, grant."""
        claims = self.claims(sent["jwt"])
        order_id, external_id = claims["orderId"], claims["externalId"]
        owner, product = self.intents.get(external_id, ("", ""))
        if owner != user or sent["says"] != external_id:
            raise Declined(403)
        if not self.is_paid(order_id, external_id):
            raise Declined(202)
        with self._lock:
            self.granted[order_id] = (user, product)
        return says({"status": "granted"})

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token under the key of the set that it names."""
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            keys = requests.get(f"{self.portal_url}/.well-known/jwks.json", timeout=5).json()["keys"]
            [key] = [key for key in keys if key.get("kid") == kid]
            claims: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"])
        except (jwt.PyJWTError, KeyError, ValueError):
            raise Declined(403) from None
        return claims

    def is_paid(self, order_id: str, external_id: str) -> bool:
        """Whether the portal says so."""
        query = urlencode({"orderId": order_id, "externalId": external_id})
        try:
            reply = requests.get(f"{self.portal_url}/api/v1/payments/verify?{query}", timeout=2)
            answer = json.loads(reply.content)["success"]
        except (requests.RequestException, ValueError, KeyError):
            raise Declined(503) from None
        if reply.status_code != 200:
            raise Declined(503)
        return answer is True


class SaysOneThing(ToyShop):
    """Opens purchases as it should, and then gives one answer to each of them."""

    def __init__(self, reply: Says) -> None:
        super().__init__()
        self._reply = reply

    def buy(self, user: str, sent: dict[str, Any]) -> Says:  # noqa: ARG002 - the form of the base class
        """Always the same."""
        return self._reply
