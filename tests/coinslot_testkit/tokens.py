"""Makes tokens for tests, good and bad; of the product's own it uses the portal's layout of claims alone."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from coinslot_contracts.domain import Player
from coinslot_contracts.portals.jogos import PORTAL
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
GAME_ID = "1220"
NOW_S = 1_757_905_358
"""A minute after the issue of the tokens that `good_claims` describes."""


@cache
def private_key(name: str = "signing") -> RSAPrivateKey:
    """The key "signing" or "other": two of the sandbox's pool, so never trusted by default."""
    key = load_pem_private_key(
        (VECTORS / f"{name}-key.pem").read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, RSAPrivateKey)
    return key


def spki(name: str = "signing") -> bytes:
    """The public half as SubjectPublicKeyInfo, DER."""
    return private_key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def good_claims(*, now_s: int = NOW_S, user_id: str = "257", game_id: str = GAME_ID) -> dict[str, Any]:
    """The claims of a token that was issued a minute ago and lives for an hour."""
    assert PORTAL.identity is not None
    return PORTAL.identity.claims(
        player=Player(
            user_id=user_id, username=f"Player{user_id}", picture_url="https://image.example/1.jpg"
        ),
        game_id=game_id,
        issued_at_s=now_s - 60,
        expires_at_s=now_s + 3540,
        token_id=PORTAL.identity.token_id(now_s * 1000, 0),
    )


def encode(value: bytes | Mapping[str, Any]) -> str:
    """Base64url without padding, of bytes or of a JSON object."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def make_token(
    claims: bytes | Mapping[str, Any] | None = None,
    *,
    header: bytes | Mapping[str, Any] | None = None,
    key: str = "signing",
) -> str:
    """A token, good where nothing is given; bytes go in as they are."""
    signed = f"{encode({'alg': 'RS256'} if header is None else header)}.{encode(claims or good_claims())}"
    signature = private_key(key).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{encode(signature)}"
