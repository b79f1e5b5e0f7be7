"""Section 2: the key set at /.well-known/jwks.json.

The document names the address and says that it holds the public keys; form and members are RFC 7517's.
clause   playgama:2
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from coinslot_contracts.dialects import Speak, plainly
from coinslot_contracts.errors import FieldInvalid
from coinslot_contracts.json_bytes import JsonInvalid, dump_compact, parse_json_object
from coinslot_contracts.portal import PublishedKey, SigningKey
from coinslot_contracts.wire import Headers, WireReply

KEYS_MAX: Final = 100


TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "jwk-set": "application/jwk-set+json",
    "text": "text/plain",
}
CACHES: Final[Mapping[str, Headers]] = {
    "one-hour": (("Cache-Control", "public, max-age=3600"),),
    "no-store": (("Cache-Control", "no-store"),),
}
_SAID_OF_A_KEY: Final[Mapping[str, tuple[str, ...]]] = {
    "use-alg": ("use", "alg"),
    "use": ("use",),
    "alg": ("alg",),
    "kid": (),
}


def jwks_reply(keys: Sequence[SigningKey], speak: Speak) -> WireReply:
    """The answer of the key set's endpoint.

    clause   playgama:2; sandbox:jwks-type, sandbox:jwks-cache-control
    """
    content_type = ("Content-Type", TYPES[speak("key_type") or "json"])
    return WireReply(
        headers=(content_type, *CACHES.get(speak("cache_control") or "", ())),
        body=dump_jwks(keys, speak),
    )


def dump_jwks(keys: Sequence[SigningKey], speak: Speak = plainly) -> bytes:
    """A key set with kid, use and alg on every key (sandbox:jwks-members), but for a key's oddities.

    keys   the one that signs first; it comes last in the set, which has no order: to take the first is wrong
    """
    said = _SAID_OF_A_KEY[speak("key_members") or "use-alg"]
    return dump_compact({"keys": [_entry(key, said) for key in reversed(keys)]})


def _entry(key: SigningKey, said: Sequence[str]) -> dict[str, Any]:
    good = {"use": "sig", "alg": key.algorithm}
    told = {name: value for name, value in good.items() if name in said}
    entry = {**key.jwk, **told, "kid": key.kid, **key.oddities}
    return {name: value for name, value in entry.items() if value is not None}


def parse_jwks(body: bytes) -> tuple[PublishedKey, ...]:
    """Every entry of a key set that could be a public signing key.

    Entries that are no object, are for encryption, or are symmetric (a secret in a public document is none)
    are passed over: the portal may publish keys for other purposes beside ours.
    errors   FieldInvalid where the body is no key set
    clause   playgama:2; RFC 7517 section 5
    """
    try:
        document = parse_json_object(body)
    except JsonInvalid as error:
        raise FieldInvalid(f"the key set is {error}") from None
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise FieldInvalid("the key set has no list of keys")
    return tuple(
        PublishedKey(kid=entry.get("kid") if isinstance(entry.get("kid"), str) else None, jwk=entry)
        for entry in entries
        if isinstance(entry, dict) and entry.get("kty") in ("RSA", "EC") and entry.get("use", "sig") == "sig"
    )
