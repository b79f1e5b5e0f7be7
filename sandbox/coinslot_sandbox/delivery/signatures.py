"""Signatures right and wrong, named as in `vocabulary.SIGNATURE_DEFECTS`, over the bytes really sent.

The right one comes from the portal; a wrong one is a twist of it, another digest or another key in its place.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import Headers

Signer = Callable[[bytes, bytes], str]


class NoSuchKey(Exception):
    """A signature was asked for with a key that there is none of; `name` is the defect."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The shared keys that a signature can be made with.

    own         the game's, b"" where the team has not set it
    previous    the game's before its last change
    other_game  that of another game of the portal
    """

    own: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)
    other_game: bytes | None = field(default=None, repr=False)


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
    "flipped": lambda sign, body, key: _flipped(sign(body, key)),
    "signature_word": lambda sign, body, key: f"Signature {sign(body, key)}",
    "base64": lambda sign, body, key: base64.b64encode(_octets(sign(body, key))).decode(),
    "empty_key": lambda sign, body, key: sign(body, b""),  # noqa: ARG005
    "newline_key": lambda sign, body, key: sign(body, key + b"\n"),
}
_OTHER_KEYS: Final[Mapping[str, Callable[[Keys], bytes | None]]] = {
    "other_game_key": lambda keys: keys.other_game,
    "previous_key": lambda keys: keys.previous,
}


def signature_value(name: str, notices: NoticesPart, *, body: bytes, keys: Keys) -> str | None:
    """The value of the signature header, None for no header.

    errors  KeyError for an unknown name; NoSuchKey
    """
    if name in _OTHER_KEYS:
        key = _OTHER_KEYS[name](keys)
        if key is None:
            raise NoSuchKey(name)
        return notices.sign(body, key)
    return _TWISTS[name](notices.sign, body, keys.own)


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


def _flipped(digest: str) -> str:
    return digest[:-1] + ("0" if digest[-1:] != "0" else "1")


def _octets(digest: str) -> bytes:
    """The bytes that hex digits stand for; those of the text itself where a portal signs otherwise."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return digest.encode()
