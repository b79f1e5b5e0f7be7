"""The keys that a reader uses: from a key's text, a portal's key document or a key set."""

from coinslot_contracts.errors import Refused

from coinslot_sandbox.diagnosis.jws import KnownKey, jwk_spki
from coinslot_sandbox.diagnosis.public_key import read_key_text
from coinslot_sandbox.diagnosis.token_rules import TokenRules

OWNER = "the given key"


def reader_keys(rules: TokenRules, text: str) -> tuple[list[KnownKey], list[str]]:
    """The public keys in a text, and the names of the forms that are odd about it.

    A key set counts as published, because its entries have ids; a single key is only given.
    """
    try:
        published = rules.parse_keys(text.encode("utf-8", "replace"))
    except Refused:
        published = ()
    entries = [
        KnownKey(role="published", owner=OWNER, spki_der=spki_der, kid=key.kid)
        for key in published
        if key.jwk is not None and (spki_der := jwk_spki(key.jwk)) is not None
    ]
    if entries:
        return entries, []
    texts = [key.text for key in published if key.text is not None]
    read = read_key_text(texts[0] if texts else text)
    if read.spki_der is None:
        return [], list(read.forms)
    return [KnownKey(role="given", owner=OWNER, spki_der=read.spki_der)], list(read.forms)
