"""The traps of the user system, one row each: read correctly, or refused with the code that says why.

The rows are those of a reader who goes through the document line by line and asks what a careless backend
would do there. Whatever the portal's key document looks like, the key is the same or the portal's fault.
"""

import base64
import json
import textwrap
from dataclasses import dataclass, replace

import pytest
from coinslot_contracts.wire import WireReply
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import GAME_ID, NOW_S, encode, good_claims, make_token, private_key, spki
from coinslot_verifier import (
    IdentityVerifier,
    KeySourceUnavailable,
    PublishedKeys,
    StaticKeys,
    VerifierConfig,
    identity_or_none,
)
from coinslot_verifier.key_source import read_key_document
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CONFIG = VerifierConfig(
    portal="jogos", game_id=GAME_ID, web_url="http://portal.example", allow_test_keys=True
)
PART = CONFIG.identity_part()
LINE = base64.b64encode(spki()).decode()
PKCS1 = base64.b64encode(private_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()
BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
WRAPPED = "\n".join(textwrap.wrap(LINE, 64))


@dataclass
class OneAnswer:
    """A portal whose key endpoint says one thing."""

    reply: WireReply

    def get(self, url: str, *, attempts_max: int) -> WireReply:  # noqa: ARG002 - the form of Sender
        return self.reply


def verifier_of(data: object, **changes: object) -> IdentityVerifier:
    """A verifier that fetches a key document with this under `data`."""
    config = replace(CONFIG, **changes)  # type: ignore[arg-type]
    sender = OneAnswer(WireReply(body=json.dumps({"data": data}).encode()))
    return IdentityVerifier(config, key_source=PublishedKeys(config, sender=sender), clock=lambda: NOW_S)


KEY_FORMS = {
    "header LF body LF footer": f"{BEGIN}\n{LINE}\n{END}",
    "the same with a trailing LF": f"{BEGIN}\n{LINE}\n{END}\n",
    "64 columns": f"{BEGIN}\n{WRAPPED}\n{END}",
    "64 columns with a trailing LF": f"{BEGIN}\n{WRAPPED}\n{END}\n",
    "CRLF": f"{BEGIN}\r\n{LINE}\r\n{END}",
    "no line break at all": f"{BEGIN}{LINE}{END}",
    "spaces for line breaks": f"{BEGIN} {LINE} {END}",
    "bare Base64": LINE,
    "literal backslash-n": f"{BEGIN}\\n{LINE}\\n{END}",
    "PKCS#1": f"-----BEGIN RSA PUBLIC KEY-----\n{PKCS1}\n-----END RSA PUBLIC KEY-----",
}
NO_KEYS = {
    "EC": base64.b64encode(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "1024 bits": base64.b64encode(
        rsa.generate_private_key(65537, 1024)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "half a key": LINE[:100],
    "empty": "",
    "an object": {"publicKey": LINE},
    "a list": [LINE],
}


@pytest.mark.parametrize("data", KEY_FORMS.values(), ids=KEY_FORMS)
def test_a_row_of_the_key_form_matrix_is_read(data):
    """sandbox:key-form; jogos:user.4 (lines 53-55, 94-96)"""
    verifier = verifier_of(data)

    assert verifier.verify(make_token()).user_id == "257"
    assert code_of(verifier.verify, make_token(key="other")) == "signature-mismatch"


@pytest.mark.parametrize("data", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_of_the_portal_is_undecided(data):
    """jogos:user.3: the portal's fault says nothing about the token."""
    assert code_of(verifier_of(data).verify, make_token()) == "key-source-unavailable"


def user(**changes: object) -> dict[str, object]:
    return PART.change_user(good_claims(), changes)


def times(**changes: object) -> dict[str, object]:
    return {name: value for name, value in {**good_claims(), **changes}.items() if value is not None}


OWN_KEY = {"alg": "RS256", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}
UNSIGNED = make_token(header={"alg": "none"}).rpartition(".")[0] + "."
TAMPERED = make_token().split(".")
DEEP = "[" * 10_000

REFUSED = {
    "U1 a key of the sender's own": (make_token(header=OWN_KEY, key="other"), "alg-refused"),
    "U1 the sender's own signature": (make_token(key="other"), "signature-mismatch"),
    "U5 a changed payload": (
        f"{TAMPERED[0]}.{encode(user(userId='1'))}.{TAMPERED[2]}",
        "signature-mismatch",
    ),
    "U7 unsigned": (UNSIGNED, "alg-refused"),
    "U7 empty signature": (make_token().rpartition(".")[0] + ".", "signature-mismatch"),
    "U7 two parts": (make_token().rpartition(".")[0], "token-malformed"),
    "U8 other issuer": (make_token(times(iss="com:other:sdk")), "issuer-mismatch"),
    "U8 no issuer": (make_token(times(iss=None)), "issuer-mismatch"),
    "U8 other game": (make_token(user(gameId="1221")), "game-mismatch"),
    "U9 sub as an object": (make_token(times(sub={"userId": "257"})), "sub-invalid"),
    "U9 flat claims": (make_token(times(sub=None, userId="257", gameId=GAME_ID)), "sub-invalid"),
    "U10 leading zero": (make_token(user(userId="0257")), "sub-invalid"),
    "U10 id as a float": (make_token(user(userId=257.0)), "sub-invalid"),
    "U10 id beyond 64 bits": (make_token(user(userId=2**64)), "sub-invalid"),
    "U11 no exp": (make_token(times(exp=None)), "field-missing"),
    "U11 expired": (make_token(times(exp=NOW_S - 30)), "token-expired"),
    "U11 exp before iat": (make_token(times(exp=NOW_S - 3600)), "token-expired"),
    "U11 iat in milliseconds": (make_token(times(iat=NOW_S * 1000)), "token-not-yet-valid"),
    "U11 exp as text": (make_token(times(exp=str(NOW_S + 60))), "field-invalid"),
    "U11 exp true": (make_token(times(exp=True)), "field-invalid"),
    "U13 sub nested deeply": (make_token(times(sub='{"a":' + DEEP)), "sub-invalid"),
    "U13 a megabyte": (make_token(times(sub="x" * 1_000_000)), "token-malformed"),
    "U13 userId twice": (make_token(times(sub='{"userId":"1","userId":"2"}')), "sub-invalid"),
    "U14 a control character in the name": (make_token(user(username="a\nb")), "sub-invalid"),
}
for _name in ("undefined", "", " ", "null", "NaN", "-1", "1e3", "٢٥٧"):
    REFUSED[f"U6 user id {_name!r}"] = (make_token(user(userId=_name)), "sub-invalid")
for _value in (True, [257], {"id": 257}):
    REFUSED[f"U6 user id {_value!r}"] = (
        make_token(times(sub=json.dumps({"userId": _value, "gameId": GAME_ID}))),
        "sub-invalid",
    )

READ = {
    "U10 ids as numbers": (make_token(user(userId=257, gameId=1220)), "257"),
    "U10 an id beyond 2^53": (make_token(user(userId="9007199254740993")), "9007199254740993"),
    "U11 a thousand hours": (make_token(times(exp=NOW_S + 3_600_000)), "257"),
    "U11 exp in milliseconds": (make_token(times(exp=(NOW_S + 60) * 1000)), "257"),
    "U11 a clock that differs by the skew": (make_token(times(exp=NOW_S - 29)), "257"),
    "U12 a token id that was seen before": (make_token(), "257"),
    "U12 no token id": (make_token(times(jti=None)), "257"),
    "U13 a member that a deserialiser would obey": (make_token(user(**{"@type": "java.lang.Class"})), "257"),
    "U14 another name and picture": (
        make_token(user(username="<b>", profilePictureUrl="javascript:x")),
        "257",
    ),
    "U14 no name and no picture": (make_token(user(username=None, profilePictureUrl=None)), "257"),
}
VERIFIER = IdentityVerifier(
    CONFIG,
    key_source=StaticKeys(read_key_document(json.dumps({"data": LINE}).encode(), PART)),
    clock=lambda: NOW_S,
)


@pytest.mark.parametrize(("token", "code"), REFUSED.values(), ids=REFUSED)
def test_a_trap_is_refused_by_its_code_and_is_no_user(token, code):
    """jogos:user.3, jogos:user.4"""
    assert code_of(VERIFIER.verify, token) == code
    assert identity_or_none(VERIFIER, token) is None


@pytest.mark.parametrize(("token", "user_id"), READ.values(), ids=READ)
def test_what_looks_odd_and_is_good_is_read(token, user_id):
    """jogos:user.3, jogos:user.4: ids are decimal text, whatever they were sent as."""
    assert VERIFIER.verify(token).user_id == user_id
    assert identity_or_none(VERIFIER, token) == VERIFIER.verify(token)


def test_a_token_of_the_other_environment_is_refused():
    """jogos:user.2: the key is that of the configured environment, which no token can choose (U3)."""
    other = base64.b64encode(spki("other")).decode()

    assert code_of(verifier_of(other).verify, make_token()) == "signature-mismatch"
    assert verifier_of(other).verify(make_token(key="other")).user_id == "257"


def test_an_age_cap_ends_a_thousand_hours_after_one():
    """jogos:user.4: off by default, because the document names only exp (U11)."""
    token, late_s = READ["U11 a thousand hours"][0], NOW_S + 7200
    capped = IdentityVerifier(
        replace(CONFIG, max_age_s=3600), key_source=VERIFIER._key_source, clock=lambda: late_s
    )
    uncapped = IdentityVerifier(CONFIG, key_source=VERIFIER._key_source, clock=lambda: late_s)

    assert code_of(capped.verify, token) == "token-too-old"
    assert uncapped.verify(token).user_id == "257"


def test_an_outage_is_no_empty_user():
    """jogos:user.3: nothing was decrypted, so nothing failed to decrypt; answer 503, not 401."""
    config = CONFIG
    keys = PublishedKeys(config, sender=OneAnswer(WireReply(status=500)))

    with pytest.raises(KeySourceUnavailable):
        identity_or_none(IdentityVerifier(config, key_source=keys), make_token())
