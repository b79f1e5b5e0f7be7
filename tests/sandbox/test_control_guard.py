"""Who may call the control port."""

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient


def _ask(client, path="/_control/v1/keys", method="GET", **headers):
    given = {"Authorization": f"Bearer {client.ready['control_token']}", **headers}
    kept = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
    return client.send(method, client.ready["control_url"] + path, headers=kept)


@pytest.mark.parametrize(
    "sent",
    [None, "", "Bearer", "Bearer wrong", "Basic dTpw", "bearer", "Bearer \xe9", "Token {token}", "{token}"],
)
def test_without_the_token_nothing_is_done(client, sent):
    """401 with a problem that says where the token stands."""
    value = None if sent is None else sent.replace("{token}", client.ready["control_token"])

    reply = _ask(client, Authorization=value)

    assert (reply.status, reply.json["code"]) == (401, "token-wrong")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert "ready line" in reply.json["try"]


def test_with_the_token_it_is(client):
    """The scheme's case does not matter (RFC 9110 section 11.1)."""
    token = client.ready["control_token"]

    assert [_ask(client, Authorization=f"{word} {token}").status for word in ("Bearer", "bearer")] == [
        200,
        200,
    ]


def test_an_unknown_address_asks_for_the_token_first(client):
    """Nobody learns without it what there is."""
    assert _ask(client, path="/_control/v1/nothing", Authorization=None).status == 401
    assert _ask(client, path="/nothing", Authorization=None).status == 401
    assert _ask(client, path="/nothing").status == 404


@pytest.mark.parametrize("path", ["/_ready", "/_control/v1/openapi.json"])
def test_readiness_and_the_document_need_no_token(client, path):
    """interface: GET only."""
    assert _ask(client, path=path, Authorization=None).status == 200
    assert _ask(client, path=path, method="POST").status == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", "a b"]
)
def test_a_foreign_host_name_is_refused(client, host):
    """A page that rebinds its name to this machine sends its own name."""
    reply = _ask(client, Host=host)

    assert (reply.status, reply.json["code"]) == (403, "host-not-allowed")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:7712", "a.localhost", "10.0.0.1:5"]
)
def test_this_machine_and_plain_addresses_are_allowed(client, host):
    """An address cannot be rebound."""
    assert _ask(client, Host=host).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", ""])
def test_a_page_of_another_site_is_refused(client, origin):
    """Origin is sent by browsers only."""
    reply = _ask(client, Origin=origin)

    assert (reply.status, reply.json["code"]) == (403, "origin-not-allowed")


def test_a_page_of_this_port_is_allowed(client):
    """The later dashboard."""
    assert _ask(client, Origin=client.ready["control_url"]).status == 200


def test_the_portal_port_has_no_control_api(client):
    """Separate listeners: what a backend can reach steers nothing."""
    url = client.ready["jogos"]["web_url"]
    headers = {"Authorization": f"Bearer {client.ready['control_token']}"}

    assert client.send("POST", f"{url}/_control/v1/players", headers=headers).status == 404
    assert client.send("GET", f"{url}/_ready").status == 404


def test_a_configured_host_is_allowed():
    """--allow-host and --public-url name it."""
    settings = SandboxSettings(port=0, control_port=0, allow_hosts=("sandbox.example",))
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready)
        statuses = [_ask(client, Host=host).status for host in ("sandbox.example:7712", "other.example")]
        client.pool.clear()

    assert statuses == [200, 403]


def test_a_body_over_1_mib_is_413(client):
    """As on the portal port, as a problem."""
    reply = client.send(
        "POST",
        client.ready["control_url"] + "/_control/v1/players",
        body=b" " * 1_048_577,
        headers={"Authorization": f"Bearer {client.ready['control_token']}"},
    )

    assert (reply.status, reply.json["code"]) == (413, "body-too-large")
