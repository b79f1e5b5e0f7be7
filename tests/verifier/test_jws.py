"""Compact tokens taken apart: one spelling for one token, and the header never chooses."""

import base64
import hashlib

import pytest
from coinslot_contracts.errors import AlgRefused, SignatureMismatch, TokenMalformed
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import encode, good_claims, make_token, spki
from coinslot_verifier.jws import (
    HEADERS_REFUSED,
    TOKEN_BYTES_MAX,
    check_header,
    check_signature,
    parse_claims,
    parse_compact,
)
from coinslot_verifier.key_forms import read_key
from hypothesis import given
from hypothesis import strategies as st

KEY = read_key(PublishedKey(text=KEY_FORMS["pem"](spki())))
OTHER_KEY = read_key(PublishedKey(text=KEY_FORMS["pem"](spki("other"))))
HEADER = encode({"alg": "RS256"})


def test_a_good_token_comes_apart():
    """rfc7515:5.2"""
    token = parse_compact(make_token(header={"alg": "RS256", "kid": "7"}))

    check_header(token, algorithm="RS256")
    check_signature(token, [KEY], algorithm="RS256")

    assert (token.kid, dict(token.header)) == ("7", {"alg": "RS256", "kid": "7"})
    assert parse_claims(token) == good_claims()


def test_bytes_and_text_are_the_same_token():
    """A framework hands over either."""
    token = make_token()

    assert parse_compact(token) == parse_compact(token.encode())


def test_a_header_that_was_seen_before_is_known_and_one_that_is_long_is_read_each_time():
    """What is kept is the reading of short headers: never a token, a signature or a verdict."""
    short, long = ({"alg": "RS256", "kid": "k" * length} for length in (8, 2_000))
    first, second = parse_compact(make_token(header=short)), parse_compact(make_token(b"{}", header=short))
    once, again = parse_compact(make_token(header=long)), parse_compact(make_token(header=long))

    assert first.head is second.head
    assert first.payload != second.payload
    assert once.head is not again.head
    assert once.head == again.head


def test_a_token_is_known_again_by_a_digest_of_what_was_signed_and_the_signature():
    """SHA-256, so that whoever remembers a token keeps nothing of it."""
    token = parse_compact("e30.e30.AAE")

    assert token.evidence() == hashlib.sha256(b"e30.e30.\x00\x01").digest()


@pytest.mark.parametrize("kid", [None, 1, {"a": 1}, ["x"]])
def test_a_kid_that_is_no_text_is_none(kid):
    """rfc8725:3.10: nothing is looked up by it."""
    assert parse_compact(make_token(header={"alg": "RS256", "kid": kid})).kid is None


@pytest.mark.parametrize(
    "token",
    [
        None,
        5,
        ["a.b.c"],
        {"token": "x"},
        "",
        ".",
        "..",
        "a.b",
        f"{HEADER}.e30",
        f"{HEADER}.e30.AA.AA",
        f"{HEADER}.e30.AA.AA.AA",
        f"{HEADER}=.e30.AA",
        f" {HEADER}.e30.AA",
        f"{HEADER}.e30.AA\n",
        f"{HEADER}.e30.A",
        f"{HEADER}.e30.AB",
        f"{HEADER}.e30.A+",
        f"{HEADER}.e30.A/",
        f"{HEADER}.e30.é",
        f"{HEADER}.e30.\udc80",
        f"{HEADER}.e3 0.AA",
        "W10.e30.AA",
        "bm8.e30.AA",
        "_w.e30.AA",
        f"{HEADER}.e30.++++",
        f"{HEADER}.e30.////",
        f"{HEADER}.{'A' * TOKEN_BYTES_MAX}.AAAA",
    ],
)
def test_any_other_shape_is_malformed(token):
    """rfc7515:2: no padding, no white space, the URL-safe alphabet, and one spelling for the same bytes."""
    with pytest.raises(TokenMalformed):
        parse_compact(token)


def test_the_longest_token_is_read():
    """The positive twin of the size limit."""
    room = TOKEN_BYTES_MAX - len(HEADER) - 2
    filler = base64.urlsafe_b64encode(bytes(room // 4 * 3)).decode()

    assert len(parse_compact(f"{HEADER}.{filler}.").payload) == room // 4 * 3
    assert parse_compact(f"{HEADER}.e30.--__").signature == b"\xfb\xef\xff"


@pytest.mark.parametrize(
    "header", [b'{"alg":"none","alg":"RS256"}', b'{"alg":NaN}', b"{", b"\xff", b"{" * 100]
)
def test_a_header_that_parsers_read_differently_is_malformed(header):
    """rfc8725:2.1, rfc8259:4"""
    with pytest.raises(TokenMalformed):
        parse_compact(make_token(header=header))


@pytest.mark.parametrize(
    "alg", ["none", "nOnE", "HS256", "rs256", "RS512", "PS256", "ES256", "", None, 1, ["RS256"]]
)
def test_another_algorithm_is_refused(alg):
    """rfc8725:3.1"""
    with pytest.raises(AlgRefused):
        check_header(parse_compact(make_token(header={"alg": alg})), algorithm="RS256")


@pytest.mark.parametrize("name", sorted(HEADERS_REFUSED))
def test_a_header_that_brings_a_key_or_changes_the_reading_is_refused(name):
    """rfc7515:4.1.11, rfc7515:4.1.3, rfc8725:3.10"""
    with pytest.raises(AlgRefused, match=name):
        check_header(parse_compact(make_token(header={"alg": "RS256", name: None})), algorithm="RS256")


@pytest.mark.parametrize("name", ["typ", "kid", "cty", "x5t", "anything"])
def test_an_unknown_header_is_ignored(name):
    """The portal may add members; only those that change the reading are refused."""
    check_header(parse_compact(make_token(header={"alg": "RS256", name: "x"})), algorithm="RS256")


def test_the_signature_of_another_key_does_not_match():
    """rfc7515:5.2; a signature under either of two keys does."""
    token = parse_compact(make_token(key="other"))

    with pytest.raises(SignatureMismatch):
        check_signature(token, [KEY], algorithm="RS256")
    check_signature(token, [KEY, OTHER_KEY], algorithm="RS256")


@pytest.mark.parametrize("flipped", [0, 100, 255])
def test_one_flipped_bit_spoils_a_signature(flipped):
    """rfc7515:5.2"""
    signed, _, signature = make_token().rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[flipped] ^= 1

    with pytest.raises(SignatureMismatch):
        check_signature(parse_compact(f"{signed}.{encode(bytes(raw))}"), [KEY], algorithm="RS256")


@pytest.mark.parametrize("payload", [b"[1]", b"null", b"1", b"no json", b'{"exp":1e400}', b'{"a":1,"a":2}'])
def test_claims_that_are_no_plain_object_are_malformed(payload):
    """rfc8259:4"""
    with pytest.raises(TokenMalformed):
        parse_claims(parse_compact(make_token(payload)))


@given(st.binary(max_size=300) | st.text(max_size=300) | st.none() | st.integers())
def test_any_value_is_a_token_or_one_of_our_errors(value):
    """Nothing that a client sends may raise anything else."""
    assert code_of(parse_compact, value) in {None, "token-malformed"}


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_any_three_decodable_parts_are_judged(header, payload, signature):
    """As above, behind the Base64."""
    raw = f"{encode(header)}.{encode(payload)}.{encode(signature)}"

    def judge() -> None:
        token = parse_compact(raw)
        check_header(token, algorithm="RS256")
        check_signature(token, [KEY], algorithm="RS256")

    assert code_of(judge) in {"token-malformed", "alg-refused", "signature-mismatch"}
