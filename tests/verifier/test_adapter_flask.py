"""Flask's decorator for logged-in players, on werkzeug's server."""

import http.client
import json

import pytest
from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_testkit.adapter_servers import run_flask
from coinslot_testkit.tokens import NOW_S, good_claims, make_token, spki
from coinslot_verifier import IdentityVerifier, StaticKeys, VerifierConfig
from coinslot_verifier.adapters.flask import identity_required
from coinslot_verifier.key_forms import read_key
from flask import Flask, request

CONFIG = VerifierConfig(portal="jogos", game_id="1220", allow_test_keys=True)
KEYS = StaticKeys((read_key(PublishedKey(text=KEY_FORMS["pem"](spki()))),))


class NoKeys:
    """An outage of the portal."""

    def keys_for(self, kid):
        raise KeySourceUnavailable(f"HTTP 500 for {kid}")


def _app():
    app = Flask(__name__)
    good = IdentityVerifier(CONFIG, key_source=KEYS, clock=lambda: NOW_S)
    away = IdentityVerifier(CONFIG, key_source=NoKeys(), clock=lambda: NOW_S)

    @app.get("/me/<item>")
    @identity_required(good)
    def me(identity, item):
        return {"user": identity.user_id, "item": item}

    @app.post("/login")
    @identity_required(good, token=lambda received: received.get_json(silent=True, force=True)["token"])
    def login(identity):
        return {"user": identity.user_id, "path": request.path}

    @app.get("/away")
    @identity_required(away)
    def never(identity):
        raise AssertionError

    return app


@pytest.fixture(scope="module")
def port():
    with run_flask(_app()) as port:
        yield port


def _ask(port, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    try:
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_logged_in_player_comes_through(port, scheme):
    """jogos:user.3: the view gets the identity first, and its own arguments after it."""
    status, _, answer = _ask(port, "GET", "/me/sword", {"Authorization": f"{scheme} {make_token()}"})

    assert (status, answer) == (200, {"user": "257", "item": "sword"})


def test_the_token_may_stand_elsewhere(port):
    """The caller says where."""
    status, _, answer = _ask(port, "POST", "/login", body=json.dumps({"token": make_token()}))

    assert (status, answer) == (200, {"user": "257", "path": "/login"})


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "token-malformed"),
        ("Bearer", "token-malformed"),
        (make_token(), "token-malformed"),
        ("Basic eDp5", "token-malformed"),
        ("Bearer é", "token-malformed"),
        (f"Bearer {make_token(key='other')}", "signature-mismatch"),
        (f"Bearer {make_token(good_claims(game_id='1221'))}", "game-mismatch"),
        (f"Bearer {make_token(good_claims(now_s=NOW_S - 9999))}", "token-expired"),
    ],
)
def test_anybody_else_is_refused_with_the_code(port, value, code):
    """jogos:user.3: no user; the view does not run."""
    headers = {} if value is None else {"Authorization": value}

    status, answered, problem = _ask(port, "GET", "/me/sword", headers)

    assert (status, problem["status"], problem["code"]) == (401, 401, code)
    assert answered["Content-Type"] == "application/problem+json"
    assert answered["WWW-Authenticate"] == "Bearer"


def test_an_outage_is_no_forgery(port):
    """503 and Retry-After: the player may try again."""
    status, answered, problem = _ask(port, "GET", "/away", {"Authorization": f"Bearer {make_token()}"})

    assert (status, problem["code"]) == (503, "key-source-unavailable")
    assert answered["Retry-After"] == "5"
    assert "WWW-Authenticate" not in answered
