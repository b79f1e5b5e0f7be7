"""Whether the sidecar could answer now: the keys of each portal, the ledger.

Asked at most once in LOOK_S seconds, however often probes ask, because anybody may ask without the token
and each look goes to the portal. One thread looks; who asks meanwhile is told what was seen before, so that
probes while a portal is down hold up nobody's call.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.errors import LedgerUnavailable, Undecided

from coinslot_verifier.sidecar.services import PortalServices

LOOK_S: Final = 5.0
NOT_SEEN: Final = "not-seen-yet"


class Readiness:
    """The last look at what the sidecar stands on."""

    def __init__(
        self,
        portals: Mapping[str, PortalServices],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._portals = portals
        self._monotonic = monotonic
        self._looking = threading.Lock()
        unseen = {name: {"keys": NOT_SEEN, "ledger": NOT_SEEN} for name in portals}
        self._seen: dict[str, Any] = {"ready": False, "portals": unseen}
        self._next_s = monotonic()

    def look(self) -> dict[str, Any]:
        """ready, and for each portal `keys` and `ledger`: "ok", a stable code, or null where it has none.

        The code is not-seen-yet as long as the first look goes on.
        """
        if self._looking.acquire(blocking=False):
            try:
                if self._monotonic() >= self._next_s:
                    self._look()
            finally:
                self._looking.release()
        return self._seen

    def _look(self) -> None:
        portals = {name: _look_at(portal) for name, portal in self._portals.items()}
        good = all(state in (None, "ok") for part in portals.values() for state in part.values())
        self._seen = {"ready": good, "portals": portals}
        self._next_s = self._monotonic() + LOOK_S


def _look_at(portal: PortalServices) -> dict[str, str | None]:
    return {"keys": _keys(portal), "ledger": _ledger(portal)}


def _keys(portal: PortalServices) -> str | None:
    state = "ok" if portal.keys else None
    for source in portal.keys:
        try:
            source.keys_for(None)
        except Undecided as error:
            state = error.code
    return state


def _ledger(portal: PortalServices) -> str | None:
    if portal.ledger is None:
        return None
    from coinslot_verifier.ledger_trouble import ledger_trouble

    try:
        with ledger_trouble():
            portal.ledger.next_due_at_s()
    except LedgerUnavailable as error:
        return error.code
    return "ok"
