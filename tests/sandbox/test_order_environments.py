"""Production and test: two faces of one portal, with keys and orders of their own.

Tokens are judged by PyJWT and openssl, which share no code with the sandbox.
"""

import json
import subprocess
from base64 import urlsafe_b64decode
from urllib.parse import urlencode

import jwt
import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient

PRODUCTION, TEST = "", ".test"


def _url(client, portal, mark):
    """The base URL of a face; that of production is where the ready line says."""
    member = client.ready[portal]
    root = member.get("api_url") or member["url"]
    return f"{root}/w/default/{portal}{mark}" if mark else root


def _pem(client, mark):
    return client.send("GET", f"{_url(client, 'jogos', mark)}/publicKey.json").json["data"]


def _token(client, **wish):
    return client.done("POST", "/tokens", {"player": client.player(), **wish})["token"]


def _reads(token, key):
    try:
        return bool(jwt.decode(token, key, algorithms=["RS256"], options={"verify_iat": False}))
    except jwt.InvalidSignatureError:
        return False


def test_a_token_verifies_under_the_key_of_its_own_environment_only(client):
    """U3, T6: read by PyJWT; each environment's token under each environment's key."""
    tokens = {PRODUCTION: _token(client), TEST: _token(client, environment="test")}

    read = {
        (minted, published): _reads(token, _pem(client, published))
        for minted, token in tokens.items()
        for published in (PRODUCTION, TEST)
    }

    assert read == {
        (PRODUCTION, PRODUCTION): True,
        (TEST, TEST): True,
        (PRODUCTION, TEST): False,
        (TEST, PRODUCTION): False,
    }


def test_a_token_of_the_other_environment_is_diagnosed(client):
    """T6: named as what it is, not as a stranger's."""
    told = client.done("POST", "/diagnose/token", {"token": _token(client, environment="test")})

    assert (told["ok"], told["cause"]) == (False, "key-of-another-environment")
    assert client.done("POST", "/diagnose/token", {"token": _token(client)})["ok"] is True


@pytest.mark.tool("openssl")
def test_openssl_agrees(client, tmp_path):
    """Not a line of Python between the token and the verdict."""
    head, payload, signature = _token(client, environment="test").split(".")
    (tmp_path / "signed").write_text(f"{head}.{payload}")
    (tmp_path / "signature").write_bytes(urlsafe_b64decode(signature + "=="))

    said = {}
    for mark in (PRODUCTION, TEST):
        (tmp_path / "key.pem").write_text(_pem(client, mark) + "\n")
        files = ["-verify", "key.pem", "-signature", "signature", "signed"]
        run = subprocess.run(["openssl", "dgst", "-sha256", *files], cwd=tmp_path, capture_output=True)
        said[mark] = run.returncode

    assert said == {PRODUCTION: 1, TEST: 0}


@pytest.mark.parametrize(("environment", "mark"), [("production", PRODUCTION), ("test", TEST)])
def test_a_purchase_is_signed_by_the_environment_of_its_order(client, environment, mark):
    """T6: found by its key id in one key set, absent from the other; another one's signature on demand."""
    order_id = client.order_id(portal="playgama", paid=True, environment=environment)
    sets = {
        face: jwt.PyJWKClient(f"{_url(client, 'playgama', face)}/.well-known/jwks.json", cooldown_duration=0)
        for face in (PRODUCTION, TEST)
    }

    def found_in(token):
        kid = jwt.get_unverified_header(token)["kid"]
        return [face for face, keys in sets.items() if kid in {key.key_id for key in keys.get_signing_keys()}]

    own = client.done("POST", "/purchases", {"order": order_id})["token"]
    other_name = "test" if environment == "production" else "production"
    other = client.done("POST", "/purchases", {"order": order_id, "environment": other_name})["token"]

    assert found_in(own) == [mark]
    assert _reads(own, sets[mark].get_signing_key_from_jwt(own))
    assert found_in(other) == [PRODUCTION if mark else TEST]


def _game_call(client, mark, path, **members):
    body = json.dumps({"gameId": int(client.game_id), **members}).encode()
    root = client.ready["jogos"]["api_url"]
    prefix = _url(client, "jogos", mark).removeprefix(root)
    return client.portal(prefix + path, body).json


def _listed(client, mark):
    page = _game_call(client, mark, "/api/gamepay/getOrders", pageNo=1, pageSize=100)["page"]
    return [row["orderId"] for row in page["content"]], page["total"]


def test_one_face_knows_nothing_of_the_others_orders(shop):
    """O3: listed, reported and counted where they were made; on the other face there is no such order."""
    made = {
        mark: shop.order_id(paid=True, environment=name)
        for mark, name in ((PRODUCTION, "production"), (TEST, "test"))
    }

    assert {mark: _listed(shop, mark) for mark in made} == {mark: ([made[mark]], 1) for mark in made}
    codes = {
        (mark, face): _game_call(shop, face, "/api/gamepay/webhook/arrivedorder", orderId=made[mark])["code"]
        for mark in made
        for face in made
    }
    assert codes == {
        (PRODUCTION, PRODUCTION): "200",
        (TEST, TEST): "200",
        (PRODUCTION, TEST): "500",
        (TEST, PRODUCTION): "500",
    }


