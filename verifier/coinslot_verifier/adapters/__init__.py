"""What the adapters for web frameworks share: one notification in, one answer out.

An adapter hands over raw bytes and raw headers, and sends back the answer that it is given. The order is
fixed: verify, then the backend's own `handle` with its commit, then the acknowledgement. No framework is
known here.
clause   sandbox:at-least-once
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Final

from coinslot_contracts.domain import Notification
from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.wire import WireReply

from coinslot_verifier.notification import NotificationVerifier

Handle = Callable[[Notification], object]
"""Grants or revokes, and returns after its commit. Raise Refused or Undecided for the portal's own error
answer; any other exception is the framework's to log and to answer with 500: nothing is acknowledged then."""

BODY_BYTES_MAX: Final = 1_048_576
_TEXT: Final = ("Content-Type", "text/plain")
ONLY_POST: Final = WireReply(status=405, headers=(("Allow", "POST"), _TEXT), body=b"send POST\n")
UNREADABLE: Final = WireReply(status=400, headers=(_TEXT,), body=b"the body cannot be read\n")
LENGTH_REQUIRED: Final = WireReply(status=411, headers=(_TEXT,), body=b"send Content-Length\n")
TOO_LARGE: Final = WireReply(status=413, headers=(_TEXT,), body=b"the body is too large\n")


def settle(
    notifications: NotificationVerifier, handle: Handle, headers: Iterable[tuple[str, str]], body: bytes
) -> WireReply:
    """Verify, handle, and return what to answer.

    headers   pairs of name and value, repeated ones repeated
    body      the raw bytes as they arrived
    errors    TypeError where handle is asynchronous, since its work would be acknowledged and never done;
              whatever else handle raises beyond Refused and Undecided
    """
    try:
        notification = notifications.verify(headers, body)
        result = handle(notification)
    except CoinslotError as error:
        return notifications.reply_for(error)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("handle is asynchronous; only the ASGI adapter awaits one")
    return notifications.accepted()
