"""What a call is answered with when it is not done: RFC 9457 problems with a stable code and a remedy.

Refused is 422 with the verifier's own code, Undecided is 503 with Retry-After; the codes of this file are
about the call itself and never say anything of a token, a notification or a purchase.
"""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.errors import CoinslotError, Refused

RETRY_AFTER_S: Final = 1

TITLES: Final[Mapping[int, str]] = {
    400: "The call is malformed",
    401: "The bearer token is missing or wrong",
    403: "The call comes from elsewhere",
    404: "There is no such thing",
    405: "This address does not take this method",
    409: "This sidecar is not set up for it",
    413: "The body is too large",
    422: "Refused",
    500: "The sidecar itself failed",
    503: "It could not be decided now",
}

CALL_CODES: Final[Mapping[str, int]] = {
    "request-malformed": 400,
    "json-invalid": 400,
    "field-missing": 400,
    "field-invalid": 400,
    "token-wrong": 401,
    "host-not-allowed": 403,
    "origin-not-allowed": 403,
    "address-unknown": 404,
    "portal-unknown": 404,
    "grant-unknown": 404,
    "intent-unknown": 404,
    "method-not-allowed": 405,
    "not-offered": 409,
    "ledger-missing": 409,
    "body-too-large": 413,
    "product-unknown": 422,
    "sidecar-failed": 500,
}
"""Code -> HTTP status of everything that the sidecar itself refuses."""


class Problem(Exception):
    """A call that is not done.

    code    stable; one of `CALL_CODES`, or the code of a Refused or an Undecided
    remedy  what the caller can do about it
    more    further members of the problem, such as the reply that the portal is to be sent
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        remedy: str,
        status: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.status = CALL_CODES[code] if status is None else status
        self.more = dict(more or {})

    def document(self) -> dict[str, Any]:
        """The problem's JSON object."""
        return {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "try": self.remedy,
            **self.more,
        }


def problem_of(error: CoinslotError, *, more: Mapping[str, Any] | None = None) -> Problem:
    """The problem that one of the verifier's two families becomes."""
    if isinstance(error, Refused):
        remedy = "do not repeat it unchanged: the same bytes get the same answer"
        if error.code == "purchase-not-paid":
            remedy = "give nothing; a pending purchase may be paid later, so it may be sent again"
        return Problem(error.code, error.detail, remedy=remedy, status=422, more=more)
    remedy = "nothing was decided: wait for Retry-After and send the same call again"
    return Problem(error.code, error.detail, remedy=remedy, status=503, more=more)


def invalid(name: str, wanted: str) -> Problem:
    """A member of the call does not have its form."""
    return Problem("field-invalid", f"{name} must be {wanted}", remedy=f"send {name} as {wanted}")


def missing(name: str) -> Problem:
    """A member of the call is not there."""
    return Problem("field-missing", f"{name} is not there", remedy=f"send {name}")
