"""Base64url and JSON, the two codings inside a token: read strictly, and faster where msgspec is there.

msgspec is optional (extra `fast`) and alone is too lenient: it takes the last of two equal keys. So what it
reads counts only where writing the value again gives the very bytes that were read: then no key stood there
twice and no number was rounded. Whatever else there is goes to the strict readers, whose verdict it is.
clauses   rfc7515:2, rfc8259:4
"""

import binascii
from collections.abc import Callable
from typing import Any, Final

from coinslot_contracts.json_bytes import BODY_BYTES_MAX, DEPTH_MAX, parse_json_object

ReadObject = Callable[[bytes | str], dict[str, Any]]
"""One JSON object from UTF-8 bytes or text; raises `json_bytes.JsonInvalid`."""
ReadBase64 = Callable[[bytes], bytes]
"""The bytes of a canonical Base64url text without padding; raises ValueError for every other text."""

_TO_STANDARD: Final = bytes.maketrans(b'-_+/="\\', b"+/!!!!!")
_PADDING: Final = (b"", b"===", b"==", b"=")
_QUOTED_END: Final = tuple(padding + b'"' for padding in _PADDING)
_SPARE_BITS_CLEAR: Final = (bytes(range(256)), b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By a text's length modulo 4: the last characters that leave no bit over which belongs to no byte."""


def read_base64_strictly(part: bytes) -> bytes:
    """As `ReadBase64` says, with the standard library alone."""
    padded = part.translate(_TO_STANDARD) + _PADDING[len(part) & 3]
    decoded = binascii.a2b_base64(padded, strict_mode=True)
    if binascii.b2a_base64(decoded, newline=False) != padded:
        raise ValueError("not the canonical Base64url of its bytes")
    return decoded


def fast_readers() -> tuple[ReadBase64, ReadObject] | None:
    """Readers with the verdicts and values of the strict ones, None where msgspec is not installed."""
    try:
        import msgspec
    except ImportError:
        return None
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    decode_bytes = msgspec.json.Decoder(bytes).decode
    unreadable = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)

    def read_base64(part: bytes) -> bytes:
        over = len(part) & 3
        try:
            decoded: bytes = decode_bytes(b'"' + part.translate(_TO_STANDARD) + _QUOTED_END[over])
        except unreadable:
            return read_base64_strictly(part)
        return decoded if part[-1:] in _SPARE_BITS_CLEAR[over] else read_base64_strictly(part)

    def read_object(text: bytes | str) -> dict[str, Any]:
        try:
            raw = text if type(text) is bytes else text.encode()  # type: ignore[union-attr]
            if len(raw) <= BODY_BYTES_MAX and raw.count(b"{") + raw.count(b"[") <= DEPTH_MAX:
                value: Any = decode(raw)
                if type(value) is dict and encode(value) == raw:
                    return value
        except unreadable:
            pass
        return parse_json_object(text)

    return read_base64, read_object


def readers() -> tuple[ReadBase64, ReadObject]:
    """The fastest readers that this installation has."""
    return fast_readers() or (read_base64_strictly, parse_json_object)


read_base64, read_object = readers()
