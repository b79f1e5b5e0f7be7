"""What was used instead of the shared key: the key after a mistake, by name; never shown, only tried."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

BOM: Final = b"\xef\xbb\xbf"
UNSET_TEXTS: Final = ("undefined", "null", "None", "nil", "SHARED_KEY", "${SHARED_KEY}", "$SHARED_KEY")

Names = tuple[str, ...]

_MISTAKES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("key-trailing-newline", lambda key: key + b"\n"),
    ("key-trailing-newline", lambda key: key + b"\r\n"),
    ("key-trailing-newline", lambda key: key + b"\r"),
    ("key-trailing-newline", lambda key: key + b"\\n"),
    ("key-trailing-space", lambda key: key + b" "),
    ("key-trailing-space", lambda key: key + b"\t"),
    ("key-leading-space", lambda key: b" " + key),
    ("key-leading-space", lambda key: b"\t" + key),
    ("key-bom", lambda key: BOM + key),
    ("key-quoted", lambda key: b'"' + key + b'"'),
    ("key-quoted", lambda key: b"'" + key + b"'"),
    ("key-quoted", lambda key: b'"' + key + b'"\n'),
    ("key-nul", lambda key: key + b"\x00"),
    ("key-trimmed", lambda key: key.strip().strip(b"\"'")),
    ("key-case", lambda key: key.lower()),
    ("key-case", lambda key: key.upper()),
    ("key-base64-encoded", base64.b64encode),
    ("key-url-encoded", lambda key: quote(key, safe="").encode()),
    ("key-hashed", lambda key: hashlib.md5(key).hexdigest().encode()),
    ("key-hashed", lambda key: hashlib.sha1(key).hexdigest().encode()),
    ("key-hashed", lambda key: hashlib.sha256(key).hexdigest().encode()),
)


def key_mistakes(key: bytes) -> Iterator[tuple[Names, bytes]]:
    """What was taken for the key after each mistake; some leave it as it is."""
    yield from (((name,), make(key)) for name, make in _MISTAKES)
    yield from ((("key-undefined",), text.encode()) for text in UNSET_TEXTS)
    for encoding, name in (("latin-1", "key-latin-1"), ("utf-16-le", "key-utf-16"), ("utf-16", "key-utf-16")):
        yield (name,), key.decode("utf-8", "replace").encode(encoding, "replace")
    decoded = _unhex(key)
    if decoded is not None:
        yield ("key-hex-decoded",), decoded
    decoded = _unbase64(key)
    if decoded is not None:
        yield ("key-base64-decoded",), decoded


def _unhex(key: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(key)
    except (binascii.Error, ValueError):
        return None


def _unbase64(key: bytes) -> bytes | None:
    try:
        return base64.b64decode(
            key + b"=" * (-len(key) % 4), altchars=b"-_" if b"-" in key or b"_" in key else None
        )
    except (binascii.Error, ValueError):
        return None
