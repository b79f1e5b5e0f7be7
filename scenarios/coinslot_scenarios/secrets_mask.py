"""Nothing secret leaves: shared keys, tokens and sessions are cut to a few characters in every output.

Whoever learns a secret registers it here. Hostile tokens are not secrets and are never registered.
"""

import threading

_SHORTEST = 6


class Masker:
    """Replaces every registered secret in a text; safe to use from all items at once."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._lock = threading.Lock()

    def add(self, *secrets: object) -> None:
        """Register secrets; what is no text, or too short to be one, is ignored."""
        with self._lock:
            self._secrets |= {item for item in secrets if isinstance(item, str) and len(item) >= _SHORTEST}

    def mask(self, text: str) -> str:
        """The text with every secret cut."""
        with self._lock:
            secrets = sorted(self._secrets, key=len, reverse=True)
        for secret in secrets:
            if secret in text:
                text = text.replace(secret, short(secret))
        return text


def short(secret: str) -> str:
    """The first and last characters of a secret, enough to recognise it."""
    return f"{secret[:4]}…{secret[-2:]}" if len(secret) >= 16 else "‹masked›"
