"""Workspaces: tenants of one sandbox that never meet, found by path, by game and by order."""

import json
import threading

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import ManualClock
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient


@pytest.fixture
def other(client):
    """A workspace named `other`, of the default one's seed."""
    made = client.workspace(name="other", seed=7)
    yield made
    made.pool.clear()


def _at_the_root(client, other):
    """The other workspace's game, calling without its workspace's name."""
    return SandboxClient({**other.ready, "jogos": {**other.ready["jogos"], "api_url": _root(client)}})


def _published(client, url):
    return client.send("GET", url + "/publicKey.json").json["data"]


def test_one_call_makes_a_workspace_that_a_backend_can_be_pointed_at(client, other):
    """The answer holds every address, the game and its key; the addresses name the workspace."""
    portal = client.ready["jogos"]["web_url"]

    assert other.ready["jogos"]["web_url"] == f"{portal}/w/other/jogos"
    assert other.ready["playgama"]["url"] == f"{portal}/w/other/playgama"
    assert other.game_id != client.game_id
    assert other.shared_key != client.shared_key
    assert _published(other, other.ready["jogos"]["web_url"]).startswith("-----BEGIN PUBLIC KEY-----")


def test_two_workspaces_of_one_seed_draw_different_ids(client, other):
    """Ids are found without a workspace's name, so no two may be equal."""
    assert client.order_id() != other.order_id()


def test_a_workspace_of_the_same_name_and_seed_draws_the_same_ids_again(client, other):
    """What a run did can be repeated: delete the workspace, make it anew."""
    first = [other.order_id(), other.player(), other.game_id, other.shared_key]

    client.done("DELETE", "/workspaces/other")
    again = client.workspace(name="other", seed=7)

    assert [again.order_id(), again.player(), again.game_id, again.shared_key] == first


def test_a_root_call_goes_to_the_only_workspace_that_knows_its_game(client, other, backend):
    """interface.md Addresses: a root request whose gameId belongs to one other workspace goes there."""
    other.set_game(callback_url=backend.url)
    order_id = other.order_id(paid=True)
    root = _at_the_root(client, other)

    assert root.arrived(order_id).json["code"] == "200"
    assert other.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == 1
    assert [entry["order_id"] for entry in other.journal(endpoint="jogos.arrivedorder")] == [order_id]
    assert client.journal(endpoint="jogos.arrivedorder") == []


def test_a_root_verification_goes_to_the_only_workspace_that_knows_its_order(client, other):
    """A verification names no game, so its order decides; the default workspace has none of this id."""
    made = other.order(portal="playgama", paid=True)["order"]
    url = (
        f"{_root(client)}/api/v1/payments/verify?orderId={made['order_id']}&externalId={made['external_id']}"
    )

    assert client.send("GET", url).json == {"success": True}
    unknown = client.send("GET", url.replace(made["order_id"], "nobody"))
    assert unknown.json["success"] is False


def test_a_game_that_two_other_workspaces_know_is_nobodys_at_the_root(client, other):
    """Where nothing tells which is meant, the default workspace answers: the game is not found."""
    third = client.workspace(game_id=other.game_id, shared_key="another-key")
    root = _at_the_root(client, other)

    assert root.orders_page().json["code"] == "40001"
    assert other.orders_page().json["code"] == "200"
    assert third.orders_page().json["code"] == "200"


def test_a_path_that_names_no_workspace_is_refused_clearly(client):
    """421, and the code in the body; the portal is there, the workspace is not."""
    reply = client.send("GET", _root(client) + "/w/nobody/jogos/publicKey.json")

    assert (reply.status, reply.json["code"]) == (421, "421")
    assert client.send("GET", _root(client) + "/w/default/jogos/publicKey.json").status == 200


def test_an_order_of_one_workspace_is_unknown_in_another(client, other):
    """Every read and every move."""
    order_id = other.order_id(paid=True, callback="lost")

    assert client.refused("GET", f"/orders/{order_id}") == (404, "order-unknown")
    assert client.refused("POST", f"/orders/{order_id}/refund", {"refundStatus": 1}) == (404, "order-unknown")
    assert other.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1, "callback": "manual"})


def test_keys_faults_dialects_and_journal_are_a_workspaces_own(client, other):
    """A rotation and an outage here are not felt there."""
    before = _published(client, _root(client))
    other.done("POST", "/keys/rotate", {"rotate": "replace"})
    fault = {"at": "jogos.publicKey", "with": {"answer": 503}}
    other.done("POST", "/faults", fault)

    assert other.send("GET", other.ready["jogos"]["web_url"] + "/publicKey.json").status == 503
    assert _published(client, _root(client)) == before
    assert client.done("GET", "/faults")["faults"] == []
    assert all(entry["workspace"] == "other" for entry in other.journal())


def test_a_deleted_workspace_is_gone_whole(client, other, backend):
    """Its orders, its address, its place in the list; and nothing more is delivered from it."""
    other.set_game(callback_url=backend.url)
    order_id = other.order_id(paid=True)
    backend.wait_for(1)

    assert client.done("DELETE", "/workspaces/other")["workspace"] == "other"

    assert client.refused("GET", "/w/other/orders") == (404, "workspace-unknown")
    assert client.refused("DELETE", "/workspaces/other") == (404, "workspace-unknown")
    assert [made["workspace"] for made in client.done("GET", "/workspaces")["workspaces"]] == ["default"]
    assert client.workspace(name="other").refused("GET", f"/orders/{order_id}") == (404, "order-unknown")


