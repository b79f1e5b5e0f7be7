"""Signatures right and wrong, named as in `vocabulary.SIGNATURE_DEFECTS`, over the bytes really sent.

The right one comes from the portal; a wrong one is a twist of it or another digest in its place.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import Headers

Signer = Callable[[bytes, bytes], str]

_TWISTS: Final[Mapping[str, Callable[[Signer, bytes, bytes], str | None]]] = {
    "valid": lambda sign, body, key: sign(body, key),
    "missing": lambda sign, body, key: None,  # noqa: ARG005 - one form for all
    "empty": lambda sign, body, key: "",  # noqa: ARG005
    "wrong_key": lambda sign, body, key: sign(body, key + b"-other"),
    "other_body": lambda sign, body, key: sign(body + b" ", key),
    "upper": lambda sign, body, key: _upper(sign(body, key)),
    "truncated": lambda sign, body, key: sign(body, key)[:-1],
    "key_first": lambda sign, body, key: hashlib.sha1(key + body).hexdigest(),  # noqa: ARG005
    "hmac": lambda sign, body, key: hmac.new(key, body, hashlib.sha1).hexdigest(),  # noqa: ARG005
    "sha256": lambda sign, body, key: hashlib.sha256(body + key).hexdigest(),  # noqa: ARG005
    "bearer": lambda sign, body, key: f"Bearer {sign(body, key)}",
    "non_ascii": lambda sign, body, key: f"\xe9{sign(body, key)[1:]}",
}


def signature_value(name: str, notices: NoticesPart, *, body: bytes, shared_key: bytes) -> str | None:
    """The value of the signature header, None for no header; KeyError for an unknown name."""
    return _TWISTS[name](notices.sign, body, shared_key)


def notification_headers(notices: NoticesPart, signature: str | None, extra: Headers = ()) -> Headers:
    """The headers that go out with a notification, before those of the connection."""
    signed: Headers = () if signature is None else ((notices.signature_header, signature),)
    return (
        ("Content-Type", "application/json"),
        *extra,
        *signed,
        ("User-Agent", "coinslot-sandbox"),
        ("X-Coinslot-Sandbox", "1"),
    )


def _upper(digest: str) -> str:
    """Upper-case digits; a digest without a letter is turned into one that differs all the same."""
    return digest.upper() if digest.upper() != digest else digest[::-1]
