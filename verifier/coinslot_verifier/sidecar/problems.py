"""What a call is answered with when it is not done: RFC 9457 problems with a stable code and a remedy.

Refused is 422 with the verifier's own code, Undecided is 503 with Retry-After; the codes of this file are
about the call itself and never say anything of a token, a notification or a purchase.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

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


class CallCode(NamedTuple):
    """One way in which the sidecar itself refuses a call.

    status  of HTTP
    cause   what is usually behind it
    remedy  what to do about it, where the refusal itself knows nothing closer
    """

    status: int
    cause: str
    remedy: str


CALL_CODES: Final[Mapping[str, CallCode]] = {
    "request-malformed": CallCode(400, "the request is not HTTP as it should be", "correct the request"),
    "json-invalid": CallCode(400, "the body is not one JSON object", "send one JSON object in UTF-8"),
    "field-missing": CallCode(400, "a member of the call is not there", "send the member that is named"),
    "field-invalid": CallCode(
        400, "a member of the call does not have its form", "send it in the form that is named"
    ),
    "token-wrong": CallCode(
        401,
        "the call has no token of the sidecar, or another one",
        "send Authorization: Bearer with COINSLOT_VERIFIER_TOKEN, or token of the ready line",
    ),
    "host-not-allowed": CallCode(
        403,
        "the Host header names neither this machine nor a configured host",
        "call 127.0.0.1 or localhost, or start the sidecar with --allow-host HOST",
    ),
    "origin-not-allowed": CallCode(403, "a web page made the call", "call from your backend only"),
    "address-unknown": CallCode(404, "there is nothing at this path", "see GET /openapi.json"),
    "portal-unknown": CallCode(
        404, "the path names a portal that is not configured", "take one that the sidecar was started for"
    ),
    "grant-unknown": CallCode(
        404, "the order gave nothing, or was taken back", "POST the order to /ledger/apply first"
    ),
    "intent-unknown": CallCode(404, "nobody opened such a purchase here", "POST /intents first"),
    "method-not-allowed": CallCode(
        405, "the address takes other methods", "use one that the Allow header names"
    ),
    "not-offered": CallCode(
        409,
        "the portal has no such thing, or its shared key is not configured",
        "see GET /openapi.json for what this sidecar offers",
    ),
    "ledger-missing": CallCode(
        409, "the sidecar was started without a ledger", "start it with --ledger, or keep your own"
    ),
    "body-too-large": CallCode(413, "the body is larger than 2 MiB", "send less at once"),
    "product-unknown": CallCode(
        422,
        "a payment is for a product that the call's `products` does not list",
        "put the product on sale; the portal notifies again, and reconcile finds it",
    ),
    "sidecar-failed": CallCode(500, "a mistake of the sidecar's own", "read its log and report it"),
}
"""Everything that the sidecar itself refuses, by its code; the codes of verdicts are those of the library."""


class Problem(Exception):
    """A call that is not done.

    code    stable; one of `CALL_CODES`, or the code of a Refused or an Undecided
    remedy  what the caller can do about it; by default what the code says
    more    further members of the problem, such as the reply that the portal is to be sent
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        remedy: str | None = None,
        status: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.remedy = CALL_CODES[code].remedy if remedy is None else remedy
        self.status = CALL_CODES[code].status if status is None else status
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