@pytest.mark.parametrize(
    ("method", "path", "body", "refused"),
    [
        ("POST", "/workspaces", {"name": "other"}, (409, "workspace-exists")),
        ("POST", "/workspaces", {"name": "Other"}, (400, "field-invalid")),
        ("POST", "/workspaces", {"name": "a/b"}, (400, "field-invalid")),
        ("POST", "/workspaces", {"nam": "a"}, (400, "field-unknown")),
        ("POST", "/workspaces", {"seed": -1}, (400, "field-invalid")),
        ("DELETE", "/workspaces/default", None, (409, "workspace-needed")),
        ("GET", "/workspaces/nobody", None, (404, "workspace-unknown")),
        ("GET", "/env?format=toml", None, (400, "field-invalid")),
        ("POST", "/reset", {"keep": ["orders"]}, (400, "field-invalid")),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code(client, other, method, path, body, refused):
    """One code each, and nothing is changed."""
    assert client.refused(method, path, body) == refused
    assert len(client.done("GET", "/workspaces")["workspaces"]) == 2


def test_a_workspace_ends_with_its_time(backend):
    """ttl_s: for runs that are killed before they can delete what they made."""
    clock = ManualClock()
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7), clock=clock) as running:
        client = SandboxClient(running.ready)
        client.workspace(name="short", ttl_s=60)
        client.workspace(name="long", ttl_s=600)
        clock.advance(61)
        running.workspaces.sweep()

        names = [made["workspace"] for made in client.done("GET", "/workspaces")["workspaces"]]

    assert names == ["default", "long"]


def test_a_workspace_outlives_a_restart(tmp_path, backend):
    """Its orders, its game and what it still owes; it is loaded when somebody, or the queue, asks for it."""
    settings = SandboxSettings(port=0, control_port=0, store=tmp_path / "store.sqlite", seed=7)
    with Sandbox(settings) as running:
        client = SandboxClient(running.ready).workspace(name="kept")
        client.set_game(callback_url="http://127.0.0.1:9/nobody", retry=[0.5, 0.5, 0.5, 0.5])
        order_id = client.order_id(paid=True)
    with Sandbox(settings) as running:
        again = SandboxClient({**running.ready, **client.ready}, prefix="/w/kept")
        again.ready = {**again.ready, "control_url": running.ready["control_url"]}
        again.ready["control_token"] = running.ready["control_token"]

        assert again.done("GET", f"/orders/{order_id}")["order"]["paid"] is True
        again.set_game(callback_url=backend.url)
        made = again.done("GET", f"/deliveries?order={order_id}")["deliveries"][0]
        assert again.await_delivery(made["delivery_id"], "failed", "pending", attempts=2)


def test_reset_keeps_what_it_is_told_to_keep(client, other, backend):
    """keep: callbacks leaves the game's settings, keys the ring, faults the faults; orders are gone."""
    other.set_game(callback_url=backend.url)
    other.done("POST", "/keys/rotate", {"rotate": "replace"})
    before = _published(other, other.ready["jogos"]["web_url"])
    order_id = other.order_id(paid=True)

    other.done("POST", "/reset", {"keep": ["keys", "callbacks"]})

    assert other.refused("GET", f"/orders/{order_id}") == (404, "order-unknown")
    assert _published(other, other.ready["jogos"]["web_url"]) == before
    assert other.done("GET", "/games")["games"][0]["callback_url"] == backend.url
    assert other.orders_page().json["page"]["total"] == 0
    other.done("POST", "/reset", {})
    assert _published(other, other.ready["jogos"]["web_url"]) != before
    assert other.done("GET", "/games")["games"][0]["callback_url"] is None


def test_the_environment_block_comes_in_three_forms(client, other):
    """The same variables each; a value with a quote or a dollar stays what it is."""
    other.set_game(shared_key="it's $5 key")
    block = json.loads(other.control("GET", "/env?format=json").body)
    dotenv = other.control("GET", "/env?format=dotenv").body.decode()
    compose = other.control("GET", "/env?format=compose").body.decode()

    assert block["JOGOS_WEB_URL"] == other.ready["jogos"]["web_url"]
    assert block["JOGOS_SHARED_KEY"] == "it's $5 key"
    assert block["COINSLOT_ALLOW_TEST_KEYS"] == "1"
    assert "JOGOS_SHARED_KEY='it'\\''s $5 key'\n" in dotenv
    assert '  JOGOS_SHARED_KEY: "it\'s $$5 key"\n' in compose
    assert sorted(line.split("=")[0] for line in dotenv.splitlines()) == sorted(block)


def test_workspaces_that_work_side_by_side_never_meet(client):
    """Ten at once, each with a backend of its own: every callback and list holds its own orders only."""
    mixed = []

    def play(number):
        with RecordingBackend() as backend:
            mine = client.workspace(name=f"side-{number}")
            mine.set_game(callback_url=backend.url)
            orders = {mine.order_id(paid=True) for _ in range(5)}
            told = {arrival.json["orderId"] for arrival in backend.wait_for(5)}
            listed = {row["orderId"] for row in mine.orders_page().json["page"]["content"]}
            seen = {entry["order_id"] for entry in mine.await_journal(5, dir="out")}
            if not orders == told == listed == seen:
                mixed.append(number)
            mine.pool.clear()

    threads = [threading.Thread(target=play, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed == []
    assert len(client.done("GET", "/workspaces")["workspaces"]) == 11


def _root(client):
    """Where the portals are found by the documents' literal paths."""
    return client.ready["jogos"]["api_url"]
