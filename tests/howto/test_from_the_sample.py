"""docs/from-the-sample.md: each piece of its code runs, behind a server, and keeps what the page promises."""

import http.client
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from coinslot_contracts.json_bytes import dump_json
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireReply
from coinslot_testkit.adapter_servers import run_flask, run_uvicorn
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.fake_sidecar import TOKEN, FakeSidecar
from coinslot_testkit.tokens import GAME_ID, encode, good_claims, make_token, spki
from coinslot_verifier import IdentityVerifier, NotificationVerifier, StaticKeys, VerifierConfig
from coinslot_verifier.key_forms import read_key

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/from-the-sample.md").read_text("utf-8")
DRIVERS = Path(__file__).resolve().parent / "from_the_sample"
JSON_JAVA = ROOT / "scenarios/coinslot_scenarios/backends/java/src/game/Json.java"
GAME_JAVA = ("Json", "Refused", "Undecided", "Problem")
BODY = compact(notification("order-of-the-page", "278"))


def block(language):
    """The one piece of code of this kind."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return code


def ask(port, path, headers, body=b""):
    """Status and body of a POST, headers repeated as given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest("POST", path)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def log_in(port, token):
    status, body = ask(port, "/login", [("Authorization", f"Bearer {token}")] if token else [])
    return status, json.loads(body)


def notify(port, body, *signatures):
    headers = [("Authorization", value) for value in signatures]
    status, answer = ask(port, "/jogos/notify", headers, body)
    return status, json.loads(answer or b"{}").get("code")


@pytest.fixture
def portal():
    with serve(FakePortal()) as portal:
        yield portal


@pytest.fixture
def environment(portal, tmp_path, monkeypatch):
    """The environment block, as a shell would set it."""
    for name, value in {
        "JOGOS_WEB_URL": portal.url,
        "JOGOS_API_URL": portal.url,
        "JOGOS_GAME_ID": GAME_ID,
        "JOGOS_SHARED_KEY": SHARED_KEY.decode(),
        "COINSLOT_ALLOW_TEST_KEYS": "1",
        "DATABASE_URL": f"sqlite:///{(tmp_path / 'game.sqlite').as_posix()}",
    }.items():
        monkeypatch.setenv(name, value)


