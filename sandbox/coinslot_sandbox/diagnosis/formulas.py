"""What was computed instead of the portal's formula: other digests, another order, an HMAC, by name."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Final

DIGESTS: Final = {
    "digest-sha1": "sha1",
    "digest-sha256": "sha256",
    "digest-md5": "md5",
    "digest-sha512": "sha512",
    "digest-sha384": "sha384",
    "digest-sha224": "sha224",
    "digest-sha3-256": "sha3_256",
}
HMACS: Final = {
    "hmac-sha1": "sha1",
    "hmac-sha256": "sha256",
    "hmac-md5": "md5",
    "hmac-sha512": "sha512",
}
SEPARATORS: Final = (b"\n", b" ", b":", b".", b"|", b"&", b"+", b",", b"\r\n", b"&key=", b"_", b"-", b"\x00")
ENCODINGS: Final = ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le")

Names = tuple[str, ...]
Digest = Callable[[bytes, bytes], bytes]
Sign = Callable[[bytes, bytes], bytes]


def formula_mistakes(sign: Sign) -> Iterator[tuple[Names, Digest]]:
    """Formulas, each with the names of what is wrong with it; `sign` is the right one, giving raw bytes.

    One of them may equal the right one: a portal's rule can be any of these.
    """
    yield ("key-first",), lambda body, key: sign(key, body)
    for name, algorithm in HMACS.items():
        yield (name,), _hmac(algorithm)
    for name, algorithm in DIGESTS.items():
        yield (name,), _after(algorithm)
    yield ("key-left-out",), lambda body, key: sign(body, b"")  # noqa: ARG005 - one form for all
    for name, algorithm in DIGESTS.items():
        yield ("key-left-out", name), _alone(algorithm)
        yield ("key-first", name), _before(algorithm)
    yield ("key-on-both-sides",), lambda body, key: sign(key + body, key)
    yield ("hmac-swapped",), lambda body, key: hmac.digest(body, key, "sha1")
    yield ("hmac-swapped",), lambda body, key: hmac.digest(body, key, "sha256")
    for algorithm in ("sha1", "sha256", "md5"):
        yield ("hashed-twice",), _twice(sign, algorithm, as_text=True)
        yield ("hashed-twice",), _twice(sign, algorithm, as_text=False)
    yield ("hashed-twice",), lambda body, key: sign(sign(body, b"").hex().encode(), key)
    for encoding in ENCODINGS:
        yield ("body-utf-16",), _encoded(sign, encoding, with_key=True)
        yield ("body-utf-16",), _encoded(sign, encoding, with_key=False)


def separated(sign: Sign) -> Iterator[tuple[bytes, Digest]]:
    """The right formula with something between body and key, and what that is."""
    for separator in SEPARATORS:
        yield separator, _separated(sign, separator)


def _separated(sign: Sign, separator: bytes) -> Digest:
    return lambda body, key: sign(body + separator, key)


def _hmac(algorithm: str) -> Digest:
    return lambda body, key: hmac.digest(key, body, algorithm)


def _after(algorithm: str) -> Digest:
    return lambda body, key: _hash(algorithm, body, key)


def _before(algorithm: str) -> Digest:
    return lambda body, key: _hash(algorithm, key, body)


def _alone(algorithm: str) -> Digest:
    return lambda body, key: _hash(algorithm, body)  # noqa: ARG005 - one form for all


def _twice(sign: Sign, algorithm: str, *, as_text: bool) -> Digest:
    def digest(body: bytes, key: bytes) -> bytes:
        once = sign(body, key)
        return _hash(algorithm, once.hex().encode() if as_text else once)

    return digest


def _encoded(sign: Sign, encoding: str, *, with_key: bool) -> Digest:
    def digest(body: bytes, key: bytes) -> bytes:
        text = body.decode("utf-8", "replace").encode(encoding)
        return sign(text, key.decode("utf-8", "replace").encode(encoding) if with_key else key)

    return digest


def _hash(algorithm: str, *parts: bytes) -> bytes:
    """Part by part, so that a long body is not copied."""
    made = hashlib.new(algorithm, usedforsecurity=False)
    for part in parts:
        made.update(part)
    return made.digest()
