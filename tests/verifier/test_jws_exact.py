"""What each refusal of a token says, to the letter, and ES256: what mutation testing asked for."""

from dataclasses import replace

import pytest
from coinslot_contracts.errors import AlgRefused, CoinslotError, IssuerMismatch, SignatureMismatch
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_testkit.token_workshop import PROFILES, ec_key, sign_es256
from coinslot_testkit.tokens import encode, make_token, spki
from coinslot_verifier import ConfigInvalid, NotificationVerifier, VerifierConfig
from coinslot_verifier.claims import check_issuer
from coinslot_verifier.jws import (
    HEADER_CHARS_KNOWN_MAX,
    TOKEN_BYTES_MAX,
    Header,
    check_header,
    check_signature,
    choose_algorithm,
    parse_claims,
    parse_compact,
)
from coinslot_verifier.key_forms import VerificationKey, read_key

RSA = read_key(PublishedKey(text=KEY_FORMS["pem"](spki())))
EC = VerificationKey(public=ec_key().public_key(), kind="EC", spki_sha256="0" * 64)
ES256 = PROFILES["purchase"]
HEAD = encode({"alg": "RS256"})


@pytest.mark.parametrize(
    ("token", "says"),
    [
        (5, "the token is not text"),
        ("é", "the token holds a character beyond ASCII"),
        ("A" * (TOKEN_BYTES_MAX + 1), "the token is longer than 65536 bytes"),
        ("", "the token has 1 part(s), not 3"),
        ("a.b", "the token has 2 part(s), not 3"),
        ("a.b.c.d", "the token has 4 part(s), not 3"),
        ("a.b.c.d.e", "the token has 5 part(s), not 3"),
        ("?.e30.AA", "the token's header is not Base64url without padding"),
        (f"{HEAD}.e30=.AA", "the token's payload is not Base64url without padding"),
        (f"{HEAD}.e30.A", "the token's signature is not Base64url without padding"),
        (f"{HEAD}.e30.AA\n", "the token's signature is not Base64url without padding"),
        (f"{HEAD}.e30.AB", "the token's signature is not the canonical Base64url of its bytes"),
        ("W10.e30.AA", "the token's header is not a JSON object"),
    ],
)
def test_a_malformed_token_is_told_what_is_wrong(token, says):
    """The text names the part and holds nothing of it."""
    with pytest.raises(CoinslotError) as caught:
        parse_compact(token)
    assert str(caught.value) == f"token-malformed: {says}"


@pytest.mark.parametrize(("header_bytes", "chars"), [(384, HEADER_CHARS_KNOWN_MAX), (385, 514)])
def test_a_header_is_known_up_to_a_length(header_bytes, chars):
    """What is remembered of strangers' headers is bounded in size as well as in number."""
    start = b'{"alg":"RS256","kid":"'
    header = encode(start + b"k" * (header_bytes - len(start) - 2) + b'"}')
    first, second = (parse_compact(f"{header}.{encode(payload)}.") for payload in (b"1", b"2"))

    assert len(header) == chars
    assert (first.head is second.head) == (chars <= HEADER_CHARS_KNOWN_MAX)
    assert first.head == second.head


@pytest.mark.parametrize("odd", [None, 1, True, ["RS256"], {"RS256": 1}])
def test_what_is_no_text_in_a_header_decides_nothing(odd):
    """rfc8725:3.1, rfc8725:3.10: it is kept among the members, and is neither an algorithm nor a key id."""
    members = {"alg": odd, "kid": odd, "typ": "JWT"}
    head = parse_compact(make_token(header=members)).head

    assert head == Header(members=members, algorithm=None, kid=None, refused=())


def test_the_facts_of_a_header_are_what_it_says():
    """The positive twin, with an option that is refused later."""
    members = {"alg": "RS256", "kid": "k1", "zip": "DEF", "b64": False}
    head = parse_compact(make_token(header=members)).head

    assert head == Header(members=members, algorithm="RS256", kid="k1", refused=("b64", "zip"))


def test_claims_that_are_no_object_are_told_as_the_payload():
    """rfc8259:4"""
    with pytest.raises(CoinslotError) as caught:
        parse_claims(parse_compact(f"{HEAD}.W10.AA"))
    assert caught.value.detail == "the token's payload is not a JSON object"


