"""The codes that Jogos and a game's backend answer each other with, and the JSON that carries them.

The document lists the same four error codes for the callback, arrivedorder and getOrders.
They go as strings, in the body; the HTTP status is 200 (sandbox:http-200-with-code).
clauses   jogos:iap.1.resp, jogos:iap.1.err, jogos:iap.2, jogos:iap.3
"""

from typing import Any, Final

from coinslot_contracts.errors import (
    CoinslotError,
    FieldInvalid,
    FieldMissing,
    GameMismatch,
    Refused,
    SignatureMismatch,
    SignatureMissing,
)
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.wire import WireReply

SUCCESS: Final = "200"
MISSING: Final = "305"
GAME_NOT_FOUND: Final = "40001"
VERIFICATION_FAILED: Final = "41007"
SYSTEM_ERROR: Final = "500"

MESSAGES: Final[dict[str, str]] = {
    SUCCESS: "Success",
    MISSING: "Required parameter is missing",
    GAME_NOT_FOUND: "Game not found",
    VERIFICATION_FAILED: "Verification failed",
    SYSTEM_ERROR: "System error",
}

_CODE_OF_ERROR: Final[dict[type[CoinslotError], str]] = {
    FieldMissing: MISSING,
    FieldInvalid: MISSING,
    GameMismatch: GAME_NOT_FOUND,
    SignatureMissing: VERIFICATION_FAILED,
    SignatureMismatch: VERIFICATION_FAILED,
}

JSON_HEADERS: Final = (("Content-Type", "application/json"),)


def reply(code: str, **members: Any) -> WireReply:
    """An answer with one of the documented codes, HTTP status 200 (sandbox:http-200-with-code)."""
    body = {"code": code, "msg": MESSAGES[code], **members}
    return WireReply(status=200, headers=JSON_HEADERS, body=dump_compact(body))


def refusal(error: CoinslotError) -> WireReply:
    """The documented answer for one of our errors.

    Undecided answers HTTP 503 with code 500: the portal shall ask again, and a proxy shall see it too.
    """
    if isinstance(error, Refused):
        return reply(_CODE_OF_ERROR.get(type(error), SYSTEM_ERROR))
    busy = reply(SYSTEM_ERROR)
    return WireReply(status=503, headers=(*busy.headers, ("Retry-After", "5")), body=busy.body)


def is_success(code: object) -> bool:
    """Whether a code member says yes: "200", or 200 where somebody sends it as a number."""
    return code == SUCCESS or (code == 200 and type(code) is int)
