"""The manners in which Jogos may write its user token; the sample's manner is the default of each.

clauses   jogos:user.4; sandbox:no-kid, sandbox:token-lifetime-1h, sandbox:token-times, sandbox:token-user,
          sandbox:token-ids, sandbox:token-jti, sandbox:token-issuer
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.dialects import Speak, TokenManner
from coinslot_contracts.json_bytes import dump_compact, parse_json_object

LIFETIMES_S: Final[Mapping[str, int | None]] = {
    "one-hour": 3600,
    "thousand-hours": 3_600_000,
    "endless": None,
}
TIMES: Final = frozenset({"iat", "exp", "nbf"})
REPEATED_JTI: Final = "1967423537615581184"
"""The one of the document's sample (line 57)."""


def lifetime_s(speak: Speak) -> int | None:
    """How long a token lives, None for ever."""
    return LIFETIMES_S[speak("token_lifetime") or "one-hour"]


def header(good: Mapping[str, Any], kid: str | None, speak: Speak) -> dict[str, Any]:
    """The sample's header names only alg; libraries add more by themselves."""
    variant = speak("token_header")
    if variant == "alg-typ-kid":
        return {**good, "typ": "JWT", "kid": kid}
    return {**good, "typ": "JWT"} if variant == "alg-typ" else dict(good)


def say(good: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    """The claims in the chosen manner; where `sub` was made unreadable on purpose, it stays as it is."""
    told = _with_user(good, speak)
    told = _with_times(told, speak)
    told = _with_jti(told, speak)
    if speak("token_issuer") == "absent":
        told.pop("iss", None)
    return told


def _with_user(good: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    sub = good.get("sub")
    if not isinstance(sub, str) or not sub.startswith("{"):
        return dict(good)
    user = parse_json_object(sub)
    told = {**good, **_audience(user, speak)}
    return _USERS[speak("token_user") or "text"](told, _with_ids(user, speak))


def _audience(user: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    has_one = speak("token_audience") == "game-id" and "gameId" in user
    return {"aud": user["gameId"]} if has_one else {}


def _with_ids(user: Mapping[str, Any], speak: Speak) -> dict[str, Any]:
    names = {"number": ("userId", "gameId"), "game-number": ("gameId",)}.get(speak("token_ids") or "", ())
    return {name: _number(value) if name in names else value for name, value in user.items()}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


_USERS: Final[Mapping[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]]] = {
    "text": lambda told, user: {**told, "sub": dump_compact(user).decode()},
    "object": lambda told, user: {**told, "sub": user},
    "flat": lambda told, user: {
        **user,
        **{name: value for name, value in told.items() if name != "sub"},
    },
}


def _with_times(claims: dict[str, Any], speak: Speak) -> dict[str, Any]:
    if speak("token_times") != "milliseconds":
        return claims
    return {name: value * 1000 if name in TIMES else value for name, value in claims.items()}


def _with_jti(claims: dict[str, Any], speak: Speak) -> dict[str, Any]:
    variant = speak("token_jti")
    if variant == "absent":
        return {name: value for name, value in claims.items() if name != "jti"}
    told = {"number": int(claims["jti"]), "repeated": REPEATED_JTI}.get(variant or "", claims["jti"])
    return {**claims, "jti": told}


MANNER: Final = TokenManner(header=header)
