"""What takes a notification for received: the portal's own rule, or one that a game is set to.

No document is complete here, so the rule is a setting (sandbox:ack-json-code-200). A redirect is never
followed and never acknowledges, whatever the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from coinslot_contracts.portal import Ack, NoticesPart

SLOW_S: Final = 3.0
"""Beyond this an answer is marked as slow: a portal with the same signature gives up there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckRule:
    """How a game's answers are judged.

    name            in `vocabulary.ACK_RULES`
    terminal_codes  codes after which nothing is tried again
    """

    name: str = "json_code_200"
    terminal_codes: tuple[str, ...] = ()

    def ends(self, acks: Sequence[Ack]) -> bool:
        """Whether one of the answers says that trying again is of no use."""
        return any(not ack.accepted and ack.code in self.terminal_codes for ack in acks if ack.code)


def judge(rule: AckRule, notices: NoticesPart, *, status: int, body: bytes, elapsed_ms: float) -> Ack:
    """Whether an answer acknowledges."""
    ack = _ruled(rule.name, notices.ack(status, body), status)
    slow = elapsed_ms > SLOW_S * 1000
    if not slow:
        return ack
    says = f"the answer took {elapsed_ms / 1000:.1f} s; more than {SLOW_S:g} s is too slow for some portals"
    return replace(ack, note=says if ack.note is None else f"{ack.note}; {says}")


def _ruled(rule: str, own: Ack, status: int) -> Ack:
    if 300 <= status < 400:
        return replace(
            own, accepted=False, reason=f"HTTP {status} is a redirect and is not followed", note=None
        )
    if rule == "any":
        return replace(own, accepted=True, reason=f"any answer acknowledges; it was HTTP {status}", note=None)
    if rule == "http_2xx":
        good = 200 <= status < 300
        says = f"HTTP {status} is a success" if good else f"HTTP {status} is no success"
        return replace(own, accepted=good, reason=says, note=None)
    return own
