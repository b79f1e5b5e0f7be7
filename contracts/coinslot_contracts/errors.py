"""The two error families and every stable error code.

`Refused` is final: the input is wrong, and asking again with the same bytes gives the same answer.
`Undecided` means that we could not find out: nothing is known about the input, so ask again later.
A class fixes family and code, says what usually causes it, what helps and who has to do that; whoever raises
it adds only a detail, which never holds a secret.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

ACTORS: Final[Mapping[str, str]] = {
    "client": "the game's client, by a fresh token or another try",
    "team": "the team that wrote the backend",
    "operations": "whoever runs the backend: its clock, network and settings",
    "portal": "the portal; report it there",
    "nobody": "nobody: refusing is the remedy",
}
"""Who has to act on an error."""


class CoinslotError(Exception):
    """Base of both families; `code` is stable and is what programs and tests compare.

    cause, remedy   for people: what usually brings it about, and what helps
    acts            who has to do that: one of ACTORS
    """

    code: ClassVar[str] = ""
    cause: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    acts: ClassVar[str] = ""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Refused(CoinslotError):
    """The input is wrong, finally. A server answers it with 4xx or the portal's own code."""


class Undecided(CoinslotError):
    """We could not find out. A server answers it with 503 and Retry-After; nothing was decided."""


class SignatureMissing(Refused):
    """There is no signature at all where the portal's rule wants one."""

    code = "signature-missing"
    cause = (
        "The request has no signature header: it is not the portal's, or a proxy or framework dropped "
        "the header."
    )
    remedy = (
        "Answer as documented and grant nothing. If the portal's own notifications fail, let the header "
        "through: Apache needs `WSGIPassAuthorization On`, some gateways strip `Authorization`."
    )
    acts = "operations"


class SignatureMismatch(Refused):
    """The signature does not belong to these bytes and this key."""

    code = "signature-mismatch"
    cause = (
        "A forgery; another shared key or another environment's; a body that was parsed and written "
        "again before it was hashed; for a token, a key that the portal has replaced."
    )
    remedy = (
        "Hand over the raw bytes and the raw header, compare the shared key with the portal's game "
        "parameters; `coinslot diagnose` names the formula that would fit. A lone forged message needs "
        "nothing; a genuine token that was refused amid a flood of forged ones, just after a rotation, is "
        "accepted when it is tried again after 10 s."
    )
    acts = "team"


class AlgRefused(Refused):
    """The token names an algorithm, or an option that changes how it is read, that is not allowed."""

    code = "alg-refused"
    cause = (
        "The token names another algorithm than the portal's, `none` included, brings a key along "
        "(`jwk`, `jku`, `x5c`, `x5u`), or asks to be read otherwise (`crit`, `zip`, `b64`); or no published "
        "key is for the algorithm of a purchase."
    )
    remedy = (
        "Refuse the login: it is an attack or a token of somebody else's. If the portal announces a new "
        "algorithm, update Coinslot."
    )
    acts = "nobody"


class TokenMalformed(Refused):
    """The token is not a compact JWS with strict Base64url parts and JSON objects."""

    code = "token-malformed"
    cause = (
        "What the client sent is no compact token: empty, cut off, with white space, a user id instead "
        "of a token, over 64 KiB."
    )
    remedy = "Send the string that the portal's client library returns, unchanged, as text."
    acts = "client"


class TokenExpired(Refused):
    """The token's own `exp` has passed."""

    code = "token-expired"
    cause = "The client kept a token past its `exp`, or the server's clock is ahead."
    remedy = (
        "Ask the portal's client library for a fresh token at each login; keep the server's clock "
        "synchronised."
    )
    acts = "client"


class TokenTooOld(Refused):
    """The token is older, by `iat`, than the age cap that the caller set."""

    code = "token-too-old"
    cause = "The client kept a token that is still good by its own `exp`, or somebody else did."
    remedy = (
        "Ask the portal's client library for a fresh token at each login, then use a session of the "
        "game's own."
    )
    acts = "client"


class TokenNotYetValid(Refused):
    """The token is meant for a later time."""

    code = "token-not-yet-valid"
    cause = (
        "`nbf` or `iat` lies ahead by more than `skew_s`: the server's clock is behind, or a time is in "
        "milliseconds."
    )
    remedy = "Synchronise the server's clock. If it is right, report the token's times to the portal."
    acts = "operations"


class IssuerMismatch(Refused):
    """The token was issued by somebody else."""

    code = "issuer-mismatch"
    cause = "A token of another system, or of another environment, or the portal changed its issuer."
    remedy = (
        "Check that client and server use the same environment; set `issuer` if the portal names another."
    )
    acts = "team"


class GameMismatch(Refused):
    """The message is about another game."""

    code = "game-mismatch"
    cause = "A token or notification of another game, replayed; or `game_id` is not this game's."
    remedy = "Compare `game_id` with the portal's console. If it is right, refusing was right."
    acts = "team"


