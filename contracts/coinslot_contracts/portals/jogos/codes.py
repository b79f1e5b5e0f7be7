"""The codes that Jogos and a game's backend answer each other with, and the JSON that carries them.

The document lists the same four error codes for the callback, arrivedorder and getOrders.
They go as strings, in the body; the HTTP status is 200 (sandbox:http-200-with-code). The portal's own answers
can be told in other manners.
clauses   jogos:iap.1.resp, jogos:iap.1.err, jogos:iap.2, jogos:iap.3
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.dialects import Speak, plainly
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
from coinslot_contracts.wire import Headers, WireReply

SUCCESS: Final = "200"
MISSING: Final = "305"
GAME_NOT_FOUND: Final = "40001"
VERIFICATION_FAILED: Final = "41007"
SYSTEM_ERROR: Final = "500"
ORDER_NOT_FOUND: Final = "41001"
"""In no list of the document; what a portal might say all the same (sandbox:order-unknown-500)."""

MESSAGES: Final[dict[str, str]] = {
    SUCCESS: "Success",
    MISSING: "Required parameter is missing",
    GAME_NOT_FOUND: "Game not found",
    VERIFICATION_FAILED: "Verification failed",
    SYSTEM_ERROR: "System error",
    ORDER_NOT_FOUND: "Order not found",
}

_CODE_OF_ERROR: Final[dict[type[CoinslotError], str]] = {
    FieldMissing: MISSING,
    FieldInvalid: MISSING,
    GameMismatch: GAME_NOT_FOUND,
    SignatureMissing: VERIFICATION_FAILED,
    SignatureMismatch: VERIFICATION_FAILED,
}

JSON_HEADERS: Final = (("Content-Type", "application/json"),)


_STATUSES: Final[Mapping[str, int]] = {
    SUCCESS: 200,
    MISSING: 400,
    GAME_NOT_FOUND: 404,
    VERIFICATION_FAILED: 401,
    SYSTEM_ERROR: 500,
    ORDER_NOT_FOUND: 404,
}
_TEXTS: Final[Mapping[str, Callable[[str], dict[str, str]]]] = {
    "msg": lambda text: {"msg": text},
    "message": lambda text: {"message": text},
    "both": lambda text: {"msg": text, "message": text},
}
_TYPES: Final[Mapping[str, Headers]] = {
    "json": JSON_HEADERS,
    "json-charset": (("Content-Type", "application/json; charset=utf-8"),),
    "text": (("Content-Type", "text/plain"),),
    "absent": (),
}


def head(code: str, speak: Speak = plainly) -> dict[str, Any]:
    """The members that every answer begins with: code and text.

    clause   jogos:iap.2, jogos:iap.3; sandbox:answer-code-text
    """
    shown = int(code) if speak("answer_code") == "number" else code
    return {"code": shown, **_TEXTS[speak("answer_text") or "msg"](MESSAGES[code])}


def answer_headers(speak: Speak) -> Headers:
    """The Content-Type of an answer (sandbox:answer-type)."""
    return _TYPES[speak("answer_type") or "json"]


def reply(code: str, speak: Speak = plainly, **members: Any) -> WireReply:
    """An answer with one of the codes, its text, and what comes after them."""
    return answer(code, {**head(code, speak), **members}, speak)


def answer(code: str, body: Mapping[str, Any], speak: Speak) -> WireReply:
    """An answer with this body; its HTTP status is 200, or in another manner the code's.

    clause   sandbox:http-200-with-code
    """
    status = _STATUSES[code] if speak("answer_status") == "http" else 200
    return WireReply(status=status, headers=answer_headers(speak), body=dump_compact(body))


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
