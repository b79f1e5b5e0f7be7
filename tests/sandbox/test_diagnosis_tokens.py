"""The diagnosis names seeded mistakes in tokens; each is made here with PyJWT, hmac and plain Base64.

Nothing of the diagnosis, and nothing of the sandbox's own forge, is used to make them.
"""

import base64
import json
import time
from urllib.parse import quote

import jwt
import pytest
from coinslot_contracts.clauses import clauses
from coinslot_contracts.portal import discover
from coinslot_sandbox.diagnosis.token import TokenCase, best_of, diagnose_token
from coinslot_sandbox.diagnosis.token_causes import TOKEN_CAUSES
from coinslot_sandbox.diagnosis.token_rules import token_rules
from coinslot_testkit import tools
from coinslot_testkit.foreign_tokens import (
    NOW_S,
    PEM,
    PEM_LINES,
    b64,
    claims,
    der,
    hs256,
    known,
    sign,
    user,
)
from coinslot_testkit.tokens import VECTORS, spki
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

(USERS,) = token_rules(discover()["jogos"])
(PURCHASES,) = token_rules(discover()["playgama"])
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
PUBLISHED = known("published", spki(), "key-A")


def diagnose(token, keys=(PUBLISHED,), rules=USERS, **more):
    return diagnose_token(
        rules, TokenCase(**{"token": token, "keys": keys, "now_s": NOW_S, "games": ("1220",), **more})
    )


GOOD = sign(claims())
NO_ALGORITHM = b64(b'{"alg":"none"}')
PARTS = GOOD.split(".")
SEEDED = {
    "token-missing": "",
    "token-not-jwt": "hello",
    "token-truncated": GOOD[:-40],
    "token-encrypted": "eyJhbGciOiJkaXIifQ.a.b.c.d",
    "token-extra-parts": f"{GOOD}.x",
    "token-header-unreadable": f"!!.{PARTS[1]}.{PARTS[2]}",
    "token-claims-unreadable": f"{PARTS[0]}.{b64(b'no json')}.{PARTS[2]}",
    "token-whitespace": f"{GOOD}\n",
    "token-line-broken": "\n".join(GOOD[at : at + 64] for at in range(0, len(GOOD), 64)),
    "token-quoted": f'"{GOOD}"',
    "token-scheme-word": f"Bearer {GOOD}",
    "token-url-encoded": quote(GOOD, safe="").replace(".", "%2E"),
    "token-in-json": json.dumps({"token": GOOD}),
    "token-base64-encoded": base64.b64encode(GOOD.encode()).decode(),
    "token-padded": ".".join(part + "=" * (-len(part) % 4) for part in PARTS),
    "token-standard-base64": GOOD.replace("-", "+").replace("_", "/"),
    "alg-none": f"{NO_ALGORITHM}.{PARTS[1]}.",
    "alg-hs256-public-key": hs256(PEM_LINES),
    "alg-mismatch": hs256(b"a secret of somebody"),
    "signature-empty": f"{PARTS[0]}.{PARTS[1]}.",
    "signature-dropped": f"{PARTS[0]}.{PARTS[1]}",
    "header-refused": sign(claims(), header={"jku": "https://attacker.example/keys"}),
    "content-changed": f"{PARTS[0]}.{b64(json.dumps(claims(sub=user(userId='1'))).encode())}.{PARTS[2]}",
    "time-in-ms": sign(claims(iat=(NOW_S - 60) * 1000, exp=(NOW_S + 3540) * 1000)),
    "time-not-a-number": sign(claims(exp=str(NOW_S + 100))),
    "exp-missing": sign(claims(exp=None)),
    "exp-before-iat": sign(claims(exp=NOW_S - 90)),
    "expired": sign(claims(iat=NOW_S - 7200, exp=NOW_S - 3600)),
    "not-yet-valid": sign(claims(iat=NOW_S + 3600, exp=NOW_S + 7200)),
    "clock-skew": sign(claims(iat=NOW_S + 12)),
    "issuer-other": sign(claims(iss="com:other:sdk")),
    "issuer-missing": sign(claims(iss=None)),
    "game-other": sign(claims(sub=user(gameId="1221"))),
    "sub-missing": sign(claims(sub=None)),
    "sub-flat": sign(claims(sub=None, userId="257", gameId="1220")),
    "sub-object": sign(claims(sub=json.loads(user()))),
    "sub-not-text": sign(claims(sub=257)),
    "sub-not-json": sign(claims(sub="player 257")),
    "sub-encoded-twice": sign(claims(sub=json.dumps(user()))),
    "user-id-missing": sign(claims(sub=user(userId=None))),
    "claims-unusable": sign(claims(sub=user(gameId="not a number"))),
}


