"""A reader's key text: which public key it holds, and in which of the known wrong forms.

The form without a name is PEM with the Base64 on one line and nothing after the footer, which every reader
takes; a key set or a document of the portal is read by the portal's part before it comes here.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from coinslot_sandbox.diagnosis.jws import load_spki

TEXT_CHARS_MAX: Final = 65_536
READ_BY_MOST: Final = frozenset(
    {"public-key-crlf", "public-key-wrapped", "public-key-trailing-newline", "public-key-indented"}
)
"""Forms that a PEM reader takes, and only a careless one stumbles over."""
_LABEL: Final = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]+)-----")
_QUOTES: Final = "\"'`"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    """What was found in a key's text.

    spki_der  the public key, None where there is none
    forms     names of what is odd about the form, what most readers fail on first
    """

    spki_der: bytes | None
    forms: tuple[str, ...]


def read_key_text(text: str) -> KeyText:
    """The public key in a text, whatever was done to the text."""
    text = text[:TEXT_CHARS_MAX]
    forms: list[str] = []
    if text.startswith("\ufeff"):
        text = text[1:]
        forms.append("public-key-bom")
    bare = text.strip()
    if len(bare) > 2 and bare[0] in _QUOTES and bare[-1] == bare[0]:
        text = bare = bare[1:-1]
        forms.append("public-key-quoted")
    if not bare:
        return KeyText(spki_der=None, forms=("public-key-empty",))
    if bare.startswith("<"):
        return KeyText(spki_der=None, forms=("public-key-html",))
    if "\\n" in text:
        text = text.replace("\\r", "").replace("\\n", "\n")
        forms.append("public-key-escaped-newlines")
    found = _labelled(text, forms) if "-----BEGIN" in text else _bare(text.strip(), forms)
    return KeyText(spki_der=found, forms=tuple(dict.fromkeys(forms)))


def _labelled(text: str, forms: list[str]) -> bytes | None:
    labels = _LABEL.findall(text)
    if not labels:
        forms.append("public-key-unreadable")
        return None
    label = labels[0][1]
    if "END" not in [kind for kind, _ in labels]:
        forms.append("public-key-cut")
    if "PRIVATE KEY" in label:
        forms.append("public-key-private")
        return _of_private(text)
    if label == "CERTIFICATE":
        forms.append("public-key-certificate")
        return _of_certificate(text)
    if label == "RSA PUBLIC KEY":
        forms.append("public-key-pkcs1")
    body = _LABEL.split(text)[3] if len(_LABEL.split(text)) > 3 else ""
    forms.extend(_layout(text, body))
    return _checked(_unbase64("".join(body.split())), forms)


def _layout(text: str, body: str) -> list[str]:
    """What is odd about newlines and spaces around and inside the Base64."""
    if "\n" not in text.strip():
        return ["public-key-one-line"]
    found = []
    if "\r" in text:
        found.append("public-key-crlf")
    if any(line[:1] in (" ", "\t") for line in text.strip().splitlines()) or text[:1].isspace():
        found.append("public-key-indented")
    if len(body.split()) > 1:
        found.append("public-key-wrapped")
    if text.rstrip() != text:
        found.append("public-key-trailing-newline")
    return found


def _bare(text: str, forms: list[str]) -> bytes | None:
    if text.startswith(("ssh-", "ecdsa-sha2-")):
        forms.append("public-key-ssh")
        return _of_ssh(text)
    raw = _unbase64("".join(text.split()))
    if raw is not None and raw.startswith(b"-----BEGIN"):
        forms.append("public-key-base64-of-pem")
        return _labelled(raw.decode("utf-8", "replace"), [])
    found = _checked(raw, forms)
    if found is not None:
        forms.append("public-key-bare-base64")
    return found


def _checked(der: bytes | None, forms: list[str]) -> bytes | None:
    """The key as SubjectPublicKeyInfo, from that or from PKCS#1."""
    key = None if der is None else load_spki(der)
    if key is None:
        forms.append("public-key-unreadable")
        return None
    spki = _spki(key)
    if spki != der:
        forms.append("public-key-pkcs1")
    return spki


def _of_private(text: str) -> bytes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return _spki(load_pem_private_key(text.encode("utf-8", "replace"), None).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _of_certificate(text: str) -> bytes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return _spki(load_pem_x509_certificate(text.encode("utf-8", "replace")).public_key())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _of_ssh(text: str) -> bytes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        return _spki(load_ssh_public_key(text.encode("utf-8", "replace")))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _spki(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    made: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return made


def _unbase64(text: str) -> bytes | None:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