class SubInvalid(Refused):
    """The token is genuine, but what it says about the user cannot be used."""

    code = "sub-invalid"
    cause = "`sub` is no JSON object, or has no usable `userId`: absent, empty, of a wrong type."
    remedy = "Log nobody in, never a default user. Report it to the portal: its token breaks its own layout."
    acts = "portal"


class FieldMissing(Refused):
    """A required field is absent, null or empty."""

    code = "field-missing"
    cause = (
        "The sender left it out: a token without `exp`, a notification without a product, or one of our "
        "own messages played back at us."
    )
    remedy = (
        "Answer as documented and grant nothing. If the portal's own messages lack it, report it to the "
        "portal."
    )
    acts = "portal"


class FieldInvalid(Refused):
    """A field, or the whole body, does not have the documented form."""

    code = "field-invalid"
    cause = "A wrong type, an unknown value, a key that stands twice, or a body that is no JSON object."
    remedy = (
        "Answer as documented and grant nothing. If the portal's own messages look so, report it to the "
        "portal."
    )
    acts = "portal"


class KidUnknown(Refused):
    """The token names a key that the portal does not publish."""

    code = "kid-unknown"
    cause = "A forged key id; or a key that the portal signs with and has not published yet."
    remedy = (
        "Let the client try again in a few seconds; if genuine purchases stay refused, report it to the "
        "portal."
    )
    acts = "client"


class ExternalIdMismatch(Refused):
    """The purchase belongs to another intent than the one that was opened."""

    code = "external-id-mismatch"
    cause = (
        "A genuine purchase, shown for another intent than the one it was opened with: replayed by "
        "another player, or for a dearer product."
    )
    remedy = (
        "Grant nothing; look the intent up by the token's id, in the session of the player who opened it."
    )
    acts = "team"


class PurchaseNotPaid(Refused):
    """The portal says that this purchase is not paid."""

    code = "purchase-not-paid"
    cause = "It is pending, was refunded or charged back, or the portal does not know it."
    remedy = (
        "Grant nothing now. Ask again while the player waits: a pending purchase may be paid later. In "
        "the re-verification job, take the item back."
    )
    acts = "team"


class TestKeyRefused(Refused):
    """The key is one of the sandbox's published test keys, which anybody can sign with."""

    __test__ = False  # pytest must not take it for a test class
    code = "test-key-refused"
    cause = (
        "The portal's address is the sandbox's, or somebody published a sandbox key: anybody can sign "
        "with it."
    )
    remedy = "Point the addresses at the portal. Only against a sandbox set `COINSLOT_ALLOW_TEST_KEYS=1`."
    acts = "operations"


class KeySourceUnavailable(Undecided):
    """The portal's public key could not be fetched or read."""

    code = "key-source-unavailable"
    cause = (
        "An outage, a time-out, an error page or an unreadable key in its place, a blocked way out, a "
        "redirect; also a signature that fits no kept key while the portal is away."
    )
    remedy = (
        "Answer 503 and let the player try again; never treat it as a forgery. Check outgoing HTTPS and "
        "the address. `key_stale_s` bridges short outages: of the key set of purchases, and with the key "
        "source `cached` of the key of user tokens."
    )
    acts = "operations"


class VerifyUnavailable(Undecided):
    """The portal's verification endpoint gave no usable answer."""

    code = "verify-unavailable"
    cause = (
        "A time-out, HTTP 429 or 5xx, a redirect, or an answer of another shape than `verify_reply` names."
    )
    remedy = (
        "Grant nothing, answer 503, ask again later. If it lasts, compare `verify_reply` with what the "
        "portal answers."
    )
    acts = "operations"


class ConfirmUnavailable(Undecided):
    """The portal did not confirm what we told or asked it."""

    code = "confirm-unavailable"
    cause = "An outage, a time-out, or an answer whose code is no success."
    remedy = (
        "Leave it to the outbox, which asks again with growing waits; the player keeps the item. If it "
        "lasts, ask the portal about the order."
    )
    acts = "operations"


class LedgerUnavailable(Undecided):
    """The ledger's database was away or too busy, so nothing is known to have been granted or taken."""

    code = "ledger-unavailable"
    cause = "The database is away, full or busy for longer than it is waited for."
    remedy = "Answer 503 and acknowledge nothing: the portal asks again. Check the database."
    acts = "operations"


ERRORS: tuple[type[CoinslotError], ...] = (
    SignatureMissing,
    SignatureMismatch,
    AlgRefused,
    TokenMalformed,
    TokenExpired,
    TokenTooOld,
    TokenNotYetValid,
    IssuerMismatch,
    GameMismatch,
    SubInvalid,
    FieldMissing,
    FieldInvalid,
    KidUnknown,
    ExternalIdMismatch,
    PurchaseNotPaid,
    TestKeyRefused,
    KeySourceUnavailable,
    VerifyUnavailable,
    ConfirmUnavailable,
    LedgerUnavailable,
)
"""Every code there is, in the order in which the documentation lists them."""
