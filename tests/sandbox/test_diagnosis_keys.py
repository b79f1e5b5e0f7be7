"""The forms of a reader's key text, made by openssl, cryptography or by hand; and which key it holds."""

import base64
import datetime
import json

import pytest
from coinslot_contracts.portal import discover
from coinslot_sandbox.diagnosis.public_key import read_key_text
from coinslot_sandbox.diagnosis.token import TokenCase, diagnose_token
from coinslot_sandbox.diagnosis.token_rules import token_rules
from coinslot_testkit import tools
from coinslot_testkit.foreign_tokens import NOW_S, PEM, PEM_LINES, b64, claims, der, known, sign
from coinslot_testkit.tokens import VECTORS, private_key, spki
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

(USERS,) = token_rules(discover()["jogos"])
(PURCHASES,) = token_rules(discover()["playgama"])
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
BARE = base64.b64encode(spki()).decode()
GOOD = sign(claims())


def public_bytes(encoding, form):
    return private_key().public_key().public_bytes(encoding, form).decode()


def certificate():
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    begins = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key().public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=1))
        .sign(private_key(), SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


FORMS = {
    "public-key-trailing-newline": PEM + "\n",
    "public-key-wrapped": PEM_LINES.decode().strip(),
    "public-key-crlf": PEM.replace("\n", "\r\n"),
    "public-key-indented": PEM.replace("\n", "\n  "),
    "public-key-one-line": PEM.replace("\n", ""),
    "public-key-escaped-newlines": PEM.replace("\n", "\\n"),
    "public-key-bare-base64": BARE,
    "public-key-base64-of-pem": base64.b64encode(PEM.encode()).decode(),
    "public-key-pkcs1": public_bytes(Encoding.PEM, PublicFormat.PKCS1).strip(),
    "public-key-ssh": public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "public-key-certificate": certificate().strip(),
    "public-key-private": (VECTORS / "signing-key.pem").read_text().strip(),
    "public-key-quoted": f'"{PEM}"',
    "public-key-bom": f"\ufeff{PEM}",
    "public-key-cut": PEM.rpartition("\n")[0],
    "public-key-empty": " \n",
    "public-key-html": "<!doctype html><title>404</title>",
    "public-key-unreadable": "no key at all",
}
READ_BY_MOST = {
    "public-key-trailing-newline",
    "public-key-wrapped",
    "public-key-crlf",
    "public-key-indented",
}
WITHOUT_KEY = {"public-key-empty", "public-key-html", "public-key-unreadable", "public-key-cut"}


def diagnose(token, text, rules=USERS, keys=None):
    held = [known("published", spki(), "A"), known("previous", der(STRANGER))] if keys is None else keys
    return diagnose_token(rules, TokenCase(token=token, keys=held, now_s=NOW_S, public_key=text))


def test_the_documents_form_has_no_name():
    """jogos:user.4: one line of Base64 between two newlines, nothing after it; and the whole document."""
    document = json.dumps({"data": PEM})

    assert read_key_text(PEM).forms == ()
    assert [diagnose(GOOD, text).cause for text in (PEM, document)] == [None, None]


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_key_text_is_named(form):
    """sandbox:key-form; a form that PEM readers take leaves the token good."""
    found = diagnose(GOOD, FORMS[form])

    assert found.cause == form
    assert found.ok == (form in READ_BY_MOST)
    assert "PRIVATE" not in json.dumps(found.as_json())


@pytest.mark.parametrize("form", sorted(set(FORMS) - WITHOUT_KEY))
def test_the_key_is_found_in_every_form(form):
    """Normalised, it is the key that PyJWT's library knows."""
    assert read_key_text(FORMS[form]).spki_der == spki()


def test_bare_base64_of_pkcs1_is_both():
    """Two oddities at once, and the key all the same."""
    pkcs1 = private_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    found = read_key_text(base64.b64encode(pkcs1).decode())

    assert found.spki_der == spki()
    assert found.forms == ("public-key-pkcs1", "public-key-bare-base64")


@pytest.mark.tool("openssl")
def test_what_openssl_writes_is_read():
    """Wrapped, with a newline at the end."""
    written = tools.run(["openssl", "pkey", "-in", str(VECTORS / "signing-key.pem"), "-pubout"])
    found = read_key_text(written)

    assert found.spki_der == spki()
    assert set(found.forms) == {"public-key-wrapped", "public-key-trailing-newline"}


@pytest.mark.parametrize(
    ("key", "role", "cause"),
    [
        (STRANGER, "previous", "public-key-outdated"),
        (STRANGER, "other-portal", "public-key-of-another-portal"),
        (STRANGER, "never-published", "public-key-other"),
    ],
)
def test_a_reader_with_another_key_is_told_whose_it_is(key, role, cause):
    """jogos:user.2: the key may change at any moment."""
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der(key)).decode()}\n-----END PUBLIC KEY-----"
    keys = [known("published", spki()), known(role, der(key))]
    found = diagnose(GOOD, pem, keys=keys)

    assert (found.ok, found.cause) == (False, cause)
    assert diagnose(GOOD, PEM, keys=keys).ok


def entry(key, kid):
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": b64(numbers.n.to_bytes(256)),
        "e": b64(numbers.e.to_bytes(3)),
    }


def test_a_key_set_of_the_reader_is_read():
    """playgama:2: the set that holds the key, and one that holds only an old one."""
    token = sign({"orderId": "1", "externalId": "e"}, header={"kid": "A"})
    fresh = json.dumps({"keys": [entry(STRANGER, "C"), entry(private_key(), "A")]})
    stale = json.dumps({"keys": [entry(STRANGER, "C")]})

    assert diagnose(token, fresh, PURCHASES).cause is None
    assert diagnose(token, stale, PURCHASES).cause == "public-key-outdated"
    assert diagnose(token, PEM_LINES.decode(), PURCHASES).cause is None


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.text(max_size=40).map(lambda body: f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----")
    | st.text(max_size=20).map(lambda label: f"-----BEGIN {label}-----\n{BARE}\n-----END {label}-----")
)
def test_no_key_text_ever_raises(text):
    """Whatever a reader holds is answered."""
    diagnose(GOOD, text)
    diagnose(GOOD, text, PURCHASES)
