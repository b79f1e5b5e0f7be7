"""Taking secrets out of what is about to be recorded: shared keys, control token, user tokens' signatures.

A secret that is long enough is masked wherever its bytes occur; a short one only where a member or a header
names it, because it could be part of any text.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from coinslot_contracts.json_bytes import JsonInvalid, parse_json
from coinslot_contracts.wire import Headers, WireReply, WireRequest

MASK = "***"
SECRET_CHARS_MIN = 8


class Mask:
    """Takes secrets out of what is about to be recorded.

    is_control  the bodies are the control API's, in which members name what is secret
    """

    def __init__(self, secrets: Iterable[str], *, is_control: bool) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= SECRET_CHARS_MIN]
        self._encoded = [secret.encode() for secret in self._secrets]
        self._is_control = is_control

    def request(self, request: WireRequest) -> dict[str, Any]:
        """The request's member of an entry."""
        return {
            "method": request.method,
            "target": self.text(request.target),
            "headers": self._headers(request.headers),
            "body_b64": self._body(request.body),
        }

    def reply(self, reply: WireReply) -> dict[str, Any]:
        """The reply's member of an entry."""
        return {
            "status": reply.status,
            "headers": self._headers(reply.headers),
            "body_b64": self._body(reply.body),
        }

    def _headers(self, headers: Headers) -> list[list[str]]:
        together = "\n".join([value for _, value in headers])
        if not self._is_control and not any(secret in together for secret in self._secrets):
            return [[name, value] for name, value in headers]
        return [[name, self._header(name, value)] for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        hidden = self._is_control and name.lower() in {"authorization", "cookie", "set-cookie"}
        return MASK if hidden else self.text(value)

    def text(self, text: str) -> str:
        """Any text without a secret that is long enough to be told from others."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _body(self, body: bytes) -> str:
        if self._is_control:
            body = _masked_members(body)
        for secret in self._encoded:
            body = body.replace(secret, MASK.encode())
        return base64.b64encode(body).decode()


def _masked_members(body: bytes) -> bytes:
    if not any(b'"' + name + b'"' in body for name in (b"shared_key", b"token", b"jwt", b"public_key")):
        return body
    try:
        value = parse_json(body)
    except JsonInvalid:
        return MASK.encode()  # it may hold a secret where nobody can tell
    return json.dumps(_masked(value)).encode()


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked_member(name, member) for name, member in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value


def _masked_member(name: str, value: Any) -> Any:
    if name == "shared_key" and isinstance(value, str):
        return MASK
    if name == "public_key" and isinstance(value, str) and "PRIVATE" in value:
        return MASK  # somebody asks what is wrong with it, and it is a secret
    if name in ("token", "jwt") and isinstance(value, str):
        return f"{value.rpartition('.')[0]}.{MASK}"
    return _masked(value)
