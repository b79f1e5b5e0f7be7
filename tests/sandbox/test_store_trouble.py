"""A store that others hold: what a backend and a control call hear, and what the journal says."""

import json
import sqlite3

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient
from sqlalchemy import event

PATIENCE_MS = 50


@pytest.fixture
def place(tmp_path):
    """The store's file."""
    return tmp_path / "kept.sqlite"


@pytest.fixture
def impatient(place):
    """A client of a sandbox that waits only a moment for its store."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7, store=place)) as sandbox:
        engine = sandbox.workspaces.common.database.engine
        event.listen(
            engine,
            "begin",
            lambda one: one.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MS}"),
            insert=True,
        )
        client = SandboxClient(sandbox.ready)
        yield client
        client.pool.clear()


@pytest.fixture
def holder(place, impatient):
    """Somebody else who can hold the store."""
    connection = sqlite3.connect(place, isolation_level=None)
    yield connection
    connection.close()


def test_a_busy_store_is_the_portal_s_own_failure_and_no_http_5xx(impatient, holder):
    """interface: never HTTP 5xx unless a fault asks; the code says that the report counts for nothing yet."""
    order_id = impatient.order_id(paid=True, callback="manual")
    holder.execute("BEGIN IMMEDIATE")
    held = impatient.arrived(order_id)
    control = impatient.refused("POST", "/players", {})
    holder.execute("ROLLBACK")

    assert (held.status, held.json["code"]) == (200, "500")
    assert held.headers["X-Coinslot-Sandbox"] == "1"
    assert control == (503, "store-busy")
    (told,) = impatient.journal(endpoint="/api/gamepay/webhook/arrivedorder")
    assert told["error"].startswith("store-busy: ")
    assert "Traceback" not in told["error"]
    assert told["reply"]["status"] == 200
    assert impatient.arrived(order_id).json["code"] == "200"


def test_a_busy_store_is_told_in_the_journal_of_the_workspace_that_was_asked(impatient, holder):
    """A path that names a workspace; the default one's journal stays empty of it."""
    ada = impatient.workspace(name="ada")
    order_id = ada.order_id(paid=True, callback="manual")
    holder.execute("BEGIN IMMEDIATE")
    held = ada.arrived(order_id)
    holder.execute("ROLLBACK")

    assert held.json["code"] == "500"
    assert [one["error"][:10] for one in ada.journal() if one["error"]] == ["store-busy"]
    assert [one for one in impatient.journal() if one["error"]] == []


def test_a_failure_of_our_own_is_told_where_it_happened_and_without_values(impatient, holder):
    """The journal of the workspace that was called has the traceback; the key to be written is nowhere."""
    ada = impatient.workspace(name="ada")
    holder.execute("CREATE TRIGGER no BEFORE INSERT ON games BEGIN SELECT RAISE(ABORT, 'no games'); END")
    refused = ada.refused("PUT", "/games/9943", {"shared_key": "not-for-the-journal"})
    holder.execute("DROP TRIGGER no")

    assert refused == (500, "sandbox-failed")
    (told,) = [one for one in ada.journal(limit=10_000) if one["error"]]
    assert told["endpoint"] == "PUT /_control/v1/w/ada/games/9943"
    assert "no games" in told["error"]
    assert "not-for-the-journal" not in json.dumps(told)
    assert [one for one in impatient.journal(limit=10_000) if one["error"]] == []
    assert ada.done("PUT", "/games/9943", {"shared_key": "not-for-the-journal"})["shared_key"]


def test_a_workspace_that_could_not_be_made_is_not_there(impatient, holder):
    """The store refuses half-way: nothing is left, and the same call succeeds later."""
    wish = {"name": "ada", "seed": 7}
    holder.execute("CREATE TRIGGER no BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'no keys'); END")
    refused = impatient.refused("POST", "/workspaces", wish)
    named = [made["workspace"] for made in impatient.done("GET", "/workspaces")["workspaces"]]
    holder.execute("DROP TRIGGER no")

    assert refused == (500, "sandbox-failed")
    assert named == ["default"]
    assert impatient.done("POST", "/workspaces", wish)["workspace"] == "ada"
