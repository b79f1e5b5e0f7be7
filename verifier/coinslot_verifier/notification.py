"""Whether a portal's notification is genuine and about our game, and what to answer it.

The signature covers the raw bytes, so they are hashed before anything reads them. It must not grant or
revoke: that is the ledger's business, inside the backend's own transaction.
Which bytes are signed, where the signature stands and how to answer is the portal's part of the contracts.
"""

from collections.abc import Iterable, Mapping, Sequence
from hmac import compare_digest

from coinslot_contracts.domain import Notification
from coinslot_contracts.errors import CoinslotError, GameMismatch, SignatureMismatch, SignatureMissing
from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import WireReply

from coinslot_verifier.config import ConfigInvalid, VerifierConfig

Name = str | bytes
SignatureOrHeaders = Name | None | Mapping[str, str] | Iterable[tuple[Name, Name]]


class NotificationVerifier:
    """Verifies notifications of one game at one portal; may be shared by all threads."""

    def __init__(self, config: VerifierConfig) -> None:
        if not config.shared_keys:
            raise ConfigInvalid("shared_keys is empty, so no notification can be checked")
        self._config = config
        self._part = config.notices_part()

    def verify(self, signature: SignatureOrHeaders, body: bytes) -> Notification:
        """The notification that these bytes prove.

        signature   the raw value of the portal's signature header (str or bytes, None where it was not sent),
                    or all headers of the request: a mapping, or pairs of name and value, str or bytes as WSGI
                    and ASGI have them. Not a framework's parsed credentials: the value has no scheme
        body        the raw bytes as they arrived, never parsed and written again; TypeError for a str
        returns     the fact; what to do about it is its `effect`
        errors      in this order: SignatureMissing, SignatureMismatch, FieldMissing, FieldInvalid,
                    GameMismatch
        """
        if not isinstance(body, bytes | bytearray | memoryview):
            raise TypeError(f"body must be the raw bytes of the request, not {type(body).__name__}")
        body = bytes(body)
        value = self._value(signature)
        notification = read_signed(self._part, value, body, shared_keys=self._config.shared_keys)
        if notification.game_id != self._config.game_id:
            raise GameMismatch(
                f"the notification is about game {notification.game_id}, not {self._config.game_id}"
            )
        return notification

    def accepted(self) -> WireReply:
        """The documented answer of success; send it after the commit, never before."""
        return self._part.accepted

    def reply_for(self, error: CoinslotError) -> WireReply:
        """The documented answer for an error of `verify`, or of what the backend did afterwards."""
        return self._part.refusal(error)

    def _value(self, signature: SignatureOrHeaders) -> str | bytes | None:
        if signature is None or isinstance(signature, str | bytes):
            return signature
        return _find_only(signature, self._part.signature_header)


def read_signed(
    part: NoticesPart, signature: str | bytes | None, body: bytes, *, shared_keys: Sequence[bytes]
) -> Notification:
    """Check a signature over raw bytes, then read them; of whatever game.

    errors   SignatureMissing, SignatureMismatch, FieldMissing, FieldInvalid
    """
    check_signature(part, signature, body, shared_keys=shared_keys)
    return part.parse(body)


def check_signature(
    part: NoticesPart, signature: str | bytes | None, body: bytes, *, shared_keys: Sequence[bytes]
) -> None:
    """Return where one of the keys made the signature over exactly these bytes; compared in constant time.

    errors   SignatureMissing, SignatureMismatch
    """
    if not signature:
        raise SignatureMissing(f"there is no {part.signature_header} header")
    sent = signature if isinstance(signature, str) else signature.decode("latin-1")
    is_ours = False
    if sent.isascii():  # as every signature is, and as `compare_digest` wants text
        for key in shared_keys:  # every key, whichever fits: the time tells nothing
            is_ours |= compare_digest(sent, part.sign(body, key))
    if not is_ours:
        raise SignatureMismatch("the signature does not belong to these bytes and our shared key")


def _find_only(headers: Mapping[str, str] | Iterable[tuple[Name, Name]], name: str) -> Name | None:
    pairs: Iterable[tuple[Name, Name]] = headers.items() if isinstance(headers, Mapping) else headers
    wanted = (name.lower(), name.lower().encode())
    values = [value for key, value in pairs if key.lower() in wanted]
    if len(values) > 1:
        raise SignatureMismatch(f"there are {len(values)} {name} headers")
    return values[0] if values else None
