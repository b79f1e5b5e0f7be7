"""User tokens: good ones, and every named lie about them.

The form and its lies are `jose`'s, over any portal; a defect of a portal's own claims comes from
`IdentityPart.claim_defects`.
clause   the claims are the portal's (`IdentityPart.clause`)
"""

from collections.abc import Mapping
from typing import Any

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Player
from coinslot_contracts.errors import CoinslotError, GameMismatch, IssuerMismatch, SubInvalid, TokenMalformed
from coinslot_contracts.portal import IdentityPart
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


class Mint:
    """Mints the user tokens of one portal under its ring."""

    def __init__(self, identity: IdentityPart, ring: KeyRing, *, speak: Speak) -> None:
        self._identity = identity
        self._speak = speak
        self._forge = Forge(ring, algorithms=(identity.algorithm,))

    @property
    def lies(self) -> tuple[str, ...]:
        """The names in HOSTILE_TOKENS that apply to this portal's tokens."""
        return (*self._forge.lies(), *self._identity.claim_defects)

    def mint(self, wish: TokenWish, *, player: Player, game_id: str, now_s: float, sequence: int) -> Minted:
        """Make the token that is wished for.

        now_s     claims clock, seconds since 1970
        sequence  keeps the token ids of one millisecond apart
        errors    NoRetiredKey, LieInapplicable
        """
        lifetime_s = self._identity.lifetime_s(self._speak) if wish.ttl_s is None else int(wish.ttl_s)
        good = self._identity.claims(
            player=player,
            game_id=game_id,
            issued_at_s=int(now_s),
            expires_at_s=None if lifetime_s is None else int(now_s) + lifetime_s,
            token_id=self._identity.token_id(int(now_s * 1000), sequence % 4096),
        )
        if wish.hostile is not None:
            return self._hostile(wish.hostile, good, now_s=int(now_s))
        return self._custom(wish, good, now_s=now_s, game_id=game_id)

    def _custom(self, wish: TokenWish, good: Claims, *, now_s: float, game_id: str) -> Minted:
        claims = self._identity.change_user(good, wish.user) if wish.user else good
        claims = merged(self._said(claims), wish.claims)
        header = merged(self._forge.header(wish.sign), wish.header)
        token = self._forge.signed(wish.sign, header, claims) if wish.raw is None else wish.raw
        error = self._expected(wish, header, claims, now_s=now_s, game_id=game_id)
        return Minted(
            token=token,
            header=header,
            claims=claims,
            error=None if error is None else error.code,
            says="given as raw text" if wish.raw is not None else TOKEN_SIGNERS[wish.sign],
        )

    def _hostile(self, name: str, good: Claims, *, now_s: int) -> Minted:
        if name not in self.lies:
            raise LieInapplicable(name, self.lies)
        header = self._forge.header()
        changed = self._said(self._other_user(good))
        told = self._forge.lie(name, Forgery(header=header, good=self._said(good), changed=changed))
        if told is None:
            spoilt = at_wrong_time(name, good, now_s=now_s) or self._identity.claim_defects[name](good)
            claims = self._said(spoilt)
            told = self._forge.signed("current", header, claims), header, claims
        lie, (token, header, claims) = HOSTILE_TOKENS[name], told
        return Minted(token=token, header=header, claims=claims, error=lie.expected.code, says=lie.says)

    def _said(self, claims: Mapping[str, Any]) -> Claims:
        """The claims in the chosen manner of speaking; wishes for single claims come after it."""
        return self._identity.say(claims, self._speak)

    def _other_user(self, good: Claims) -> Claims:
        member = self._identity.user_fields["user_id"]
        return self._identity.change_user(good, {member: str(int(self._identity.parse(good).user_id) + 1)})

    def _expected(
        self, wish: TokenWish, header: Header, claims: Claims, *, now_s: float, game_id: str
    ) -> type[CoinslotError] | None:
        """The error that our verifier gives, in the order in which it judges."""
        if wish.raw is not None:
            return TokenMalformed
        return self._forge.error(wish.sign, header) or self._claims_error(
            claims, now_s=now_s, game_id=game_id
        )

    def _claims_error(
        self, claims: Mapping[str, Any], *, now_s: float, game_id: str
    ) -> type[CoinslotError] | None:
        if claims.get("iss") != self._identity.issuer:
            return IssuerMismatch
        untimely = time_error(claims, now_s=now_s, needs_exp=True)
        if untimely is not None:
            return untimely
        try:
            identity = self._identity.parse(claims)
        except SubInvalid:
            return SubInvalid
        return None if identity.game_id == game_id else GameMismatch
