"""What is wrong with a token's claims: times, issuer, game, user; and what a reader made of them.

Each function gives findings, a name and the facts for its sentence, in the order in which a reader judges.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from coinslot_contracts.domain import Identity
from coinslot_contracts.errors import Refused

from coinslot_sandbox.diagnosis.token_rules import TokenRules
from coinslot_sandbox.diagnosis.token_text import as_text, inner_json

Finding = tuple[str, Mapping[str, str]]

MS_FROM: Final = 100_000_000_000
"""As seconds that is the year 5138; as milliseconds 1973."""
SKEW_S_MAX: Final = 60
EARLY_S: Final = 1
NO_USER: Final = frozenset({"", "undefined", "null", "none", "nan", "[object object]", "0"})
_TIMES: Final = ("iat", "nbf", "exp")


def time_findings(claims: Mapping[str, Any], rules: TokenRules, *, now_s: float) -> Iterator[Finding]:
    """Times in another unit or type, then what they say at this moment."""
    given = {name: claims[name] for name in _TIMES if name in claims}
    odd = [name for name, value in given.items() if not _is_number(value)]
    in_ms = [name for name in given if name not in odd and given[name] >= MS_FROM]
    if in_ms:
        yield "time-in-ms", {"members": " and ".join(in_ms)}
    if odd:
        yield "time-not-a-number", {"members": " and ".join(odd)}
    if rules.needs_exp and "exp" not in given:
        yield "exp-missing", {}
    usable = {name: float(value) for name, value in given.items() if name not in (*odd, *in_ms)}
    if "exp" in usable and "iat" in usable and usable["exp"] < usable["iat"]:
        yield "exp-before-iat", {}
    elif "exp" in usable and usable["exp"] <= now_s:
        yield _past(now_s - usable["exp"])
    early = {name: usable[name] - now_s for name in ("iat", "nbf") if name in usable}
    latest = max(early, key=lambda name: early[name], default=None)
    if latest is not None and early[latest] > EARLY_S:
        yield _future(latest, early[latest])


def _past(late_s: float) -> Finding:
    if late_s < SKEW_S_MAX:
        return "clock-skew", {"skew": str(math.floor(late_s) + 1), "claim": "exp has just passed"}
    return "expired", {"late": span(late_s)}


def _future(name: str, early_s: float) -> Finding:
    if early_s <= SKEW_S_MAX:
        return "clock-skew", {"skew": str(math.ceil(early_s)), "claim": f"{name} is in the future"}
    return "not-yet-valid", {"early": span(early_s)}


def span(seconds: float) -> str:
    """A length of time for people, the seconds always among it."""
    whole = math.ceil(seconds)
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole} s ({whole / size:.1f} {name})"
    return f"{whole} s"


def issuer_findings(claims: Mapping[str, Any], rules: TokenRules) -> Iterator[Finding]:
    """Whether the portal says of itself that it issued the token."""
    if rules.issuer is None or claims.get("iss") == rules.issuer:
        return
    if "iss" not in claims:
        yield "issuer-missing", {}
    else:
        yield "issuer-other", {"found": as_text(claims["iss"]), "wanted": as_text(rules.issuer)}


def read_user(claims: Mapping[str, Any], rules: TokenRules) -> tuple[Identity | None, list[Finding]]:
    """Who the token speaks of as a correct reader finds it, or why nobody is found."""
    try:
        return rules.read(claims), []
    except Refused as error:
        return None, [_unusable(claims, rules, error.detail)]


def _unusable(claims: Mapping[str, Any], rules: TokenRules, detail: str) -> Finding:
    facts = {"detail": detail}
    if not rules.sub_is_user:
        return "claims-unusable", facts
    sub = claims.get("sub")
    if not isinstance(sub, str):
        return _no_text(sub, claims, rules), facts
    try:
        user = inner_json(sub)
    except ValueError:
        return "sub-not-json", facts
    if isinstance(user, str):
        return "sub-encoded-twice", facts
    if not isinstance(user, dict):
        return "sub-not-json", facts
    lacks_id = user.get(rules.user_fields.get("user_id", "")) in (None, "")
    return ("user-id-missing" if lacks_id else "claims-unusable"), facts


def _no_text(sub: object, claims: Mapping[str, Any], rules: TokenRules) -> str:
    if isinstance(sub, dict):
        return "sub-object"
    if sub is not None:
        return "sub-not-text"
    is_flat = rules.user_fields.get("user_id") in claims
    return "sub-flat" if is_flat else "sub-missing"


def game_findings(user: Identity | None, games: tuple[str, ...]) -> Iterator[Finding]:
    """Whether the token is for one of the games that it may be for."""
    if user is not None and games and user.game_id not in games:
        yield "game-other", {"found_game": as_text(user.game_id), "wanted_game": as_text(games[0])}


def reader_findings(
    claims: Mapping[str, Any], user: Identity | None, *, user_id: str | None, audience: str | None
) -> Iterator[Finding]:
    """What the reader made of a token.

    user_id   what it took for the user's id, None where that was not told
    audience  the audience that it asks for, None for none
    """
    if user is not None and user_id is not None and user_id != user.user_id:
        yield _misread(user_id, user.user_id, claims.get("sub")), {}
    if audience is not None:
        found = claims.get("aud")
        if found is None:
            yield "audience-assumed", {}
        elif audience not in (found if isinstance(found, list) else [found]):
            yield "audience-other", {}


def _misread(read: str, real: str, sub: object) -> str:
    if read.strip().lower() in NO_USER or read == sub:
        return "sub-not-parsed"
    try:
        rounded = float(read) == float(real)
    except ValueError:
        rounded = False
    return "user-id-rounded" if rounded else "user-id-differs"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