def test_a_good_token_is_good():
    """jogos:user.3: the twin of everything below; PyJWT agrees."""
    found = diagnose(GOOD)

    assert (found.ok, found.cause, found.also) == (True, None, ())
    assert jwt.decode(GOOD, PEM, algorithms=["RS256"], options={"verify_exp": False})["jti"] == "1"
    assert any("inside sub" in note for note in found.notes)


@pytest.mark.parametrize("cause", SEEDED)
def test_a_seeded_mistake_is_named(cause):
    """One mistake, its own name, a sentence, a remedy and a clause that exists."""
    found = diagnose(SEEDED[cause])

    assert (found.ok, found.cause, found.also) == (False, cause, ())
    assert "{" not in found.says + found.remedy
    assert found.clause in clauses()


def test_at_least_twelve_mistakes_are_seeded():
    """And every one is a name that the product knows."""
    assert len(SEEDED) >= 12
    assert set(SEEDED) <= set(TOKEN_CAUSES)


@pytest.mark.parametrize(
    ("role", "cause"),
    [
        ("previous", "key-previous"),
        ("unpublished", "key-unpublished"),
        ("never-published", "key-never-published"),
        ("other-portal", "key-of-another-portal"),
        ("other-environment", "key-of-another-environment"),
        ("sandbox", "key-of-a-sandbox"),
    ],
)
def test_the_wrong_key_is_told_by_whose_it_is(role, cause):
    """jogos:user.2: wrong key, and which one it was."""
    token = sign(claims(), key=STRANGER)

    assert diagnose(token, [PUBLISHED, known(role, der(STRANGER))]).cause == cause
    assert diagnose(token, [PUBLISHED]).cause is None
    assert not diagnose(token, [PUBLISHED]).ok


@pytest.mark.parametrize(
    ("differs_s", "skew"),
    [({"iat": NOW_S + 12}, "12"), ({"exp": NOW_S - 5}, "6"), ({"nbf": NOW_S + 60}, "60")],
)
def test_a_skew_is_named_in_seconds(differs_s, skew):
    """rfc7519:4.1.4: the least skew with which it would pass, and with which it does."""
    token = sign(claims(**differs_s))
    found = diagnose(token)

    assert found.cause == "clock-skew"
    assert f"skew of {skew} s" in found.says
    jwt.decode(
        token,
        PEM,
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


def test_every_mistake_is_told_where_there_are_several():
    """The form first, then who signed it, then what it says."""
    found = diagnose(f"Bearer {sign(claims(iss='x', exp=NOW_S - 3600, iat=NOW_S - 7200), key=STRANGER)}")
    also = diagnose(f"Bearer {sign(claims(iss='x', exp=NOW_S - 3600, iat=NOW_S - 7200))}")

    assert (found.cause, *found.also) == ("token-scheme-word", "expired", "issuer-other")
    assert found.notes
    assert (also.cause, *also.also) == ("token-scheme-word", "expired", "issuer-other")


@pytest.mark.parametrize(
    ("read", "cause"),
    [
        ("undefined", "sub-not-parsed"),
        ("", "sub-not-parsed"),
        (user(), "sub-not-parsed"),
        ("300", "user-id-differs"),
    ],
)
def test_what_the_reader_took_for_the_user_tells_what_it_did(read, cause):
    """jogos:user.4: the user is JSON text inside sub."""
    assert diagnose(GOOD, user_id=read).cause == cause
    assert diagnose(GOOD, user_id="257").ok


def test_a_rounded_id_is_named():
    """An id beyond 2^53 that went through a double."""
    token = sign(claims(sub=user(userId="1967423537615581183")))

    assert diagnose(token, user_id="1967423537615581200").cause == "user-id-rounded"
    assert diagnose(token, user_id="1967423537615581183").ok


def test_an_audience_that_is_assumed_is_named():
    """The portal's tokens have no aud."""
    assert diagnose(GOOD, audience="my-game").cause == "audience-assumed"
    assert diagnose(sign(claims(aud="x")), audience="my-game").cause == "audience-other"
    assert diagnose(sign(claims(aud=["my-game"])), audience="my-game").ok


def purchase(**header):
    payload = {"orderId": "o1", "externalId": "e1", "iat": NOW_S - 60}
    return sign(payload, header={"typ": "JWT", **header})


SET = (PUBLISHED, known("published", der(CURVE), "key-B"), known("previous", der(STRANGER), "key-C"))


@pytest.mark.parametrize(
    ("token", "ok", "cause"),
    [
        (purchase(kid="key-A"), True, None),
        (purchase(), True, "kid-missing"),
        (purchase(kid="KEY-a"), False, "kid-case"),
        (purchase(kid="key-Z"), False, "kid-unknown"),
        (purchase(kid="key-B"), False, "kid-of-another-key"),
        (sign({"externalId": "e1"}, header={"kid": "key-A"}), False, "claims-unusable"),
        (sign({"orderId": "1"}, header={"kid": "key-A"}), False, "claims-unusable"),
        (
            sign({"orderId": "1", "externalId": "e"}, key=CURVE, algorithm="ES256", header={"kid": "key-B"}),
            True,
            None,
        ),
    ],
)
def test_a_purchase_names_its_key(token, ok, cause):
    """sandbox:purchase-header: what is wrong with a kid, in a set of several."""
    found = diagnose(token, SET, PURCHASES)

    assert (found.ok, found.cause) == (ok, cause)


def test_a_purchase_under_a_doubtful_key_is_named():
    """Two entries of one kid; a key that was withdrawn; one that is not for signatures."""
    twins = (PUBLISHED, known("published", der(STRANGER), "key-A"))
    unfit = (known("published", spki(), "key-A", can_sign=False),)
    withdrawn = sign({"orderId": "1", "externalId": "e"}, key=STRANGER, header={"kid": "key-C"})

    assert diagnose(purchase(kid="key-A"), twins, PURCHASES).cause == "kid-duplicate"
    assert diagnose(purchase(kid="key-A"), twins, PURCHASES).ok
    assert diagnose(purchase(kid="key-A"), unfit, PURCHASES).cause == "key-not-for-signatures"
    assert diagnose(withdrawn, SET, PURCHASES).cause == "key-previous"


def test_a_der_signature_of_a_curve_is_named():
    """rfc7518:3.4"""
    token = sign({"orderId": "1", "externalId": "e"}, key=CURVE, algorithm="ES256", header={"kid": "key-B"})
    head, _, tail = token.rpartition(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    halves = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])

    assert diagnose(f"{head}.{b64(encode_dss_signature(*halves))}", SET, PURCHASES).cause == "signature-der"


