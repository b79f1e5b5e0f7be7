"""A key endpoint for what keeps keys: its answers, how often it was asked, and forged tokens in masses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_seller import jwks
from coinslot_testkit.ledger_facts import Clock
from coinslot_verifier.kept_keys import FETCH_EVERY_S, FETCHES_AT_ONCE

FORGED = 10_000
EVERY_S = 0.01


class KeyEndpoint:
    """A Sender that answers every request with `reply`; `meanwhile` is called before it answers."""

    def __init__(self, reply: WireReply) -> None:
        self.reply = reply
        self.urls: list[str] = []
        self.attempts: set[int] = set()
        self.meanwhile: Callable[[], object] = lambda: None

    def publish(self, *entries: object) -> None:
        """Answer with a key set of these entries from now on."""
        self.reply = WireReply(body=jwks(*entries))

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        self.urls.append(url)
        self.attempts.add(attempts_max)
        self.meanwhile()
        return self.reply


@dataclass(frozen=True, kw_only=True)
class Siege:
    """What forged tokens cost, one each 10 ms, while the key is rotated after half of them.

    fetches_max   of so many seconds, by the stated bound
    seen_after_s  how long after the rotation a token under the new key was accepted
    """

    fetches: int
    fetches_max: float
    seen_after_s: float

    def table(self) -> dict[str, Any]:
        """The figures, for a report."""
        return {
            "forged": FORGED,
            "seconds": round(FORGED * EVERY_S),
            "fetches": self.fetches,
            "bound": int(self.fetches_max),
            "rotation seen after s": round(self.seen_after_s, 2),
            "stated s": FETCH_EVERY_S,
        }


def besiege(
    endpoint: KeyEndpoint,
    clock: Clock,
    *,
    refuse: Callable[[int], None],
    rotated: WireReply,
    is_seen: Callable[[], bool],
) -> Siege:
    """Send forged tokens and rotate the key meanwhile.

    refuse   sends the forged token with this number, and fails where it is not refused
    is_seen  whether a token under the new key is accepted
    """
    seen_after_s = rotated_at_s = None
    for number in range(FORGED):
        clock.now_s += EVERY_S
        refuse(number)
        if number == FORGED // 2:
            endpoint.reply, rotated_at_s = rotated, clock.now_s
        if rotated_at_s is not None and seen_after_s is None and is_seen():
            seen_after_s = clock.now_s - rotated_at_s
    assert seen_after_s is not None, "the new key was never seen"
    return Siege(
        fetches=len(endpoint.urls),
        fetches_max=1 + FETCHES_AT_ONCE + FORGED * EVERY_S / FETCH_EVERY_S,
        seen_after_s=seen_after_s,
    )
