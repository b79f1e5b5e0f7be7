"""A sidecar of two calls for the pages that show how to ask one; the real verifiers judge behind it.

It has no ledger, no processes and no OpenAPI document: whoever tests the sidecar itself takes the real one.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from coinslot_contracts.errors import CoinslotError, Refused
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_verifier import IdentityVerifier, NotificationVerifier

TOKEN = "the-sidecars-token"


class FakeSidecar:
    """`serve` of fake_portal serves it; `asked` holds the members of every call."""

    def __init__(self, identities: IdentityVerifier, notifications: NotificationVerifier) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self._identities = identities
        self._notifications = notifications
        self._calls: Mapping[str, Callable[[dict[str, Any]], WireReply]] = {
            "/v1/jogos/identity": self._identity,
            "/v1/jogos/notification": self._notification,
        }

    def answer(self, request: WireRequest) -> WireReply | None:
        call = self._calls.get(request.path)
        if call is None or request.method != "POST":
            return None
        if request.header("Authorization") != f"Bearer {TOKEN}":
            return _json(401, {"code": "token-wrong"})
        members = json.loads(request.body)
        self.asked.append(members)
        return call(members)

    def _identity(self, members: dict[str, Any]) -> WireReply:
        try:
            identity = self._identities.verify(members.get("token"))
        except CoinslotError as error:
            return _problem(error)
        return _json(
            200,
            {"user_id": identity.user_id, "username": identity.username, "claims": dict(identity.claims)},
        )

    def _notification(self, members: dict[str, Any]) -> WireReply:
        headers = [(name, value) for name, value in members["headers"]]
        body = base64.b64decode(members["body_b64"], validate=True)
        try:
            fact = self._notifications.verify(headers, body)
        except CoinslotError as error:
            return _problem(error, reply=_shape(self._notifications.reply_for(error)))
        told = {"order_id": fact.order_id}
        return _json(200, {"notification": told, "reply": _shape(self._notifications.accepted())})


def _problem(error: CoinslotError, **more: Any) -> WireReply:
    status = 422 if isinstance(error, Refused) else 503
    return _json(status, {"status": status, "code": error.code, "detail": error.detail, **more})


def _shape(reply: WireReply) -> dict[str, Any]:
    headers = [list(pair) for pair in reply.headers]
    return {"status": reply.status, "headers": headers, "body_b64": base64.b64encode(reply.body).decode()}


def _json(status: int, members: dict[str, Any]) -> WireReply:
    body = json.dumps(members).encode()
    return WireReply(status=status, headers=(("Content-Type", "application/json"),), body=body)