def test_a_game_can_be_known_in_one_environment_only(shop):
    """O3: the other one answers 40001, before it looks at signature or order."""
    order_id = shop.order_id(paid=True, environment="test")

    shop.set_game(environments=["test"])

    path = "/api/gamepay/webhook/arrivedorder"
    assert _game_call(shop, PRODUCTION, path, orderId=order_id)["code"] == "40001"
    assert _game_call(shop, TEST, path, orderId=order_id)["code"] == "200"
    assert shop.set_game(environments=["test", "production"])["environments"] == ["production", "test"]
    assert _game_call(shop, PRODUCTION, path, orderId=order_id)["code"] == "500"


def test_a_purchase_is_verified_by_its_own_face_only(client):
    """playgama:3.B; on the other face there is no such purchase."""
    order = client.order(portal="playgama", paid=True, environment="test")["order"]
    query = urlencode({"orderId": order["order_id"], "externalId": order["external_id"]})

    said = {
        mark: client.send("GET", f"{_url(client, 'playgama', mark)}/api/v1/payments/verify?{query}").json
        for mark in (PRODUCTION, TEST)
    }

    assert said == {
        PRODUCTION: {"success": False, "errorMessage": "no such purchase"},
        TEST: {"success": True},
    }


@pytest.mark.parametrize("environment", ["production", "test"])
def test_rotating_one_ring_leaves_the_other_alone(client, environment):
    """GET /keys has both; a rotation names the one that it means."""
    before = {name: client.keys("jogos", name) for name in ("production", "test")}
    pems = {mark: _pem(client, mark) for mark in (PRODUCTION, TEST)}

    client.done("POST", "/keys/rotate", {"portal": "jogos", "environment": environment, "rotate": "replace"})

    after = {name: client.keys("jogos", name) for name in before}
    assert [name for name in before if after[name] != before[name]] == [environment]
    changed = [mark for mark in pems if _pem(client, mark) != pems[mark]]
    assert changed == [TEST if environment == "test" else PRODUCTION]


def test_odd_keys_of_two_rings_have_ids_of_their_own(client):
    """PUT /keys/{kid} must find the one that is meant."""
    entry = {"portal": "playgama", "kind": "oct"}
    for environment in ("production", "test"):
        client.done("POST", "/keys/extra", {**entry, "environment": environment})

    kids = [key["kid"] for key in client.done("GET", "/keys")["keys"]]
    assert len(kids) == len(set(kids)) == 6


def test_environments_survive_a_restart(tmp_path):
    """Keys, orders and their place are in the store."""
    settings = SandboxSettings(port=0, control_port=0, seed=7, store=tmp_path / "kept.sqlite")
    seen = []
    for _ in range(2):
        with Sandbox(settings) as running:
            client = SandboxClient(running.ready)
            if not seen:
                client.order_id(order_id="kept", paid=True, callback="manual", environment="test")
            order = client.done("GET", "/orders/kept")["order"]
            seen.append(
                (client.done("GET", "/keys"), order, _listed(client, TEST), _listed(client, PRODUCTION))
            )
            client.pool.clear()

    assert seen[0] == seen[1]
    assert seen[0][1]["environment"] == "test"
    assert seen[0][2:] == ((["kept"], 1), ([], 0))


def test_the_environment_block_leads_to_the_test_face(client):
    """GET /env: a backend is pointed at the other environment by its variables alone."""
    block = client.done("GET", "/env?environment=test")

    assert client.send("GET", block["JOGOS_WEB_URL"] + "/publicKey.json").json["data"] == _pem(client, TEST)
    assert client.done("GET", "/env")["JOGOS_WEB_URL"] == client.ready["jogos"]["web_url"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/orders", {"player": "1", "product": "1", "environment": "staging"}),
        ("POST", "/tokens", {"player": "1", "environment": "staging"}),
        ("POST", "/keys/rotate", {"rotate": "replace", "environment": "staging"}),
        ("POST", "/keys/extra", {"portal": "playgama", "kind": "rsa", "environment": "staging"}),
        ("PUT", "/games/77", {"environments": ["staging"]}),
        ("PUT", "/games/77", {"environments": []}),
        ("GET", "/env?environment=staging", None),
    ],
)
def test_an_environment_that_there_is_none_of_is_refused(client, method, path, body):
    """With the names that there are."""
    reply = client.control(method, path, body)

    assert (reply.status, reply.json["code"]) == (400, "field-invalid")
    assert "production" in reply.json["detail"] + reply.json["try"]


def test_a_face_that_there_is_none_of_is_not_found(client):
    """The twin of the two that there are."""
    assert client.send("GET", f"{_url(client, 'jogos', '.staging')}/publicKey.json").status == 404
    assert client.send("GET", f"{_url(client, 'jogos', '.production')}/publicKey.json").status == 404
    assert client.send("GET", f"{_url(client, 'jogos', TEST)}/publicKey.json").status == 200
