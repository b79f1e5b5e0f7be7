"""Diagnosis over the control API and in the journal, seen through real sockets; mistakes are made by hand."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.tokens import private_key
from cryptography.hazmat.primitives.asymmetric import rsa

GET_ORDERS = "/api/gamepay/getOrders"


def signature_of(client, body, signature, **more):
    asked = {"body_b64": base64.b64encode(body).decode(), "signature": signature, **more}
    return client.done("POST", "/diagnose/signature", asked)


def orders_body(client, **separators):
    return json.dumps({"gameId": int(client.game_id), "pageNo": 1, "pageSize": 5}, **separators).encode()


def call(client, body, signature, path=GET_ORDERS):
    headers = {} if signature is None else {"Authorization": signature}
    return client.send("POST", client.ready["jogos"]["api_url"] + path, body=body, headers=headers)


def newest(client):
    return client.journal(dir="in")[-1]


def test_a_signature_is_diagnosed_over_the_api(client):
    """POST /diagnose/signature: good, and with a mistake; as bytes or as text."""
    body, key = b'{"n": "Zo\xc3\xab"}', client.shared_key.encode()
    good = hashlib.sha1(body + key).hexdigest()

    assert signature_of(client, body, good)["ok"] is True
    assert signature_of(client, body, good.upper())["cause"] == "upper-case"
    assert signature_of(client, body, hmac.new(key, body, "sha256").hexdigest())["cause"] == "hmac-sha256"
    assert signature_of(client, body, None)["cause"] == "signature-missing"
    asked = {"body": body.decode(), "signature": good, "game": client.game_id, "portal": "jogos"}
    assert client.done("POST", "/diagnose/signature", asked)["ok"] is True


def test_the_answer_has_the_documented_members(client):
    """`{ok, cause, also, says, remedy, clause, tried, notes}`."""
    found = signature_of(client, b"{}", hashlib.sha1(client.shared_key.encode() + b"{}").hexdigest())

    assert (found["ok"], found["cause"], found["also"]) == (False, "key-first", [])
    assert found["clause"] == "jogos:iap.sha1"
    assert found["tried"] > 1
    assert set(found) == {"ok", "cause", "also", "says", "remedy", "clause", "tried", "notes"}


def test_former_keys_and_those_of_other_games_are_known(client):
    """The game is named, its key is not."""
    before = client.shared_key
    client.done("PUT", "/games/9943", {"shared_key": "the-key-of-9943-0123456789"})
    client.set_game(shared_key="a-new-key-0123456789abcdef")
    of_9943 = signature_of(client, b"{}", hashlib.sha1(b"{}the-key-of-9943-0123456789").hexdigest())

    assert of_9943["cause"] == "key-of-another-game"
    assert "9943" in of_9943["says"]
    assert "the-key-of" not in json.dumps(of_9943)
    former = signature_of(client, b"{}", hashlib.sha1(b"{}" + before.encode()).hexdigest())
    assert former["cause"] == "key-previous"
    assert before not in json.dumps(former)


def test_the_former_key_is_known_after_a_restart(tmp_path):
    """The store keeps the key before the last change."""
    stored = SandboxSettings(port=0, control_port=0, seed=7, store=tmp_path / "shop.sqlite")
    with Sandbox(stored) as running:
        first = SandboxClient(running.ready)
        before = first.shared_key
        first.set_game(shared_key="a-new-key-0123456789abcdef")
        first.pool.clear()
    with Sandbox(stored) as running:
        second = SandboxClient(running.ready)
        found = signature_of(second, b"{}", hashlib.sha1(b"{}" + before.encode()).hexdigest())
        second.pool.clear()

    assert found["cause"] == "key-previous"


def test_the_signature_of_another_message_is_found_in_the_journal(shop):
    """A callback's signature under bytes of one's own."""
    step = shop.order(paid=True)
    detail = shop.await_delivery(step["delivery"]["delivery_id"], "delivered")
    found = signature_of(shop, b'{"mine": 1}', detail["signature_header"])

    assert found["cause"] == "other-message"
    assert step["order"]["order_id"] in found["says"]


def test_a_game_without_a_key_is_named(client):
    """jogos:iap.key"""
    client.set_game(shared_key=None)

    assert signature_of(client, b"{}", "0" * 40)["cause"] == "key-not-set"


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("signature", {"signature": "x"}, (400, "field-missing")),
        ("signature", {"body": "", "body_b64": "", "signature": "x"}, (400, "field-invalid")),
        ("signature", {"body": ""}, (400, "field-missing")),
        ("signature", {"body_b64": "no base64!", "signature": "x"}, (400, "field-invalid")),
        ("signature", {"body": "", "signature": "x", "game": "404404"}, (404, "game-unknown")),
        ("signature", {"body": "", "signature": "x", "portal": "playgama"}, (400, "field-invalid")),
        ("token", {}, (400, "field-missing")),
        ("token", {"token": 5}, (400, "field-invalid")),
        ("token", {"token": "x", "portal": "nowhere"}, (400, "field-invalid")),
        ("token", {"token": "x", "at": 5}, (400, "field-unknown")),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(client, path, body, refusal):
    """One problem with a stable code."""
    assert client.refused("POST", f"/diagnose/{path}", body) == refusal


def test_a_refused_call_is_diagnosed_in_the_journal(client):
    """41007: requests' json= sends spaces, and JSON.stringify was signed."""
    sent = orders_body(client)
    signed = orders_body(client, separators=(",", ":"))
    reply = call(client, sent, hashlib.sha1(signed + client.shared_key.encode()).hexdigest())

    entry = newest(client)
    assert (reply.json["code"], entry["verdict"]["code"]) == ("41007", "41007")
    assert entry["diagnosis"]["cause"] == "reserialised-compact"
    assert entry["diagnosis"]["clause"] == "jogos:iap.1.auth"
    assert client.done("GET", f"/journal/{entry['seq']}") == entry
    assert set(entry["diagnosis"]) == {"cause", "says", "remedy", "clause"}


