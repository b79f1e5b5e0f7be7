"""What each control call may say: hand-written parse functions, one per body.

Names of lies, defects and modes come from `coinslot_contracts.vocabulary`: API, command and YAML agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.vocabulary import (
    ACK_RULES,
    HOSTILE_TOKENS,
    RETRY_PRESETS,
    TOKEN_SIGNERS,
)

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, invalid
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.games import KEPT, GameChange, Kept
from coinslot_sandbox.jose import TokenWish

ID_CHARS_MAX: Final = 255
URL_CHARS_MAX: Final = 2048
RAW_CHARS_MAX: Final = 200_000
RETRIES_MAX: Final = 1000
RETRY_S_MAX: Final = 31 * 86_400
TIMEOUT_S: Final = (0.05, 120.0)
TTL_S_MAX: Final = 10 * 366 * 86_400
COPIES_MAX: Final = 200
CODES_MAX: Final = 100
_TOKEN_CHARACTERS: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_FRAMING: Final = frozenset({"transfer-encoding", "content-length", "connection"})


def parse_empty(body: Mapping[str, Any]) -> None:
    """The body of a call that takes nothing."""
    Members(body, known=())


def parse_game(body: Mapping[str, Any], context: Context) -> tuple[str, GameChange]:
    """PUT /games/{gameId}: portal, and what to change."""
    members = Members(
        body,
        known=(
            "portal",
            "shared_key",
            "callback_url",
            "iap_enabled",
            "retry",
            "timeout_s",
            "ack_rule",
            "terminal_codes",
            "environments",
        ),
    )
    portal = context.portal(members, context.with_callbacks)
    url: str | Kept | None = KEPT
    if members.has("callback_url"):
        url = callback_url(members, "callback_url", context)
    enabled = members.flag("iap_enabled")
    timeout_s = members.number("timeout_s", least=TIMEOUT_S[0], most=TIMEOUT_S[1])
    codes = members.texts("terminal_codes", items_max=CODES_MAX)
    return portal, GameChange(
        shared_key=members.text("shared_key") if members.has("shared_key") else KEPT,
        callback_url=url,
        iap_enabled=KEPT if enabled is None else enabled,
        retry=_retry(members),
        timeout_s=KEPT if timeout_s is None else timeout_s,
        ack_rule=members.choice("ack_rule", ACK_RULES) or KEPT,
        terminal_codes=KEPT if codes is None else codes,
        environments=_environments(members, context.portals[portal].environments),
    )


def _environments(members: Members, known: tuple[str, ...]) -> tuple[str, ...] | Kept:
    """Those in which a game is known, in the portal's order."""
    given = members.texts("environments")
    if given is None:
        return KEPT
    if not given or not set(given) <= set(known):
        raise members.wrong("environments", f"one or several of {', '.join(known)}")
    return tuple(name for name in known if name in given)


def callback_url(members: Members, name: str, context: Context) -> str | None:
    url = members.text(name, chars_max=URL_CHARS_MAX)
    problem = None if url is None else context.callback_policy.problem(url)
    if problem is not None:
        raise Problem(
            400,
            "callback-url-not-allowed",
            f"callbacks may not go to {name}: {problem}",
            remedy="take a private address, or start the sandbox with --allow-host or --allow-cidr",
        )
    return url


def _retry(members: Members) -> str | tuple[float, ...] | Kept:
    given = members.any("retry")
    if given is None:
        return KEPT
    if isinstance(given, str):
        name = members.choice("retry", RETRY_PRESETS)
        assert name is not None
        return name
    if not isinstance(given, list) or len(given) > RETRIES_MAX or not all(map(_is_wait, given)):
        raise members.wrong(
            "retry", f"a preset, or at most {RETRIES_MAX} waits of 0 to {RETRY_S_MAX} seconds"
        )
    return tuple(float(wait_s) for wait_s in given)


def _is_wait(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= RETRY_S_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerWish:
    """A player as given; None is made up."""

    user_id: str | None
    username: str | None
    picture_url: str | None


def parse_player(body: Mapping[str, Any]) -> PlayerWish:
    """POST /players."""
    members = Members(body, known=("user_id", "username", "picture_url"))
    return PlayerWish(
        user_id=members.decimal_id("user_id"),
        username=members.text("username", chars_max=255),
        picture_url=members.text("picture_url", chars_max=URL_CHARS_MAX),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductWish:
    """A product as given; None is made up."""

    product_id: str | None
    title: str | None
    price: int | None


def parse_product(body: Mapping[str, Any]) -> ProductWish:
    """POST /products."""
    members = Members(body, known=("product_id", "title", "price"))
    return ProductWish(
        product_id=members.text("product_id", chars_max=ID_CHARS_MAX),
        title=members.text("title", chars_max=255),
        price=members.integer("price", least=0, most=2**31 - 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCall:
    """POST /tokens: for whom, for which game, and what is wrong with it."""

    portal: str
    environment: str
    user_id: str
    game_id: str | None
    wish: TokenWish


def parse_token(body: Mapping[str, Any], context: Context) -> TokenCall:
    """POST /tokens."""
    members = Members(body, known=("player", "portal", "environment", "game", "token"))
    portal, game_id = context.portal(members, context.with_identity), members.decimal_id("game")
    if game_id is None and portal not in context.with_callbacks:
        raise members.missing("game")
    return TokenCall(
        portal=portal,
        environment=context.environment(members, portal),
        user_id=members.required_decimal_id("player"),
        game_id=game_id,
        wish=token_wish(members.table("token") or {}, where="token", more=("user", "ttl_s")),
    )


def token_wish(spec: Mapping[str, Any], *, where: str, more: tuple[str, ...] = ()) -> TokenWish:
    """What a token is to be.

    where  name of the member that holds this
    more   members that this kind of token has beside those of every kind
    """
    known = ("hostile", "sign", "header", "claims", "raw", *more)
    members = Members(spec, known=known, where=where)
    hostile = members.choice("hostile", HOSTILE_TOKENS, code="hostile-unknown")
    if hostile is not None:
        if len(spec) > 1:
            raise invalid(where, "either a hostile name alone, or the other members")
        return TokenWish(hostile=hostile)
    return TokenWish(
        sign=members.choice("sign", TOKEN_SIGNERS) or "current",
        header=members.table("header"),
        claims=members.table("claims"),
        user=members.table("user"),
        raw=members.text("raw", chars_max=RAW_CHARS_MAX, chars_min=0, lines=True),
        ttl_s=members.number("ttl_s", least=-TTL_S_MAX, most=TTL_S_MAX),
    )


def header_changes(members: Members) -> dict[str, str | None]:
    """Headers to set; null leaves one out."""
    table = members.table("headers") or {}
    for name, value in table.items():
        if not name or not set(name) <= _TOKEN_CHARACTERS or name.lower() in _FRAMING:
            raise members.wrong("headers", "named with letters, digits and dashes, and none of the framing")
        if value is not None and not is_header_value(value):
            raise members.wrong("headers", "strings of Latin-1 characters without line breaks, or null")
    return table


def is_header_value(value: object) -> bool:
    """Whether it can stand behind a header's name: Latin-1 without line breaks, of a bearable length."""
    if not isinstance(value, str) or len(value) > 8192:
        return False
    return all(
        character == "\t" or (32 <= ord(character) <= 255 and ord(character) != 127) for character in value
    )
