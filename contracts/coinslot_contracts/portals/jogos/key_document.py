"""publicKey.json as a portal may lay it out: the key's text in one of several documents and encodings.

The text itself, and the document that the samples read, are `identity`'s.
clauses   jogos:user.3, jogos:user.4 (lines 139-140); sandbox:key-form, sandbox:key-document,
          sandbox:key-encoding
"""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.dialects import Speak
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portals.jogos.codes import SUCCESS, answer_headers, head
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.wire import WireReply, WireRequest

TEXT_HEADERS: Final = (("Content-Type", "text/plain; charset=utf-8"),)
GZIP_HEADERS: Final = (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
_DOCUMENTS: Final[Mapping[str, Callable[[str, Speak], dict[str, Any]]]] = {
    "data": lambda text, speak: {"data": text},  # noqa: ARG005 - one form for all
    "envelope": lambda text, speak: {**head(SUCCESS, speak), "data": text},
    "public-key": lambda text, speak: {"publicKey": text},  # noqa: ARG005
    "nested": lambda text, speak: {"data": {"publicKey": text}},  # noqa: ARG005
}


def key_reply(spki_der: bytes, request: WireRequest, speak: Speak) -> WireReply:
    """The answer of publicKey.json.

    spki_der   SubjectPublicKeyInfo, DER
    """
    text = KEY_FORMS[speak("key_form") or "pem"](spki_der)
    document = speak("key_document") or "data"
    if document == "bare-text":
        return _encoded(WireReply(headers=TEXT_HEADERS, body=text.encode()), request, speak)
    body = dump_compact(_DOCUMENTS[document](text, speak))
    return _encoded(WireReply(headers=answer_headers(speak), body=body), request, speak)


def _encoded(reply: WireReply, request: WireRequest, speak: Speak) -> WireReply:
    encoding = speak("key_encoding")
    if encoding == "byte-order-mark":
        return replace(reply, body=b"\xef\xbb\xbf" + reply.body)
    if encoding == "gzip" and "gzip" in (request.header("Accept-Encoding") or ""):
        return replace(
            reply, headers=(*reply.headers, *GZIP_HEADERS), body=gzip.compress(reply.body, mtime=0)
        )
    return reply
