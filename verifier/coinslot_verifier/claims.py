"""What the registered claims of a genuine token say about time and issuer.

Pure: the time comes in as an argument. It must not read the portal's own claims.
A user token needs `exp`, for a login that never ends is nobody's intent; a purchase stays what it is.
clauses   rfc7519:4.1.4, rfc7519:4.1.5
"""

import math
from collections.abc import Mapping
from typing import Any

from coinslot_contracts.errors import (
    FieldInvalid,
    FieldMissing,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    TokenTooOld,
)


def check_times(claims: Mapping[str, Any], *, now_s: float, skew_s: int, max_age_s: int | None) -> None:
    """Refuse a token that is not valid now.

    exp, nbf, iat   seconds since 1970, whole or not; nbf and iat may be absent
    errors   FieldMissing without exp, and without iat where max_age_s is set; FieldInvalid for a time that is
             no number; TokenExpired, TokenNotYetValid (nbf or iat ahead), TokenTooOld
    """
    issued_at_s = _time(claims, "iat")
    if _time(claims, "exp") is None:
        raise FieldMissing("the token has no exp")
    check_window(claims, now_s=now_s, skew_s=skew_s)
    if issued_at_s is not None and now_s < issued_at_s - skew_s:
        raise TokenNotYetValid("the token's iat is ahead")
    if max_age_s is None:
        return
    if issued_at_s is None:
        raise FieldMissing("the token has no iat, so its age is unknown")
    if now_s > issued_at_s + max_age_s + skew_s:
        raise TokenTooOld(f"the token was issued more than {max_age_s} s ago")


def check_window(claims: Mapping[str, Any], *, now_s: float, skew_s: int) -> None:
    """Refuse a token outside of the time that it gives itself; either end may be absent.

    exp, nbf   seconds since 1970, whole or not
    errors     FieldInvalid for a time that is no number; TokenExpired, TokenNotYetValid
    clauses    rfc7519:4.1.4, rfc7519:4.1.5
    """
    expires_at_s = _time(claims, "exp")
    not_before_s = _time(claims, "nbf")
    if expires_at_s is not None and now_s >= expires_at_s + skew_s:
        raise TokenExpired("the token's exp has passed")
    if not_before_s is not None and now_s < not_before_s - skew_s:
        raise TokenNotYetValid("the token's nbf is ahead")


def check_issuer(claims: Mapping[str, Any], *, issuer: str | None) -> None:
    """Refuse a token of another issuer; None accepts any.

    errors   IssuerMismatch
    """
    if issuer is not None and claims.get("iss") != issuer:
        raise IssuerMismatch(f"the token's iss is not {issuer}")


def _time(claims: Mapping[str, Any], name: str) -> int | float | None:
    value = claims.get(name)
    if value is None or type(value) is int:  # a bool is neither
        return value
    if type(value) is not float:
        raise FieldInvalid(f"the token's {name} is not a number of seconds")
    if not math.isfinite(value):
        raise FieldInvalid(f"the token's {name} is not a finite number")  # with NaN, no comparison refuses
    return value
