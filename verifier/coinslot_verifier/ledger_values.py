"""What the ledger answers: what a payment or a refund did, and to whose item.

Plain values; they must not know a database.
"""

from dataclasses import dataclass
from enum import StrEnum


class GrantOutcome(StrEnum):
    """What a payment did: give the item now / it was given before / it was refunded first, give nothing."""

    GRANTED = "granted"
    ALREADY_GRANTED = "already-granted"
    REFUNDED_BEFORE = "refunded-before"


class RevokeOutcome(StrEnum):
    """What a refund did: take the item now / it was taken before / nothing given yet, and nothing will be /
    the status does not concern the item."""

    REVOKED = "revoked"
    ALREADY_REVOKED = "already-revoked"
    REMEMBERED = "remembered"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one notification or listed order did to the ledger.

    flagged   the portal holds the order for delivered, and we never granted it; worth a look by a person
    """

    order_id: str
    user_id: str
    product_id: str
    outcome: GrantOutcome | RevokeOutcome
    flagged: bool = False

    @property
    def is_change(self) -> bool:
        """Whether an item is to be given or taken now."""
        return self.outcome in (GrantOutcome.GRANTED, RevokeOutcome.REVOKED)