@contextmanager
def _module(kind, folder):
    """The page's Python code as a module of its own."""
    file = folder / f"page_{kind}.py"
    file.write_text(block(f"python {kind}"), "utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        yield module
    finally:
        module.engine.dispose()


@pytest.mark.parametrize(("kind", "run"), [("flask", run_flask), ("fastapi", run_uvicorn)])
def test_the_python_code_logs_in_and_grants_once(kind, run, portal, environment, tmp_path):
    """jogos:user.3, jogos:iap.1: good, forged, of another game; paid, repeated, respelt, refunded."""
    now_s = int(time.time())
    fresh = good_claims(now_s=now_s)
    with _module(kind, tmp_path) as page, run(page.app) as port:
        assert log_in(port, make_token(fresh)) == (200, {"user": "257", "name": "Player257"})
        assert log_in(port, f"{encode({'alg': 'none'})}.{encode(fresh)}.")[0] == 401
        assert log_in(port, make_token(good_claims(now_s=now_s, game_id="1221")))[0] == 401
        portal.lies["publicKey"] = lambda: WireReply(status=500)
        assert log_in(port, make_token(fresh))[0] == 503

        assert notify(port, BODY, signature(BODY, b"other")) == (200, "41007")
        assert page.ledger.quantities("278") == {}
        for _ in range(2):
            assert notify(port, BODY, signature(BODY, SHARED_KEY)) == (200, "200")
        assert page.ledger.quantities("278") == {"1002": 1}
        refund = notification("order-of-the-page", "278", paytype="refund", refundStatus=1, refundTime=1)
        body = dump_json(refund, "indented")
        assert notify(port, body, signature(body, SHARED_KEY)) == (200, "200")
        assert page.ledger.quantities("278") == {}


def test_the_flask_code_caps_the_tokens_age(portal, environment, tmp_path):
    """The document's own token would live 1,000 hours."""
    old = {**good_claims(now_s=int(time.time()) - 7200), "exp": int(time.time()) + 3_600_000}
    with _module("flask", tmp_path) as page, run_flask(page.app) as port:
        status, problem = log_in(port, make_token(old))

    assert (status, problem["code"]) == (401, "token-too-old")


@pytest.fixture
def sidecar():
    config = VerifierConfig(portal="jogos", game_id=GAME_ID, shared_keys=(SHARED_KEY,), allow_test_keys=True)
    keys = StaticKeys((read_key(PublishedKey(text=KEY_FORMS["pem"](spki()))),))
    fake = FakeSidecar(IdentityVerifier(config, key_source=keys), NotificationVerifier(config))
    with serve(fake):
        yield fake


def _node(folder):
    (folder / "verifier.mjs").write_text(block("js"), "utf-8")
    shutil.copy(DRIVERS / "driver.mjs", folder)
    return ["node", str(folder / "driver.mjs")]


def _java(folder):
    sources = [folder / "Verifier.java"]
    sources[0].write_text("package game;\n" + block("java"), "utf-8")
    sources += [shutil.copy(DRIVERS / "Driver.java", folder)]
    sources += [shutil.copy(JSON_JAVA.with_name(f"{name}.java"), folder) for name in GAME_JAVA]
    subprocess.run(
        ["javac", "-Xlint:all,-serial", "-Werror", "-proc:none", "-d", str(folder), *map(str, sources)],
        check=True,
    )
    return ["java", "-cp", str(folder), "game.Driver"]


@contextmanager
def _driven(make, folder, url):
    """The port of a server of another language that asks this sidecar."""
    environment = {**os.environ, "COINSLOT_VERIFIER_URL": url, "COINSLOT_VERIFIER_TOKEN": TOKEN}
    process = subprocess.Popen(make(folder), stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=20)


languages = pytest.mark.parametrize(
    "make",
    [
        pytest.param(_node, marks=pytest.mark.tool("node"), id="node"),
        pytest.param(_java, marks=pytest.mark.tool("java"), id="java"),
    ],
)


@languages
def test_the_other_languages_code_asks_the_sidecar(make, sidecar, tmp_path):
    """What arrived goes to the sidecar byte for byte, and its reply goes back to the portal."""
    spaced = dump_json(notification("order-of-the-page", "278"), "indented")
    right = signature(spaced, SHARED_KEY)
    with _driven(make, tmp_path, sidecar.url) as port:
        assert log_in(port, make_token(good_claims(now_s=int(time.time())))) == (
            200,
            {"user": "257", "name": "Player257"},
        )
        assert log_in(port, "forged") == (401, {"code": "token-malformed"})
        assert notify(port, spaced, right) == (200, "200")
        assert notify(port, BODY, right) == (200, "41007")
        assert notify(port, spaced) == (200, "41007")
        assert notify(port, spaced, right, right) == (200, "41007"), "two headers are one too many"
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"POST /jogos/notify HTTP/1.1\r\nHost: game\r\nContent-Length: 100\r\n\r\n{")
        assert notify(port, spaced, right) == (200, "200"), "a caller that hangs up ends nothing"


@pytest.mark.tool("node")
def test_the_node_code_keeps_no_more_of_a_body_than_a_notification_has(sidecar, tmp_path):
    """A flood is refused before the sidecar hears of it, and the server goes on."""
    with _driven(_node, tmp_path, sidecar.url) as port:
        assert notify(port, b" " * 2_000_000, "0" * 40) == (413, None)
        assert notify(port, BODY, signature(BODY, SHARED_KEY)) == (200, "200")


@pytest.mark.tool("java")
def test_the_java_code_takes_no_token_for_a_wrong_one(sidecar, tmp_path):
    """A player who sends none is a player who is not logged in."""
    with _driven(_java, tmp_path, sidecar.url) as port:
        assert log_in(port, None) == (401, {"code": "token-malformed"})


@languages
def test_the_other_languages_code_tells_an_outage_from_a_forgery(make, tmp_path):
    """A sidecar that is away, or answers in other words, is 503 for player and portal."""
    with serve(FakePortal()) as stranger, _driven(make, tmp_path, stranger.url) as port:
        assert log_in(port, make_token()) == (503, {"code": "verifier-unreachable"})
        assert notify(port, BODY, signature(BODY, SHARED_KEY)) == (503, None)


def test_the_page_names_only_lines_that_the_document_has():
    """Its samples stand in lines 21 to 151, its SHA-1 helper in line 160."""
    rows = re.findall(r"^\| (?:Java|Node|SHA-1 helper) ([\d, -]+)", PAGE, re.MULTILINE)
    lines = {int(number) for row in rows for number in re.findall(r"\d+", row)}

    assert len(rows) >= 10
    assert lines <= {*range(21, 152), 160}