@pytest.mark.parametrize(
    ("signature", "cause"),
    [
        (lambda *_: None, "signature-missing"),
        (lambda body, key: f"Bearer {hashlib.sha1(body + key).hexdigest()}", "scheme-word"),
        (lambda body, key: hmac.new(key, body, "sha1").hexdigest(), "hmac-sha1"),
        (lambda body, key: hashlib.sha1(body + key + b"\n").hexdigest(), "key-trailing-newline"),
        (lambda *_: hashlib.sha1(b"nothing we know").hexdigest(), None),
    ],
)
def test_the_journal_names_the_mistake_of_a_backend(client, signature, cause):
    """Both a header that is missing and one that is wrong."""
    body = orders_body(client)
    call(client, body, signature(body, client.shared_key.encode()))

    assert newest(client)["diagnosis"]["cause"] == cause
    assert client.shared_key not in json.dumps(newest(client)["diagnosis"])


def test_a_call_that_is_not_refused_for_its_signature_has_no_diagnosis(client):
    """Neither a good one nor one that names no game."""
    client.orders_page()
    assert newest(client)["diagnosis"] is None
    call(client, b'{"gameId": 1}', "0" * 40)
    assert newest(client)["verdict"]["code"] == "305"
    assert newest(client)["diagnosis"] is None


def test_a_refusal_that_a_fault_makes_is_no_diagnosis(client):
    """The backend's signature was right; the sandbox lied."""
    client.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"json": {"code": "41007"}}})

    assert client.orders_page().json == {"code": "41007"}
    assert newest(client)["diagnosis"] is None


def diagnose_token(client, token, **more):
    return client.done("POST", "/diagnose/token", {"token": token, **more})


def mint(client, **wish):
    player = client.player(username="someone")
    return str(client.done("POST", "/tokens", {"player": player, "token": wish})["token"])


def test_a_token_is_diagnosed_over_the_api(client):
    """POST /diagnose/token: a good one, and what happens to it on its way and in time."""
    token = mint(client)
    issued_s = jwt.decode(token, options={"verify_signature": False})["iat"]

    assert diagnose_token(client, token)["ok"] is True
    assert diagnose_token(client, token, portal="jogos", game=client.game_id)["ok"] is True
    assert diagnose_token(client, f"Bearer {token}")["cause"] == "token-scheme-word"
    assert diagnose_token(client, token, at_s=issued_s + 3700)["cause"] == "expired"
    assert diagnose_token(client, token, at_s=issued_s + 3605)["cause"] == "clock-skew"
    assert diagnose_token(client, token, game="1")["cause"] == "game-other"
    assert diagnose_token(client, token, user_id="undefined")["cause"] == "sub-not-parsed"
    assert diagnose_token(client, token, audience="me")["cause"] == "audience-assumed"
    assert diagnose_token(client, token, portal="playgama")["cause"] == "key-of-another-portal"


