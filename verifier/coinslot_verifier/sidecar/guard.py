"""Who may call the sidecar at all: under its own name, from a program, with the token.

Refused before anything is read: a Host that is neither this machine nor configured (a page that rebinds its
name to us), any Origin (no browser has business here), a missing or wrong token. The token is compared in
constant time.
"""

import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from coinslot_verifier.sidecar.problems import Problem

OPEN: Final = frozenset({"/health", "/ready", "/openapi.json"})
"""Paths that want no token: a probe and a reader of the document hold no secret."""


class Guard:
    """Decides by the headers of a request whether it is looked at."""

    def __init__(self, *, token: str, hosts: Iterable[str]) -> None:
        self._token = token.encode()
        self._hosts = {name.lower() for name in hosts if name}

    def check(self, environ: Mapping[str, Any]) -> None:
        """Return where the request may go on; Problem otherwise."""
        host = environ.get("HTTP_HOST", "")
        if host and not self._is_ours(host):
            raise Problem(
                "host-not-allowed",
                "the Host header names neither this machine nor a configured host",
            )
        if "HTTP_ORIGIN" in environ:
            raise Problem("origin-not-allowed", "the call was made by a page")
        if environ.get("PATH_INFO") not in OPEN and not self._has_token(environ):
            raise Problem(
                "token-wrong",
                "the sidecar wants its token",
            )

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name == "localhost" or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # an address cannot be rebound

    def _has_token(self, environ: Mapping[str, Any]) -> bool:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        given = token.strip().encode("latin-1", "replace")
        return hmac.compare_digest(given, self._token) and scheme.lower() == "bearer"
