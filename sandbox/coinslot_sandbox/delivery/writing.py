"""Writing a notification: what is told, as the portal speaks now, signed over exactly those bytes.

What a portal says and how is its own matter (`NoticesPart`); when it goes out is the queue's.
"""

from dataclasses import dataclass
from typing import Any

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Notification
from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import Headers

from coinslot_sandbox.delivery.signatures import notification_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A notification that is ready to go."""

    body: bytes
    headers: Headers
    signature: str


def written_members(notices: NoticesPart, notification: Notification, speak: Speak) -> dict[str, Any]:
    """The members of a notification's body."""
    return notices.manner.members(notices.fields(notification), speak)


def write_notification(
    notices: NoticesPart, notification: Notification, speak: Speak, *, shared_key: bytes
) -> Written:
    """Write a notification as the portal speaks now; a dialect that is chosen later changes nothing in it."""
    manner = notices.manner
    body, extra = manner.dump(written_members(notices, notification, speak), speak)
    signature = manner.signature(notices.sign(body, shared_key), speak)
    headers = manner.headers(notification_headers(notices, signature, extra), speak)
    return Written(body=body, headers=headers, signature=signature)
