"""What a correct reader of one portal's tokens asks for, from its parts: user tokens or purchases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from coinslot_contracts.domain import Identity, Player
from coinslot_contracts.portal import Portal, PublishedKey

Kind = Literal["user", "purchase"]
_SAMPLE_PLAYER: Final = Player(user_id="1", username="sample", picture_url="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """The rules of one kind of token.

    title        of the portal, for sentences
    names_keys   tokens say by kid which key signed them
    needs_exp    a good token always says when it ends
    sub_is_user  the user is JSON text inside `sub`
    user_fields  our name of a user fact -> the portal's member name
    read         claims -> Identity, None for a purchase; raises Refused
    parse_keys   body of the key endpoint -> keys; raises Refused
    """

    title: str
    kind: Kind
    algorithms: tuple[str, ...]
    names_keys: bool
    issuer: str | None
    needs_exp: bool
    sub_is_user: bool
    user_fields: Mapping[str, str]
    read: Callable[[Mapping[str, Any]], Identity | None]
    parse_keys: Callable[[bytes], tuple[PublishedKey, ...]]
    clause: str
    clauses: Mapping[str, str]


def token_rules(portal: Portal) -> tuple[TokenRules, ...]:
    """The rules of every kind of token that the portal signs, user tokens first."""
    found = []
    if portal.identity is not None:
        found.append(_of_users(portal))
    if portal.purchases is not None:
        found.append(_of_purchases(portal))
    return tuple(found)


def _of_users(portal: Portal) -> TokenRules:
    part = portal.identity
    assert part is not None
    sample = part.claims(
        player=_SAMPLE_PLAYER, game_id="1", issued_at_s=0, expires_at_s=1, token_id=part.token_id(0, 0)
    )
    return TokenRules(
        title=portal.title,
        kind="user",
        algorithms=(part.algorithm,),
        names_keys="kid" in part.header("any"),
        issuer=part.issuer or None,
        needs_exp="exp" in sample,
        sub_is_user=isinstance(sample.get("sub"), str) and sample["sub"].startswith("{"),
        user_fields=part.user_fields,
        read=part.parse,
        parse_keys=part.parse_keys,
        clause=part.clause,
        clauses=part.clauses,
    )


def _of_purchases(portal: Portal) -> TokenRules:
    part = portal.purchases
    assert part is not None

    def read(claims: Mapping[str, Any]) -> None:
        part.parse_claims(claims)

    return TokenRules(
        title=portal.title,
        kind="purchase",
        algorithms=part.algorithms,
        names_keys="kid" in part.header("any"),
        issuer=None,
        needs_exp=False,
        sub_is_user=False,
        user_fields={},
        read=read,
        parse_keys=part.parse_keys,
        clause=part.clause,
        clauses=part.clauses,
    )
