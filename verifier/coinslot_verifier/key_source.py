"""Where verification keys come from: asked for at every verification, as the portal's document wants it.

A source is anything with `keys_for`; a bounded cache (`key_cache`, `key_set`) is one more source. It must not
judge a token, and an outage here is never a forgery there: everything that goes wrong is
KeySourceUnavailable.
clauses   sandbox:key-document, rfc7515:4.1.4
"""

from typing import Protocol, runtime_checkable

from coinslot_contracts.errors import KeySourceUnavailable, Refused
from coinslot_contracts.portal import IdentityPart, PublishedKey
from coinslot_contracts.wire import WireReply

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.key_forms import VerificationKey, read_key


class Sender(Protocol):
    """One question over HTTP, one answer; `http_out.HttpOut` is the real one."""

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        """GET; raises KeySourceUnavailable where there is no whole answer, a redirect included."""
        ...


class KeySource(Protocol):
    """Whoever knows the portal's keys."""

    def keys_for(self, kid: str | None) -> tuple[VerificationKey, ...]:
        """The keys that may have signed a token that names this key id, or none; at least one.

        errors   KeySourceUnavailable; KidUnknown where the portal has key ids and not this one
        """
        ...


@runtime_checkable
class RefreshingKeySource(KeySource, Protocol):
    """A source that keeps keys and can be told that a signature does not fit them; an optional ability."""

    def refreshed(
        self, tried: tuple[VerificationKey, ...], *, evidence: bytes, kid: str | None = None
    ) -> tuple[VerificationKey, ...] | None:
        """Other keys than the tried ones, None where the portal has no others; asked once for a token.

        The source bounds how often this reaches the portal, since a stranger can cause it.
        tried      exactly what `keys_for` returned
        evidence   a digest of the token whose signature did not fit
        kid        the key id that was asked for
        errors     KeySourceUnavailable; KidUnknown where the portal has key ids and this one no more
        """
        ...


def newer_keys(
    source: KeySource, tried: tuple[VerificationKey, ...], *, evidence: bytes, kid: str | None
) -> tuple[VerificationKey, ...] | None:
    """As `RefreshingKeySource.refreshed`; None as well from a source without that ability."""
    if isinstance(source, RefreshingKeySource):
        return source.refreshed(tried, evidence=evidence, kid=kid)
    return None


class PublishedKeys:
    """The portal's key endpoint, fetched for every question: `key_source="always"`, the document's word."""

    def __init__(self, config: VerifierConfig, *, sender: Sender) -> None:
        self._part = config.identity_part()
        self._url = config.endpoint_url(self._part.key_endpoint)
        self._attempts_max = config.attempts_max
        self._sender = sender

    def keys_for(self, kid: str | None) -> tuple[VerificationKey, ...]:  # noqa: ARG002 - the key has no id
        """The keys that the portal publishes now.

        errors   KeySourceUnavailable
        """
        reply = self._sender.get(self._url, attempts_max=self._attempts_max)
        if reply.status != 200:
            raise KeySourceUnavailable(f"the key endpoint answered HTTP {reply.status}")
        return read_key_document(reply.body, self._part)


class StaticKeys:
    """Keys that somebody handed us; for tools and tests, not for a backend, which must ask the portal.

    keys   from `key_forms.read_key`; at least one
    """

    def __init__(self, keys: tuple[VerificationKey, ...]) -> None:
        self._keys = keys

    def keys_for(self, kid: str | None) -> tuple[VerificationKey, ...]:  # noqa: ARG002 - the form of KeySource
        """The same keys whatever is asked; raises nothing."""
        return self._keys


def read_key_document(body: bytes, part: IdentityPart) -> tuple[VerificationKey, ...]:
    """The keys in the body of a portal's key endpoint.

    errors   KeySourceUnavailable where the body is not what the portal documents or a key is unusable
    """
    try:
        published = part.parse_keys(body)
    except Refused as error:
        raise KeySourceUnavailable(error.detail) from None
    return tuple(read_key(key) for key in published)


def read_key_file(content: bytes, part: IdentityPart) -> StaticKeys:
    """Keys from a file: the key endpoint's JSON, or the key's text in any form.

    errors   KeySourceUnavailable
    """
    if content.lstrip()[:1] == b"{":
        return StaticKeys(read_key_document(content.strip(), part))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise KeySourceUnavailable("the key file is not text") from None
    return StaticKeys((read_key(PublishedKey(text=text)),))
