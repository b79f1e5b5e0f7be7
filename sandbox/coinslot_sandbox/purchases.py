"""Purchases as the client library hands them over: the object, its signed token, named lies about it.

The form and its lies are `jose`'s; what a purchase says is the portal's (`PurchasePart`). A purchase can be
made of an order in any state, because what a backend does with an unpaid one is worth rehearsing.
clause   the claims and the object are the portal's (`PurchasePart.clause`)
"""

from dataclasses import dataclass, replace
from typing import Any

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Order
from coinslot_contracts.errors import CoinslotError, Refused, TokenMalformed
from coinslot_contracts.portal import PurchasePart
from coinslot_contracts.vocabulary import HOSTILE_TOKENS, TOKEN_SIGNERS

from coinslot_sandbox.jose import (
    Claims,
    Forge,
    Forgery,
    Header,
    LieInapplicable,
    Minted,
    TokenWish,
    at_wrong_time,
    merged,
    time_error,
)
from coinslot_sandbox.keys import KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedPurchase:
    """What the client holds, and the token inside it."""

    purchase: dict[str, Any]
    minted: Minted


class PurchaseMint:
    """Mints the purchases of one portal under its ring."""

    def __init__(self, part: PurchasePart, ring: KeyRing, *, speak: Speak) -> None:
        self._part = part
        self._speak = speak
        self._forge = Forge(ring, algorithms=part.algorithms)

    @property
    def lies(self) -> tuple[str, ...]:
        """The names in HOSTILE_TOKENS that apply to this portal's purchases."""
        return self._forge.lies()

    def mint(
        self, wish: TokenWish, *, order: Order, price: int, now_s: float, restored: bool = False
    ) -> MintedPurchase:
        """Make the purchase of an order.

        now_s     claims clock, seconds since 1970
        restored  as the client library lists it later, not as it hands it over
        errors    NoRetiredKey, LieInapplicable
        """
        if wish.hostile is not None:
            minted = self._hostile(wish.hostile, order, price, now_s=int(now_s))
        else:
            minted = self._custom(wish, self._claims(order, price, now_s=int(now_s)), now_s=now_s)
        minted = replace(minted, says=f"{minted.says}; {_said_of(order)}")
        purchase = self._part.purchase(order=order, price=price, token=minted.token)
        say = self._part.say_restored if restored else self._part.say_purchase
        return MintedPurchase(purchase=say(purchase, self._speak), minted=minted)

    def _claims(self, order: Order, price: int, *, now_s: int, untimely: str | None = None) -> Claims:
        """The good claims in the chosen manner of speaking; `untimely` is a lie about their times."""
        good = self._part.claims(order=order, issued_at_s=now_s)
        if untimely is not None:
            good = at_wrong_time(untimely, good, now_s=now_s) or good
        return self._part.say(good, order, price, self._speak)

    def _custom(self, wish: TokenWish, good: Claims, *, now_s: float) -> Minted:
        claims = merged(good, wish.claims)
        header = merged(self._forge.header(wish.sign), wish.header)
        token = self._forge.signed(wish.sign, header, claims) if wish.raw is None else wish.raw
        error = self._expected(wish, header, claims, now_s=now_s)
        return Minted(
            token=token,
            header=header,
            claims=claims,
            error=None if error is None else error.code,
            says="given as raw text" if wish.raw is not None else TOKEN_SIGNERS[wish.sign],
        )

    def _hostile(self, name: str, order: Order, price: int, *, now_s: int) -> Minted:
        if name not in self.lies:
            raise LieInapplicable(name, self.lies)
        header = self._forge.header()
        other = replace(order, order_id=_other_id(order.order_id))
        good, changed = (self._claims(told_of, price, now_s=now_s) for told_of in (order, other))
        told = self._forge.lie(name, Forgery(header=header, good=good, changed=changed))
        if told is None:
            claims = self._claims(order, price, now_s=now_s, untimely=name)
            told = self._forge.signed("current", header, claims), header, claims
        lie, (token, header, claims) = HOSTILE_TOKENS[name], told
        return Minted(token=token, header=header, claims=claims, error=lie.expected.code, says=lie.says)

    def _expected(
        self, wish: TokenWish, header: Header, claims: Claims, *, now_s: float
    ) -> type[CoinslotError] | None:
        """The error that our verifier gives, in the order in which it judges."""
        if wish.raw is not None:
            return TokenMalformed
        error = self._forge.error(wish.sign, header) or time_error(claims, now_s=now_s, needs_exp=False)
        if error is not None:
            return error
        try:
            self._part.parse_claims(claims)
        except Refused as refused:
            return type(refused)
        return None


def _other_id(order_id: str) -> str:
    """An order id of the same length that is another order's, if anybody's."""
    last = "A" if order_id[-1] != "A" else "B"
    return order_id[:-1] + last


def _said_of(order: Order) -> str:
    if order.verify is not None:
        return f"the order is {order.state}, its verification says {order.verify}"
    return f"the order is {order.state}"
