"""Tokens made with PyJWT, hmac and Base64 for tests of the diagnosis; nothing of the product makes them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
from coinslot_sandbox.diagnosis.jws import KnownKey
from coinslot_testkit.tokens import NOW_S, private_key, spki
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["NOW_S", "PEM", "PEM_LINES", "b64", "claims", "der", "hs256", "known", "sign", "user"]


def der(key: Any) -> bytes:
    """The public half of a private key, SubjectPublicKeyInfo."""
    made: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return made


PEM = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(spki()).decode()}\n-----END PUBLIC KEY-----"
"""The key "signing" as the portal's document shows one."""
PEM_LINES = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
"""The same key as openssl writes one: wrapped, with a newline at the end."""


def known(role: str, spki_der: bytes, kid: str | None = None, *, can_sign: bool = True) -> KnownKey:
    """A key that the diagnosis is told about."""
    return KnownKey(role=role, owner=f"a key that is {role}", spki_der=spki_der, kid=kid, can_sign=can_sign)


def user(**changes: Any) -> str:
    """The user of a good token as JSON text; None drops a member."""
    kept = {"gameId": "1220", "userId": "257", "username": "Player257", "profilePictureUrl": "", **changes}
    return json.dumps({name: value for name, value in kept.items() if value is not None})


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good user token at NOW_S; None drops one."""
    good = {"jti": "1", "sub": user(), "iss": "com:jogos:sdk", "iat": NOW_S - 60, "exp": NOW_S + 3540}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(
    payload: Mapping[str, Any],
    *,
    key: Any = None,
    algorithm: str = "RS256",
    header: Mapping[str, Any] | None = None,
) -> str:
    """A token signed by PyJWT's algorithm; joined here, because its encoder refuses some of these claims."""
    head = _joined({"alg": algorithm, **(header or {})}, payload)
    made = jwt.get_algorithm_by_name(algorithm).sign(head.encode(), key or private_key())
    return f"{head}.{b64(made)}"


def hs256(secret: bytes) -> str:
    """A token under HMAC."""
    head = _joined({"alg": "HS256"}, claims())
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def _joined(header: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