def test_the_keys_of_the_ring_are_known(client):
    """Previous, unpublished, never published; and a reader that holds the old one."""
    token, old_key = mint(client), client.done("GET", "/keys")["keys"]
    old_pem = next(key["public_key_pem"] for key in old_key if key["portal"] == "jogos")
    assert diagnose_token(client, mint(client, sign="other"))["cause"] == "key-never-published"

    client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "replace"})
    assert diagnose_token(client, token)["cause"] == "key-previous"
    assert diagnose_token(client, mint(client), public_key=old_pem)["cause"] == "public-key-outdated"

    client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "late"})
    assert diagnose_token(client, mint(client))["cause"] == "key-unpublished"


def test_a_token_of_the_other_environment_is_told(client):
    """jogos:iap.env: each environment has keys of its own."""
    player = client.player(username="someone")
    token = client.done("POST", "/tokens", {"player": player, "environment": "test"})["token"]

    found = diagnose_token(client, token)
    assert (found["ok"], found["cause"]) == (False, "key-of-another-environment")
    assert diagnose_token(client, token, environment="test")["ok"] is True
    assert diagnose_token(client, mint(client), environment="test")["cause"] == "key-of-another-environment"


def test_a_token_of_another_sandbox_and_of_nobody_is_told(client):
    """The pool of test keys is known; a key of somebody's own is not."""
    claims = {
        "sub": json.dumps({"userId": "1", "gameId": client.game_id}),
        "iss": "com:jogos:sdk",
        "exp": 9_999_999_999,
    }
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert diagnose_token(client, jwt.encode(claims, private_key(), "RS256"))["cause"] == "key-of-a-sandbox"
    found = diagnose_token(client, jwt.encode(claims, own, "RS256"))
    assert (found["ok"], found["cause"]) == (False, None)


def test_a_token_of_the_claims_clock_is_skewed_for_a_backend(client):
    """The claims clock is not the backend's clock: the difference is named in seconds."""
    client.done("POST", "/clock/claims", {"offset_s": 45})
    found = diagnose_token(client, mint(client))

    assert found["cause"] == "clock-skew"
    assert any(f"skew of {seconds} s" in found["says"] for seconds in (44, 45))


def test_purchases_are_diagnosed_by_their_key_set(bazaar):
    """playgama:2: good, without kid, under a key of a kid that nobody publishes."""
    client = bazaar.client
    assert diagnose_token(client, bazaar.token())["ok"] is True
    without = diagnose_token(client, bazaar.token(header={"kid": None}))
    assert (without["ok"], without["cause"]) == (True, "kid-missing")
    assert diagnose_token(client, bazaar.token(hostile="kid-unknown"))["cause"] == "key-never-published"
    assert diagnose_token(client, bazaar.token(header={"kid": "x"}))["cause"] == "kid-unknown"
    client.done("POST", "/keys/extra", {"portal": "playgama", "kind": "duplicate-kid"})
    assert diagnose_token(client, bazaar.token())["cause"] == "kid-duplicate"


def test_no_secret_of_a_question_stays_in_the_journal(client):
    """The token's signature and a private key that somebody pasted are masked."""
    token = mint(client)
    pem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXNlY3JldC1zZWNyZXQ=\n-----END PRIVATE KEY-----"
    answer = diagnose_token(client, token, public_key=pem)
    entry = client.journal(dir="control", endpoint="POST%20/diagnose/token")[-1]
    recorded = base64.b64decode(entry["request"]["body_b64"]).decode()

    assert answer["cause"] == "public-key-private"
    assert "c2VjcmV0" not in recorded + json.dumps(answer)
    assert token.rpartition(".")[2] not in recorded


def test_each_workspace_knows_its_own_keys(client):
    """Another workspace's signature is a stranger's here."""
    client.done("POST", "/workspaces", {"name": "elsewhere"})
    games = client.done("GET", "/w/elsewhere/games")["games"]
    key = next(game["shared_key"] for game in games)
    signature = hashlib.sha1(b"{}" + key.encode()).hexdigest()
    asked = {"body": "{}", "signature": signature}

    assert client.done("POST", "/w/elsewhere/diagnose/signature", asked)["ok"] is True
    assert client.done("POST", "/diagnose/signature", asked)["cause"] is None
