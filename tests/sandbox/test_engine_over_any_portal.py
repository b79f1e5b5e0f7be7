"""The sandbox is an engine over `Portal`: a second portal, of another shape, is served beside the first."""

import dataclasses

import pytest
from coinslot_contracts.portal import Answer, Endpoint, discover
from coinslot_contracts.wire import WireReply
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient


def _keys(request, view):
    kids = ",".join(key.kid for key in view.published_keys())
    return Answer(reply=WireReply(body=kids.encode()), verdict_code="200", verdict_reason="listed the keys")


@pytest.fixture
def two_portals():
    """The real one, and one that only signs tokens: key ids, no callbacks, no games."""
    jogos = discover()["jogos"]
    named = dataclasses.replace(
        jogos,
        name="named",
        title="Named",
        endpoints=(
            Endpoint(
                name="named.keys", method="GET", path="/named/keys", site="web", clause="c", answer=_keys
            ),
        ),
        addresses=lambda base_url: {"url": base_url},
        identity=dataclasses.replace(jogos.identity, header=lambda kid: {"alg": "RS256", "kid": kid}),
        notices=None,
        reports=None,
    )
    settings = SandboxSettings(port=0, control_port=0, seed=7)
    with Sandbox(settings, portals={"jogos": jogos, "named": named}) as running:
        client = SandboxClient(running.ready)
        yield client
        client.pool.clear()


def test_the_ready_line_has_a_member_for_each_portal(two_portals):
    """Game and shared key stand only where a portal has callbacks."""
    ready = two_portals.ready

    assert set(ready["jogos"]) == {"web_url", "api_url", "game_id", "shared_key"}
    assert ready["named"] == {"url": ready["jogos"]["web_url"]}


def test_each_portal_has_its_own_keys_and_endpoints(two_portals):
    """Rotating one leaves the other alone; overlap is possible where tokens name their key."""
    before = {name: two_portals.keys(name)[0]["kid"] for name in ("jogos", "named")}

    two_portals.done("POST", "/keys/rotate", {"portal": "named", "rotate": "overlap"})

    url = two_portals.ready["named"]["url"]
    published = two_portals.send("GET", f"{url}/named/keys").body.decode().split(",")
    assert published[1] == before["named"]
    assert two_portals.send("GET", f"{url}/w/default/named/named/keys").status == 200
    assert [key["kid"] for key in two_portals.keys("jogos")] == [before["jogos"]]


def test_a_token_is_minted_for_the_portal_that_is_asked_for(two_portals):
    """The header is the portal's."""
    player = two_portals.player(username="someone")

    headers = [
        two_portals.done("POST", "/tokens", {"player": player, "portal": name, "game": "5"})["header"]
        for name in ("jogos", "named")
    ]

    assert [sorted(header) for header in headers] == [["alg"], ["alg", "kid"]]
    no_game = {"player": player, "portal": "named"}
    assert two_portals.refused("POST", "/tokens", no_game) == (400, "field-missing")


def test_without_any_portal_there_is_nothing_to_steer():
    """No portal with callbacks or keys: a refusal, no failure."""
    with Sandbox(SandboxSettings(port=0, control_port=0), portals={}) as running:
        client = SandboxClient(running.ready)
        refused = [
            client.refused(*call)
            for call in (
                ("PUT", "/games/1", {}),
                ("POST", "/orders", {"player": "1", "product": "x"}),
                ("POST", "/tokens", {"player": "1"}),
                ("POST", "/keys/rotate", {"rotate": "replace"}),
            )
        ]
        client.pool.clear()

    assert refused == [(404, "portal-unknown")] * 4


def test_a_portal_without_callbacks_has_no_games(two_portals):
    """Its name is refused where a game is wanted; its endpoints take faults like any other."""
    assert two_portals.refused("PUT", "/games/5", {"portal": "named"}) == (400, "field-invalid")
    two_portals.done("POST", "/faults", {"at": "named.keys", "with": {"answer": 503}})

    assert two_portals.send("GET", two_portals.ready["named"]["url"] + "/named/keys").status == 503
