"""Profiles: what is right is read with its secrets, what is wrong is named at file:line:col."""

import socket
import sys

import pytest
from coinslot_scenarios import profile as profile_module
from coinslot_scenarios.problems import InvalidFiles
from coinslot_scenarios.profile import free_port, load_profile
from coinslot_scenarios.secrets_mask import Masker

GOOD = """\
coinslot-profile: 1
name: my-game
base_url: http://127.0.0.1:8080/
jogos:
  game_id: 9943
  shared_key: ${env:KEY}
  login:
    request: {method: POST, path: /login, json: {token: "${token}"}}
    ok: {status: 2xx, present: $.user.id}
    user_id: $.user.id
  callback: {path: /jogos/notify}
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text, environ=None, masker=None):
        file = tmp_path / "p.yaml"
        file.write_text(text, "utf-8")
        given = {"KEY": "the-shared-key-itself"} if environ is None else environ
        return load_profile(file.relative_to(tmp_path), environ=given, masker=masker or Masker())

    return load


@pytest.fixture
def problems(load):
    def problems(text, **options):
        with pytest.raises(InvalidFiles) as caught:
            load(text, **options)
        return [str(problem) for problem in caught.value.problems]

    return problems


def test_a_good_profile_tells_how_a_backend_is_reached(load):
    """Capabilities are derived from what is there."""
    profile = load(GOOD)

    assert profile.portals["jogos"].game_id == "9943"
    assert profile.callback_url("jogos") == "http://127.0.0.1:8080/jogos/notify"
    assert profile.capabilities == {
        "jogos.login",
        "jogos.login.user_id",
        "jogos.callback",
        "jogos.products:1",
        "jogos.products:2",
        "jogos.products:3",
    }


def test_a_probe_and_a_sync_are_capabilities(load):
    """inventory -> probe, sync -> sync."""
    text = GOOD + "inventory: {request: {path: /inv}}\nsync: {every: 30s}\n"

    assert {"probe", "sync"} <= load(text).capabilities


def test_a_secret_comes_from_the_environment_and_is_masked(load):
    """${env:NAME} is for secrets alone."""
    masker = Masker()

    profile = load(GOOD, masker=masker)

    assert profile.portals["jogos"].shared_key == "the-shared-key-itself"
    assert masker.mask("key the-shared-key-itself") == "key the-…lf"


def test_a_started_backend_needs_no_key_and_gets_a_free_port(load):
    """start: ${python} and ${port}; game and key then come from the sandbox."""
    text = (
        GOOD.replace("8080/", "${port}")
        .replace("  game_id: 9943\n", "")
        .replace("  shared_key: ${env:KEY}\n", "")
    )

    profile = load(text + 'start: {command: ["${python}", app.py]}\n')

    assert profile.base_url == f"http://127.0.0.1:{profile.port}"
    assert profile.shape.start.command == [sys.executable, "app.py"]


def test_a_free_port_is_none_that_an_outgoing_connection_may_be_given(monkeypatch):
    """Where those are all taken, any other will do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        monkeypatch.setattr(profile_module, "PORTS", range(number, number + 1))
        assert free_port() not in (0, number)
        monkeypatch.undo()

    assert free_port() in profile_module.PORTS


BAD = {
    "no first key": (
        GOOD.replace("coinslot-profile: 1\n", ""),
        ["p.yaml:1:1: a profile begins with the key 'coinslot-profile: 1'"],
    ),
    "misspelt key": (
        GOOD.replace("base_url", "baseurl"),
        [
            "p.yaml:1:1: key 'base_url' is missing",
            "p.yaml:3:1: unknown key 'baseurl', did you mean 'base_url'?",
        ],
    ),
    "misspelt portal": (
        GOOD.replace("jogos:\n", "jogoss:\n"),
        ["p.yaml:4:1: unknown key 'jogoss', did you mean 'jogos'?"],
    ),
    "no url": (
        GOOD.replace("http://127.0.0.1:8080/", "localhost"),
        ["p.yaml:3:11: 'base_url' must be a URL such as http://127.0.0.1:8080"],
    ),
    "key missing without start": (
        GOOD.replace("  shared_key: ${env:KEY}\n", ""),
        ["p.yaml:5:3: key 'shared_key' is missing: without 'start:' the backend has its own"],
    ),
    "a path without a slash": (
        GOOD.replace("path: /jogos/notify", "path: notify"),
        ["p.yaml:11:20: 'path' must begin with /"],
    ),
    "a status that is none": (
        GOOD.replace("2xx", "ok"),
        ["p.yaml:9:18: 'status' must be an HTTP status such as 200, or a class such as 2xx"],
    ),
    "no JSONPath": (
        GOOD.replace("user_id: $.user.id", "user_id: user.id"),
        ["p.yaml:10:14: 'user_id' must be a JSONPath such as $.user.id"],
    ),
    "unknown template": (
        GOOD.replace("${token}", "${tokn}"),
        ["p.yaml:8:57: unknown name '${tokn}', did you mean '${token}'?"],
    ),
    "two ways to read the inventory": (
        GOOD + "inventory: {request: {path: /inv}, command: [x]}\n",
        ["p.yaml:12:12: 'inventory' is read by one of request, command and sql"],
    ),
    "no certificate": (
        GOOD + "tls: {ca: nowhere.pem}\n",
        ["p.yaml:12:11: 'ca' is no certificate file: no such file or directory"],
    ),
    "no id": (
        GOOD.replace("9943", "abc"),
        ["p.yaml:5:12: 'game_id' must be decimal digits"],
    ),
    "duplicate": (GOOD + "name: again\n", ["p.yaml:12:1: key 'name' is given twice"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_at_its_place(problems, name):
    """Errors at file:line:col."""
    text, expected = BAD[name]

    assert problems(text) == expected


def test_an_unset_variable_is_named(problems):
    """The name, never a value."""
    assert problems(GOOD, environ={}) == ["p.yaml:6:15: environment variable KEY is not set"]


def test_a_profile_that_does_not_exist_is_named(tmp_path):
    """One line, no traceback."""
    with pytest.raises(InvalidFiles, match="cannot be read: no such file or directory"):
        load_profile(tmp_path / "nowhere.yaml", environ={}, masker=Masker())