def test_the_portal_that_a_token_fits_is_found():
    """A user token is not judged as a purchase, nor the other way round."""
    users = [diagnose(GOOD), diagnose(GOOD, rules=PURCHASES)]
    purchases = [
        diagnose(purchase(kid="key-A")),
        diagnose(purchase(kid="key-A"), rules=PURCHASES),
    ]

    assert best_of(users).ok
    assert best_of(purchases).ok


@pytest.mark.tool("jsonwebtoken")
def test_a_token_of_node_is_judged_alike():
    """A maker that is not Python: good, and of another key."""
    for name, cause in (("signing", None), ("other", "key-never-published")):
        script = (
            "const j=require(process.cwd()+'/tests/vectors/node/node_modules/jsonwebtoken');"
            f"process.stdout.write(j.sign({json.dumps(claims())},"
            f"require('fs').readFileSync({json.dumps(str(VECTORS / f'{name}-key.pem'))}),"
            "{algorithm:'RS256',noTimestamp:true}))"
        )
        token = tools.run(["node", "-e", script])

        assert diagnose(token, [PUBLISHED, known("never-published", spki("other"))]).cause == cause


@settings(max_examples=150, deadline=None)
@given(token=st.text(max_size=80) | st.lists(st.binary(max_size=30).map(b64), max_size=6).map(".".join))
def test_no_text_ever_raises(token):
    """Whatever comes is answered, and never taken for good."""
    assert not diagnose(token).ok


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(
    payload=st.dictionaries(st.sampled_from(["sub", "iss", "iat", "exp", "nbf", "aud"]), JSONS),
    header=st.dictionaries(st.sampled_from(["kid", "typ", "jwk", "crit"]), JSONS),
)
def test_no_claims_ever_raise(payload, header):
    """Genuine tokens that say anything at all."""
    diagnose(sign(payload, header=header), SET, PURCHASES, audience="a")
    diagnose(sign(payload, header=header), user_id="1", public_key="x")


def test_a_long_token_takes_bounded_time():
    """64 KiB of dots, letters or percent signs."""
    began_s = time.perf_counter()
    for text in (".", "%41", "eyJ", "Bearer ", '"', "\n", "=", "a.b.c "):
        diagnose((text * 70_000)[:65_536])

    assert time.perf_counter() - began_s < 10
