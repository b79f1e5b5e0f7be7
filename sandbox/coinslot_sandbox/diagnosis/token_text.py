"""A token's text taken apart: what stood around it, its three parts, and why it has not got them.

Lenient on purpose, and every leniency is named: what a strict reader refuses is what is to be found here.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from coinslot_contracts.json_bytes import JsonInvalid, parse_json, parse_json_object

TOKEN_CHARS_MAX: Final = 65_536
ROUNDS: Final = 4
_BLANK: Final = " \t\r\n\v\f\x00\xa0\ufeff\u200b"
_QUOTES: Final = "\"'`"
_WORD: Final = re.compile(r"(?i:bearer|jwt|token|authorization)\s*[ =:]\s*(?=\S)", re.ASCII)
_INSIDE: Final = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*", re.ASCII)
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A token in its parts.

    heads   what the signature may cover: the parts as a reader would see them, then as they were sent
    """

    heads: tuple[bytes, ...]
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes


def unwrap(text: str) -> tuple[str, tuple[str, ...]]:
    """The token inside a text, and the names of what stood around it or was done to it."""
    names: list[str] = []
    for _ in range(ROUNDS):
        peeled, name = _peel(text)
        if name is None:
            break
        text = peeled
        names.append(name)
    spaceless = re.sub(r"\s", "", text)
    if spaceless != text and spaceless.count(".") == 2:
        text = spaceless
        names.append("token-line-broken")
    if "=" in text and text.count(".") == 2:
        text = ".".join(part.rstrip("=") for part in text.split("."))
        names.append("token-padded")
    if ("+" in text or "/" in text) and text.count(".") == 2:
        text = text.replace("+", "-").replace("/", "_")
        names.append("token-standard-base64")
    return text, tuple(dict.fromkeys(names))


def _peel(text: str) -> tuple[str, str | None]:
    stripped = text.strip(_BLANK)
    if stripped != text:
        return stripped, "token-whitespace"
    if text[:1] in ("{", "["):
        inside = _INSIDE.search(text)
        return (inside.group(), "token-in-json") if inside else (text, None)
    if len(text) > 2 and text[0] in _QUOTES and text[-1] == text[0]:
        return text[1:-1], "token-quoted"
    word = _WORD.match(text)
    if word:
        return text[word.end() :], "token-scheme-word"
    if re.search("%[0-9A-Fa-f]{2}", text):
        return unquote(text, errors="replace"), "token-url-encoded"
    if "." not in text and text[:4] == "ZXlK":  # Base64 of what nearly every token begins with
        inner = decode(text.rstrip("=").replace("+", "-").replace("/", "_"))
        if inner is not None and inner.count(b".") == 2 and inner.isascii():
            return inner.decode("ascii"), "token-base64-encoded"
    return text, None


def split(core: str, sent: str) -> Parts | str:
    """The parts of a token, or the name of what is wrong with its form.

    sent  the text before padding and alphabet were put right; its signature may cover that
    """
    parts = core.split(".")
    if not core:
        return "token-missing"
    header = decode_object(parts[0])
    if len(parts) < 3:
        return _too_few(parts, header)
    if len(parts) > 3:
        return "token-encrypted" if len(parts) == 5 else "token-extra-parts"
    if header is None:
        return "token-header-unreadable"
    claims = decode_object(parts[1])
    if claims is None:
        return "token-claims-unreadable"
    signature = decode(parts[2])
    if signature is None:
        return "token-truncated" if _ALPHABET.fullmatch(parts[2]) else "token-signature-unreadable"
    heads = (f"{parts[0]}.{parts[1]}", sent.strip(_BLANK).rpartition(".")[0])
    encoded = tuple(dict.fromkeys(head.encode("utf-8", "surrogatepass") for head in heads))
    return Parts(heads=encoded, header=header, claims=claims, signature=signature)


def _too_few(parts: list[str], header: Mapping[str, Any] | None) -> str:
    if header is None:
        cut = len(parts) == 1 and parts[0].startswith("eyJ")
        return "token-truncated" if cut else "token-not-jwt"
    whole = len(parts) == 2 and decode_object(parts[1]) is not None
    return "signature-dropped" if whole else "token-truncated"


def decode(part: str) -> bytes | None:
    """Base64url without padding; None where it is none."""
    if not _ALPHABET.fullmatch(part) or len(part) % 4 == 1:
        return None
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return None


def decode_object(part: str) -> dict[str, Any] | None:
    """A part that holds a JSON object; None where it does not."""
    raw = decode(part)
    if raw is None:
        return None
    try:
        return parse_json_object(raw)
    except JsonInvalid:
        return None


def inner_json(text: str) -> Any:
    """The JSON value in a text; raises ValueError where it is none."""
    try:
        return parse_json(text)
    except JsonInvalid as error:
        raise ValueError(str(error)) from None


def as_text(value: object, *, chars_max: int = 80) -> str:
    """A claim's value as it is shown in a sentence: short, on one line, in JSON."""
    shown = json.dumps(value)
    return shown if len(shown) <= chars_max else shown[:chars_max] + "…"