def test_a_refused_header_is_named():
    """rfc8725:3.1, rfc8725:3.10: the one that is wanted, and all that are not, in a fixed order."""
    with pytest.raises(AlgRefused) as caught:
        check_header(parse_compact(make_token(header={"alg": "none"})), algorithm="RS256")
    assert caught.value.detail == "the token's alg is not RS256"
    with pytest.raises(AlgRefused) as caught:
        check_header(
            parse_compact(make_token(header={"alg": "RS256", "zip": 1, "crit": 1})), algorithm="RS256"
        )
    assert caught.value.detail == "the token's header holds crit, zip"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_algorithm_that_the_token_names_is_chosen_where_it_is_allowed(algorithm):
    """rfc8725:3.1"""
    token = parse_compact(make_token(header={"alg": algorithm}))

    assert choose_algorithm(token, allowed=("RS256", "ES256")) == algorithm
    assert choose_algorithm(token, allowed=(algorithm,)) == algorithm


@pytest.mark.parametrize(
    ("named", "allowed", "says"),
    [
        ("HS256", ("RS256", "ES256"), "the token's alg is not RS256 or ES256"),
        ("HS256", ("HS256", "ES256"), "the token's alg is not HS256 or ES256"),
        ("ES256", ("RS256",), "the token's alg is not RS256"),
        (None, ("RS256",), "the token's alg is not RS256"),
        (["RS256"], ("RS256",), "the token's alg is not RS256"),
    ],
)
def test_an_algorithm_that_is_not_allowed_or_symmetric_is_refused(named, allowed, says):
    """rfc8725:2.1: a symmetric one is not known here, even where a configuration allows it."""
    with pytest.raises(AlgRefused) as caught:
        choose_algorithm(parse_compact(make_token(header={"alg": named})), allowed=allowed)
    assert caught.value.detail == says


def test_es256_is_r_and_s_side_by_side():
    """rfc7518:3.4; a token of the right key is accepted under it, and under it alone."""
    token = parse_compact(ES256.token())
    other = parse_compact(ES256.join(b'{"alg":"ES256"}', b"{}", ES256.sign_other))

    assert check_signature(token, [EC], algorithm="ES256") is EC
    for wrong in (
        other,
        token._replace(signature=token.signature[:-1]),
        token._replace(signature=token.signature + b"\0"),
        token._replace(signature=token.signature[32:] + token.signature[:32]),
        token._replace(signature=bytes(64)),
        token._replace(signature=b""),
        token._replace(signing_input=token.signing_input + b"x"),
    ):
        with pytest.raises(SignatureMismatch) as caught:
            check_signature(wrong, [EC], algorithm="ES256")
        assert caught.value.detail == "the token's signature was not made by the portal's key"


@pytest.mark.parametrize("number", range(20))
def test_every_byte_of_an_es256_signature_counts(number):
    """rfc7518:3.4: high and low bytes of both halves, whatever the numbers are."""
    text = f"{HEAD}.{encode(str(number).encode())}".encode()
    signature = bytearray(sign_es256(text))
    good = parse_compact(ES256.token())._replace(signing_input=text, signature=bytes(signature))
    signature[number * 3] ^= 1

    assert check_signature(good, [EC], algorithm="ES256") is EC
    with pytest.raises(SignatureMismatch):
        check_signature(good._replace(signature=bytes(signature)), [EC], algorithm="ES256")


def test_a_key_serves_one_algorithm():
    """rfc8725:3.1: by its type, and by what the portal says of it; others beside it are passed over."""
    token = parse_compact(make_token())
    other_use = replace(RSA, algorithm="PS256")

    assert check_signature(token, [EC, other_use, RSA], algorithm="RS256") is RSA
    assert check_signature(token, [replace(RSA, algorithm="RS256")], algorithm="RS256").algorithm == "RS256"
    for keys in ([], [EC], [other_use], [replace(EC, algorithm="RS256")]):
        with pytest.raises(AlgRefused) as caught:
            check_signature(token, keys, algorithm="RS256")
        assert caught.value.detail == "the portal's key is not for RS256"


def test_the_other_refusals_say_why():
    """The issuer that was wanted; how many headers there were; which setting is missing."""
    with pytest.raises(IssuerMismatch) as caught:
        check_issuer({"iss": "x"}, issuer="com:jogos:sdk")
    assert caught.value.detail == "the token's iss is not com:jogos:sdk"

    config = VerifierConfig(portal="jogos", game_id="1220", shared_keys=(b"k",))
    with pytest.raises(SignatureMismatch) as twice:
        NotificationVerifier(config).verify([("Authorization", "a"), ("authorization", "b")], b"{}")
    assert twice.value.detail == "there are 2 Authorization headers"
    with pytest.raises(ConfigInvalid) as unset:
        NotificationVerifier(replace(config, shared_keys=()))
    assert str(unset.value) == "shared_keys is empty, so no notification can be checked"
