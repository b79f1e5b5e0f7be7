"""The Node and the Java backend at Jogos: who is logged in, and who must not be."""

import time

import pytest
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import compact
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.tokens import good_claims, make_token, private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def token_of(user_id: str = "257", **changes: object) -> str:
    return make_token({**good_claims(now_s=int(time.time()), user_id=user_id), **changes})


@pytest.mark.parametrize("form", [form for form in KEY_FORMS if form != "pem-backslash-n"])
def test_every_form_of_the_key_is_read(portal, backend, form):
    """jogos:user.3; sandbox:key-form: the document and its samples leave the form open."""
    portal.form = form

    assert backend.log_in(token_of()).status == 200


def test_a_key_in_its_older_form_is_read(portal, backend):
    """jogos:user.3: PKCS#1 is a public key too."""
    pem = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    portal.lies["publicKey"] = lambda: WireReply(body=compact({"data": pem.decode()}))

    assert backend.log_in(token_of()).status == 200


JUNK_KEYS = {
    "outage": WireReply(status=503),
    "html": WireReply(body=b"<html>maintenance</html>"),
    "null": WireReply(body=b"null"),
    "no-data": WireReply(body=b"{}"),
    "null-data": WireReply(body=b'{"data": null}'),
    "no-base64": WireReply(body=b'{"data": "-----BEGIN PUBLIC KEY-----\\n?\\n-----END PUBLIC KEY-----"}'),
}


@pytest.mark.parametrize("case", JUNK_KEYS)
def test_without_a_key_nobody_logs_in_and_it_is_no_forgery(portal, backend, case):
    """jogos:user.3: 503, for the player may try again; afterwards it works again."""
    portal.lies["publicKey"] = lambda: JUNK_KEYS[case]

    answer = backend.log_in(token_of())
    portal.lies.clear()

    assert (answer.status, answer.json) == (503, {"error": "key-source-unavailable"})
    assert backend.log_in(token_of()).status == 200


def test_a_redirect_to_another_host_is_not_followed(portal, backend):
    """jogos:iap.env: even where the key there would be the right one."""
    with serve(FakePortal()) as elsewhere:
        location = f"{elsewhere.url}/publicKey.json"
        portal.lies["publicKey"] = lambda: WireReply(status=302, headers=(("Location", location),))

        assert backend.log_in(token_of()).json == {"error": "key-source-unavailable"}
        assert elsewhere.requests == []


def test_a_weak_key_is_no_key(portal, backend):
    """jogos:user.3: what 1,024 bits sign, others can sign."""
    weak = generate_private_key(65537, 1024).public_key()
    pem = weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    portal.lies["publicKey"] = lambda: WireReply(body=compact({"data": pem}))

    assert backend.log_in(token_of()).json == {"error": "key-source-unavailable"}


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"token": null}', b'{"token": 5}', b"\xff", b"[" * 50_000]
)
def test_any_bytes_to_the_login_are_a_refused_token_and_cost_no_fetch(portal, backend, body):
    """jogos:user.3: whatever is no token is no player, and never a server error."""
    before = len(portal.calls("publicKey"))

    answer = backend.ask("POST", "/login/jogos", body)

    assert (answer.status, answer.json) == (401, {"error": "token-malformed"})
    assert len(portal.calls("publicKey")) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iss": "com:other:sdk"},
        {"nbf": 2_000_000_000},
        {"sub": {"userId": "257"}},
        {"exp": "x"},
    ],
    ids=str,
)
def test_a_genuine_token_with_a_bad_claim_is_refused(backend, changes):
    """jogos:user.4; rfc7519:4.1.4"""
    claims = {**good_claims(now_s=int(time.time())), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}

    assert backend.log_in(make_token(kept)).status == 401


@pytest.mark.parametrize("header", ["crit", "jwk", "jku", "x5c", "b64"])
def test_a_header_that_changes_the_rules_is_refused(backend, header):
    """rfc7515:4.1.11, rfc8725:3.10"""
    token = make_token(good_claims(now_s=int(time.time())), header={"alg": "RS256", header: ["exp"]})

    assert backend.log_in(token).json == {"error": "alg-refused"}


def test_ids_may_be_numbers_and_stay_the_same_player(backend):
    """jogos:user.4: the token has strings, the notification numbers."""
    sub = compact({"userId": 257, "gameId": 1220}).decode()

    assert backend.log_in(token_of(sub=sub)).json["user"] == {"id": "257"}


@pytest.mark.parametrize("user_id", [" 257", "0257", "257e0", "257\u0000", "-1", ""])
def test_an_odd_id_is_not_player_257(backend, user_id):
    """jogos:user.4"""
    sub = compact({"userId": user_id, "gameId": "1220"}).decode()

    assert backend.log_in(token_of(sub=sub)).json == {"error": "sub-invalid"}
