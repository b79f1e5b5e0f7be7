"""The nouns that every portal shares, as frozen values.

All ids are `str` inside, whatever JSON type a portal sends them as. Times are seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

NotificationKind = Literal["pay", "refund"]
Effect = Literal["grant", "revoke", "nothing"]
OrderState = Literal["created", "pending", "paid", "failed", "canceled", "expired"]
ORDER_STATES: Final[tuple[OrderState, ...]] = get_args(OrderState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Who plays; `user_id` is the portal's id of the player."""

    user_id: str
    username: str
    picture_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """What the portal knows of one game; None means that the team has not set it.

    shared_key    the secret of the game parameters, UTF-8 bytes
    iap_enabled   whether in-app purchase is switched on in the game's settings
    """

    game_id: str
    shared_key: bytes | None = field(default=None, repr=False)
    callback_url: str | None = None
    iap_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The portal's record of one purchase.

    state            created or pending (unpaid as yet), paid, failed, canceled or expired
    arrived_status   0 = not delivered, 1 = delivered
    refund_status    0 = refunding, 1 = refunded, 2 = refund failed, 3 = refund rejected, None = no refund
    external_id      what the game passed when it opened the purchase, None where the portal has no such thing
    verify           what a verification says, where it differs from what the other facts imply
    consumed         the game has used the purchase up
    charged_back     the player's bank took the payment back
    """

    order_id: str
    game_id: str
    user_id: str
    product_id: str
    created_at_s: int
    state: OrderState = "created"
    paid_at_s: int | None = None
    arrived_status: int = 0
    refund_status: int | None = None
    refunded_at_s: int | None = None
    external_id: str | None = None
    verify: str | None = None
    consumed: bool = False
    charged_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The fact that a portal tells a backend: this order was paid, or refunded.

    kind            what the portal calls it; what to do about it is `effect`
    arrived_status  what the portal believes; never a reason to skip a grant: keep a ledger of your own
    """

    kind: NotificationKind
    game_id: str
    order_id: str
    user_id: str
    product_id: str
    arrived_status: int
    created_at_s: int
    paid_at_s: int
    refund_status: int | None = None
    refunded_at_s: int | None = None

    @property
    def effect(self) -> Effect:
        """What it does to the item: "grant" it, "revoke" it, or "nothing".

        A refund that is through (refund_status 1) revokes whatever the kind says, because a portal may call
        every notification a payment; a refund in any other state, or in none, does nothing.
        clause   sandbox:pay-refunded-is-refund
        """
        if self.refund_status == 1:
            return "revoke"
        return "grant" if self.kind == "pay" else "nothing"


@dataclass(frozen=True, init=False)
class Identity:
    """Whom a user token speaks of.

    One is made per login: its members are set at once, since a frozen class otherwise sets each by a call of
    its own, which took longer than reading the claims.

    issued_at_s, expires_at_s   the token's own iat and exp, None where it has none
    claims                      every claim as sent, for what the portal adds later
    """

    user_id: str
    game_id: str
    username: str
    picture_url: str
    issued_at_s: int | None
    expires_at_s: int | None
    issuer: str | None
    token_id: str | None
    claims: Mapping[str, Any] = field(repr=False, compare=False)

    def __init__(
        self,
        *,
        user_id: str,
        game_id: str,
        username: str,
        picture_url: str,
        issued_at_s: int | None,
        expires_at_s: int | None,
        issuer: str | None,
        token_id: str | None,
        claims: Mapping[str, Any],
    ) -> None:
        self.__dict__.update(
            user_id=user_id,
            game_id=game_id,
            username=username,
            picture_url=picture_url,
            issued_at_s=issued_at_s,
            expires_at_s=expires_at_s,
            issuer=issuer,
            token_id=token_id,
            claims=claims,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOrder:
    """One row of a portal's list of paid orders."""

    order_id: str
    user_id: str
    product_id: str
    arrived_status: int
    paid_at_s: int
    refund_status: int | None = None
    refunded_at_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersPage:
    """One page of a portal's list of paid orders, with the portal's own numbers; 0 = it says none."""

    orders: tuple[ListedOrder, ...]
    page_no: int
    page_size: int
    pages_total: int
    orders_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseClaims:
    """What a signed purchase token says: that the portal issued it, not that it is paid."""

    order_id: str
    external_id: str
    claims: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A purchase whose token was checked and which the portal confirmed as paid."""

    order_id: str
    external_id: str
    claims: Mapping[str, Any] = field(repr=False, compare=False)
