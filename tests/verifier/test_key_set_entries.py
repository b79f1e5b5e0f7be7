"""Which entries of a key set are keys, and that noise beside them does no harm."""

import json

import pytest
from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.playgama.purchase import PURCHASES
from coinslot_testkit.fake_seller import jwk, jwks, number, pool_key
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import encode
from coinslot_testkit.tools import run
from coinslot_verifier.jwk import MEMBER_CHARS_MAX
from coinslot_verifier.jws import check_signature, parse_compact
from coinslot_verifier.key_forms import read_key
from coinslot_verifier.key_set import read_key_set
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

RSA = jwk(pool_key(0), kid="good", use="sig", alg="RS256")
EC = jwk(pool_key(0, "p_256"), kid="good", use="sig", alg="ES256")
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
P384 = ec.generate_private_key(ec.SECP384R1())

ODD = {
    "no object": "key",
    "no type": {**RSA, "kty": None},
    "unknown type": {**RSA, "kty": "OKP", "crv": "Ed25519"},
    "a type that is no text": {**RSA, "kty": ["RSA"]},
    "a secret": {"kty": "oct", "kid": "good", "k": "c2VjcmV0"},
    "for encryption": {**RSA, "use": "enc"},
    "for signing, not verifying": {**RSA, "key_ops": ["sign"]},
    "operations that are no list": {**RSA, "key_ops": "verify"},
    "alg that is no text": {**RSA, "alg": 256},
    "private member": {**RSA, "d": "AAAA"},
    "1024 bits": jwk(WEAK, kid="good"),
    "n missing": {**RSA, "n": None},
    "n empty": {**RSA, "n": ""},
    "n padded": {**RSA, "n": RSA["n"] + "=="},
    "n in standard Base64": {**RSA, "n": "+/" + RSA["n"]},
    "n of an impossible length": {**RSA, "n": "A"},
    "n too long": {**RSA, "n": "A" * (MEMBER_CHARS_MAX + 1)},
    "n too large": {**RSA, "n": number((1 << 8200) + 1)},
    "e is 1": {**RSA, "e": "AQ"},
    "e is even": {**RSA, "e": "AQAA"},
    "another curve": {**jwk(P384, kid="good"), "crv": "P-384"},
    "another curve by the name of ours": jwk(P384, kid="good"),
    "a point off the curve": {**EC, "y": EC["x"]},
    "our curve by the name of another": {**EC, "crv": "P-384"},
    "a long coordinate": {**EC, "x": number(pool_key(0, "p_256").public_key().public_numbers().x, 33)},
    "a short coordinate": {**EC, "x": EC["x"][:-2]},
}


@pytest.mark.parametrize("entry", [RSA, EC], ids=["RSA", "EC"])
def test_a_good_entry_is_a_key(entry):
    """rfc7518:6"""
    key = read_key(PublishedKey(kid="good", jwk=entry))

    assert key.public == pool_key(0, "rsa_2048" if entry is RSA else "p_256").public_key()
    assert (key.kid, key.algorithm) == ("good", entry["alg"])


@pytest.mark.parametrize("members", [{}, {"key_ops": ["verify"]}, {"use": "sig"}, {"alg": None}], ids=str)
def test_members_that_may_be_absent_may_be_absent(members):
    """rfc7517:4: only the numbers are needed."""
    bare = {name: RSA[name] for name in ("kty", "n", "e")}

    key = read_key(PublishedKey(jwk={**bare, **members}))

    assert (key.kid, key.algorithm) == (None, None)


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_an_odd_entry_is_passed_over_and_the_good_one_beside_it_is_found(entry):
    """rfc7517:5"""
    keys = read_key_set(jwks(entry, RSA, entry), PURCHASES)

    assert [key.public for key in keys] == [pool_key(0).public_key()]


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_a_set_of_odd_entries_alone_is_undecided(entry):
    """rfc7517:5: the portal's fault, never the token's."""
    assert code_of(read_key_set, jwks(entry), PURCHASES) == "key-source-unavailable"


@pytest.mark.parametrize("entry", [ODD["a secret"], ODD["for encryption"]], ids=["secret", "encryption"])
def test_an_entry_is_judged_whatever_the_portal_let_through(entry):
    """rfc8725:3.1: no secret and no key for encryption ever verifies."""
    with pytest.raises(KeySourceUnavailable):
        read_key(PublishedKey(jwk=entry))


def test_the_published_example_of_es256_is_read():
    """rfc7518:3.4: key and token of RFC 7515, appendix A.3."""
    entry = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    token = parse_compact(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
        "yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    keys = read_key_set(jwks(entry), PURCHASES)

    assert check_signature(token, keys, algorithm="ES256") == keys[0]


NODE_SIGNER = """
const { createPrivateKey, sign } = require("node:crypto");
const [pem, signed] = JSON.parse(require("node:fs").readFileSync(0));
const key = { key: createPrivateKey(pem), dsaEncoding: "ieee-p1363" };
process.stdout.write(sign("sha256", Buffer.from(signed), key).toString("base64url"));
"""


@pytest.mark.tool("node")
@pytest.mark.parametrize(("kind", "algorithm"), [("rsa_2048", "RS256"), ("p_256", "ES256")])
def test_what_node_signs_is_read(kind, algorithm):
    """rfc7515:5.2, rfc7518:3.4: a signer that shares no code with us."""
    pem = pool_key(0, kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signed = f"{encode({'alg': algorithm})}.{encode({'orderId': 'o'})}"
    signature = run(["node", "-e", NODE_SIGNER], stdin=json.dumps([pem, signed]).encode())
    keys = read_key_set(jwks(jwk(pool_key(1, kind)), jwk(pool_key(0, kind))), PURCHASES)

    assert check_signature(parse_compact(f"{signed}.{signature}"), keys, algorithm=algorithm) == keys[1]


MEMBERS = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "use", "alg", "key_ops", "d"])


@given(st.sampled_from([RSA, EC]), st.dictionaries(MEMBERS, JSON_VALUES | st.text("AB_-", max_size=50)))
def test_any_members_are_a_key_or_undecided(entry, members):
    """A portal's fault is never an exception of another kind."""
    assert code_of(read_key, PublishedKey(jwk={**entry, **members})) in (None, "key-source-unavailable")
