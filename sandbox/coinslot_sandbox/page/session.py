"""A browser's session: a value derived from the control token, in a cookie that no script can read.

There is nothing to store and nothing to expire: who holds the value has shown the token to this sandbox, or
to an earlier one with the same token.
"""

import hashlib
import hmac

from flask import Request, Response

LABEL = b"coinslot page session 1"


class Session:
    """Tells whether a browser has shown the token."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._value = hmac.new(self._token, LABEL, hashlib.sha256).hexdigest()

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    def is_open(self, request: Request) -> bool:
        """Whether the browser has shown it before."""
        sent = request.cookies.get(_name(request), "")
        return hmac.compare_digest(sent.encode("utf-8", "replace"), self._value.encode())

    def put(self, response: Response, request: Request) -> None:
        """Let the browser in from now on."""
        response.set_cookie(_name(request), self._value, httponly=True, samesite="Strict", path="/")


def _name(request: Request) -> str:
    """Cookies know no ports, so the name does: two sandboxes on one machine keep theirs apart."""
    return f"coinslot_session_{request.host.rpartition(':')[2] if ':' in request.host else '80'}"
