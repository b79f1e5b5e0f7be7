"""What the backend signed and sent to the portal, kept to be reflected: one rule signs both directions.

The newest few requests of each kind stay in memory, small ones only; whether a signature is good is asked
when a body is wanted, because keys change.
"""

import hmac
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coinslot_contracts.portal import Portal, Subject
from coinslot_contracts.wire import WireRequest

KEPT: Final = 64
BODY_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class _Capture:
    portal: str
    subject: Subject
    body: bytes
    signature: str = field(repr=False)


class Captures:
    """The reports and questions of one workspace's backends."""

    def __init__(self, portals: Mapping[str, Portal]) -> None:
        self._portals = portals
        self._lock = threading.Lock()
        self._kept: dict[str, deque[_Capture]] = {"arrived": deque(maxlen=KEPT), "orders": deque(maxlen=KEPT)}

    def note(self, portal: Portal, endpoint: str, subject: Subject, request: WireRequest) -> None:
        """Keep a request, where it is one of those that can be reflected."""
        if portal.notices is None or portal.reports is None:
            return
        kinds = {portal.reports.arrived_endpoint: "arrived", portal.reports.orders_endpoint: "orders"}
        signature, kind = request.header(portal.notices.signature_header), kinds.get(endpoint)
        if kind is None or not signature or len(request.body) > BODY_BYTES_MAX:
            return
        with self._lock:
            self._kept[kind].append(
                _Capture(portal=portal.name, subject=subject, body=request.body, signature=signature)
            )

    def find(self, portal: str, game_id: str, *, of: str, shared_key: bytes) -> bytes | None:
        """The newest body of this game that is signed with this key; None where there is none.

        of   "arrived" or "orders"
        """
        notices = self._portals[portal].notices
        if notices is None:
            return None
        with self._lock:
            kept = [capture for capture in self._kept[of] if capture.portal == portal]
        for capture in reversed(kept):
            good = notices.sign(capture.body, shared_key).encode()
            signed = hmac.compare_digest(capture.signature.encode("utf-8", "surrogateescape"), good)
            if signed and capture.subject.game_id == game_id:
                return capture.body
        return None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for kept in self._kept.values():
                kept.clear()
