"""The two error families and every stable error code.

`Refused` is final: the input is wrong, and asking again with the same bytes gives the same answer.
`Undecided` means that we could not find out: nothing is known about the input, so ask again later.
A class fixes family and code; whoever raises it adds only a detail, which never holds a secret.
"""

from typing import ClassVar


class CoinslotError(Exception):
    """Base of both families; `code` is stable and is what programs and tests compare."""

    code: ClassVar[str] = ""

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


class SignatureMismatch(Refused):
    """The signature does not belong to these bytes and this key."""

    code = "signature-mismatch"


class AlgRefused(Refused):
    """The token names an algorithm, or an option that changes how it is read, that is not allowed."""

    code = "alg-refused"


class TokenMalformed(Refused):
    """The token is not a compact JWS with strict Base64url parts and JSON objects."""

    code = "token-malformed"


class TokenExpired(Refused):
    """The token's own `exp` has passed."""

    code = "token-expired"


class TokenTooOld(Refused):
    """The token is older, by `iat`, than the age cap that the caller set."""

    code = "token-too-old"


class TokenNotYetValid(Refused):
    """The token is meant for a later time."""

    code = "token-not-yet-valid"


class IssuerMismatch(Refused):
    """The token was issued by somebody else."""

    code = "issuer-mismatch"


class GameMismatch(Refused):
    """The message is about another game."""

    code = "game-mismatch"


class SubInvalid(Refused):
    """The token is genuine, but what it says about the user cannot be used."""

    code = "sub-invalid"


class FieldMissing(Refused):
    """A required field is absent, null or empty."""

    code = "field-missing"


class FieldInvalid(Refused):
    """A field, or the whole body, does not have the documented form."""

    code = "field-invalid"


class KidUnknown(Refused):
    """The token names a key that the portal does not publish."""

    code = "kid-unknown"


class ExternalIdMismatch(Refused):
    """The purchase belongs to another intent than the one that was opened."""

    code = "external-id-mismatch"


class PurchaseNotPaid(Refused):
    """The portal says that this purchase is not paid."""

    code = "purchase-not-paid"


class TestKeyRefused(Refused):
    """The key is one of the sandbox's published test keys, which anybody can sign with."""

    __test__ = False  # pytest must not take it for a test class
    code = "test-key-refused"


class KeySourceUnavailable(Undecided):
    """The portal's public key could not be fetched or read."""

    code = "key-source-unavailable"


class VerifyUnavailable(Undecided):
    """The portal's verification endpoint gave no usable answer."""

    code = "verify-unavailable"


class ConfirmUnavailable(Undecided):
    """The portal did not confirm what we told or asked it."""

    code = "confirm-unavailable"


class LedgerUnavailable(Undecided):
    """The ledger's database was away or too busy, so nothing is known to have been granted or taken."""

    code = "ledger-unavailable"


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
