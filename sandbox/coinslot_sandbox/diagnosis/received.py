"""Every way to read a signature that was received: the digest inside it, and how it was dressed up.

Reading it once in all its dresses, instead of dressing up each candidate, keeps the number of attempts small.
"""

import base64
import binascii
import re
from typing import Final

TEXT_CHARS_MAX: Final = 4096
ROUNDS: Final = 3
_DIGEST_CHARS: Final = frozenset({32, 40, 56, 64, 96, 128})
_QUOTES: Final = "\"'`"
_BLANK: Final = " \t\r\n\v\f\x00\xa0\ufeff\u200b"
_WORD: Final = re.compile(r"(?:0x(?=[0-9a-fA-F])|[A-Za-z][A-Za-z0-9_.-]{0,30}\s*[ =:]\s*)(?=\S)", re.ASCII)
_SEPARATOR: Final = re.compile(r"(?<=[0-9a-fA-F]{2})[-: ](?=[0-9a-fA-F]{2})")
_HEX: Final = re.compile(r"[0-9a-fA-F]{8,}", re.ASCII)
_BASE64_CHARS_MIN: Final = 20
_CHANGED_MAX: Final = 2

Names = tuple[str, ...]


def spelling_of(text: str) -> str:
    """How a portal writes its digests: "hex", "upper-case", "base64" or "base64-url"."""
    if _unhex(text) is not None:
        return "hex" if text == text.lower() else "upper-case"
    return "base64-url" if "-" in text or "_" in text else "base64"


def digest_of(text: str) -> bytes:
    """The digest inside a signature as the portal writes it."""
    raw = _unhex(text)
    return raw if raw is not None else (_unbase64(text) or text.encode("utf-8", "surrogatepass"))


class Received:
    """One signature that was received.

    sample  some signature as the portal writes it
    """

    def __init__(self, text: str, *, sample: str) -> None:
        native = spelling_of(sample)
        self._raw: dict[bytes, Names] = {}
        self._cores = _unwrapped(text[:TEXT_CHARS_MAX])
        for core, names in self._cores.items():
            for raw, spelling in _spellings(core):
                dress = names if spelling == native else (*names, spelling)
                if len(dress) < len(self._raw.get(raw, (*dress, ""))):
                    self._raw[raw] = dress
        self._odd = {
            core.lower(): names
            for core, names in self._cores.items()
            if len(core) != len(sample) and _HEX.fullmatch(core)
        }

    def match(self, digest: bytes) -> Names | None:
        """How this digest was dressed up, () for not at all; None where it is another one."""
        known = self._raw.get(digest)
        if known is not None or not self._odd:
            return known
        digits = digest.hex()
        for core, names in self._odd.items():
            if len(core) < len(digits) and digits.startswith(core):
                return (*names, "truncated")
            if core in (digits.lstrip("0"), _unpadded(digest)):
                return (*names, "hex-zeros-dropped")
            if core == _sign_extended(digest):
                return (*names, "hex-sign-extended")
        return None

    def resembles(self, text: str) -> bool:
        """Whether it is this text but for one or two characters."""
        return any(
            len(core) == len(text) and sum(a != b for a, b in zip(core, text, strict=True)) <= _CHANGED_MAX
            for core in self._cores
        )


def _unwrapped(text: str) -> dict[str, Names]:
    """The text without what may stand around a digest, and the names of what was taken off."""
    found: dict[str, Names] = {text: ()}
    fresh = dict(found)
    for _ in range(ROUNDS):
        peeled = {core: names for outer in fresh.items() for core, names in _peel(*outer).items()}
        fresh = {core: names for core, names in peeled.items() if core and core not in found}
        found |= fresh
    return found


def _peel(text: str, names: Names) -> dict[str, Names]:
    peeled: dict[str, Names] = {}
    stripped = text.strip(_BLANK)
    if stripped != text:
        peeled[stripped] = (*names, "surrounding-spaces")
    if len(text) > 2 and text[0] in _QUOTES and text[-1] == text[0]:
        peeled[text[1:-1]] = (*names, "quoted")
    word = _WORD.match(text)
    if word:
        peeled[text[word.end() :]] = (*names, "scheme-word")
    parts = {part.strip() for part in text.split(",")}
    if "," in text and len(parts) == 1:
        peeled[parts.pop()] = (*names, "header-repeated")
    return peeled


def _spellings(core: str) -> list[tuple[bytes, str]]:
    """Every digest that the text can spell, with the name of the spelling."""
    found = []
    raw = _unhex(core)
    if raw is not None:
        found.append((raw, "hex" if core == core.lower() else "upper-case"))
    joined = _SEPARATOR.sub("", core)
    raw = _unhex(joined)
    if joined != core and raw is not None:
        found.append((raw, "hex-separated"))
    raw = _unbase64(core)
    if raw is not None:
        digits = _unhex(raw.decode("latin-1"))
        if digits is not None and len(raw) in _DIGEST_CHARS:
            found.append((digits, "base64-of-hex"))
        found.append((raw, "base64-url" if "-" in core or "_" in core else "base64"))
    return found


def _unhex(text: str) -> bytes | None:
    if len(text) % 2 or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _unbase64(text: str) -> bytes | None:
    if len(text) < _BASE64_CHARS_MIN or not text.isascii():
        return None
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _unpadded(digest: bytes) -> str:
    return "".join(f"{byte:x}" for byte in digest)


def _sign_extended(digest: bytes) -> str:
    return "".join(f"ffffff{byte:02x}" if byte > 127 else f"{byte:02x}" for byte in digest)
