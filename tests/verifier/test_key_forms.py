"""Every form in which a portal may publish its key ends as the same key, and nothing else ends as one."""

import base64
import textwrap

import pytest
from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.test_keys import test_key_digests as published_test_keys
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import private_key, spki
from coinslot_verifier.key_forms import KEY_TEXT_CHARS_MAX, read_key
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

ONE_LINE = base64.b64encode(spki()).decode()
PKCS1 = private_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
PKCS1_LINE = base64.b64encode(PKCS1).decode()
WRAPPED = "\n".join(textwrap.wrap(ONE_LINE, 64))
BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"

GOOD = {
    "as the document prints it": f"{BEGIN}\n{ONE_LINE}\n{END}",
    "with a trailing newline": f"{BEGIN}\n{ONE_LINE}\n{END}\n",
    "wrapped": f"{BEGIN}\n{WRAPPED}\n{END}",
    "wrapped with a trailing newline": f"{BEGIN}\n{WRAPPED}\n{END}\n",
    "CRLF": f"{BEGIN}\r\n{ONE_LINE}\r\n{END}",
    "no newline at all": f"{BEGIN}{ONE_LINE}{END}",
    "spaces for newlines": f"{BEGIN} {ONE_LINE} {END}",
    "bare Base64": ONE_LINE,
    "bare wrapped Base64": WRAPPED,
    "literal backslash-n": f"{BEGIN}\\n{ONE_LINE}\\n{END}\\n",
    "literal backslash-r-n": f"{BEGIN}\\r\\n{ONE_LINE}\\r\\n{END}",
    "white space around": f"  \t{BEGIN}\n{ONE_LINE}\n{END} \n",
    "PKCS#1": f"-----BEGIN RSA PUBLIC KEY-----\n{PKCS1_LINE}\n-----END RSA PUBLIC KEY-----",
    "PKCS#1 under the other label": f"{BEGIN}\n{PKCS1_LINE}\n{END}",
    "bare PKCS#1": PKCS1_LINE,
}


def pem_of(key) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("form", GOOD)
def test_every_form_of_a_key_is_the_same_key(form):
    """jogos:user.4 (lines 53-55, 94-96), sandbox:key-form"""
    assert read_key(PublishedKey(text=GOOD[form], kid="7")).public.public_numbers() == (
        private_key().public_key().public_numbers()
    )


@pytest.mark.parametrize("form", KEY_FORMS)
def test_every_form_that_the_contracts_write_is_read(form):
    """sandbox:key-form"""
    key = read_key(PublishedKey(text=KEY_FORMS[form](spki()), kid="7"))

    assert key.kid == "7"
    assert key.spki_sha256 in published_test_keys()


@pytest.mark.parametrize(
    ("published", "says"),
    [
        (PublishedKey(), "no text"),
        (PublishedKey(text=""), "cannot be read"),
        (PublishedKey(text="not Base64!"), "not Base64"),
        (PublishedKey(text="é"), "not Base64"),
        (PublishedKey(text="AAAA"), "cannot be read"),
        (PublishedKey(text=ONE_LINE[:-8]), "cannot be read"),
        (PublishedKey(text="A" * (KEY_TEXT_CHARS_MAX + 1)), "longer than"),
        (PublishedKey(text=f"{BEGIN}\n{ONE_LINE}\n"), "not PEM"),
        (PublishedKey(text=f"{BEGIN}\n{ONE_LINE}\n-----END RSA PUBLIC KEY-----"), "not PEM"),
        (PublishedKey(text=f"{BEGIN}\n{ONE_LINE}\n{END}\nmore"), "not PEM"),
        (PublishedKey(text=f"-----BEGIN CERTIFICATE-----\n{ONE_LINE}\n-----END CERTIFICATE-----"), "not PEM"),
        (PublishedKey(text=pem_of(ec.generate_private_key(ec.SECP256R1()).public_key())), "not an RSA key"),
        (PublishedKey(text=pem_of(rsa.generate_private_key(65537, 1024).public_key())), "1024 bits"),
        (
            PublishedKey(
                text=private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            ),
            "not PEM",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_safe_rsa_key_is_an_outage(published, says):
    """A key that cannot be used says nothing about the token, so it is Undecided, never Refused."""
    with pytest.raises(KeySourceUnavailable, match=says):
        read_key(published)


@given(st.text(max_size=400) | st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_text_is_a_key_or_an_outage(text):
    """Whatever the portal serves."""
    with pytest.raises(KeySourceUnavailable):
        read_key(PublishedKey(text=text))


@given(st.integers(0, len(spki()) - 1), st.integers(0, 255))
def test_any_changed_byte_of_a_key_is_a_key_or_an_outage(position, value):
    """Closer to a key than random bytes ever come."""
    der = bytearray(spki())
    der[position] = value
    text = base64.b64encode(der).decode()

    assert code_of(read_key, PublishedKey(text=text)) in {None, "key-source-unavailable"}
