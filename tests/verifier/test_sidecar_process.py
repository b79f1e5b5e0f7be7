"""The sidecar as a process: who may ask, what is logged and counted, how it starts, shares, ends."""

import base64
import json
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.sidecar_process import TOKEN, start_sidecar
from coinslot_testkit.tokens import GAME_ID, good_claims, make_token
from coinslot_testkit.waiting import until

LINUX = sys.platform.startswith("linux")  # /proc tells who is whose child


@pytest.fixture(scope="module")
def portal():
    with serve(FakePortal()) as running:
        yield running


@pytest.fixture(scope="module")
def sidecar(portal):
    """A sidecar without a ledger, for one portal."""
    with start_sidecar({"jogos": portal.url}, "--portal", "jogos") as running:
        yield running


def user_token():
    return make_token(good_claims(now_s=int(time.time())))


def notice(order_id):
    body = compact({**notification(order_id, "278"), "gameId": int(GAME_ID)})
    return {"body_b64": base64.b64encode(body).decode(), "signature": signature(body, SHARED_KEY)}


def raw(sidecar, request):
    """The whole answer to raw bytes."""
    where = urlsplit(sidecar.ready["url"])
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def counted(sidecar, name):
    """Label text -> value of one metric."""
    text = sidecar.ask("GET", "/metrics").body.decode()
    return {
        match[1] or "": float(match[2])
        for match in re.finditer(rf"^{name}({{.*}})? (\S+)$", text, re.MULTILINE)
    }


def test_the_ready_line_tells_the_address_and_no_token_that_was_given(sidecar):
    """The token is known to whoever gave it."""
    assert sidecar.ready["coinslot"] == "ready"
    assert sidecar.ready["portals"] == ["jogos"]
    assert (sidecar.ready["ledger"], sidecar.ready["processes"]) == (False, 1)
    assert "token" not in sidecar.ready
    assert urlsplit(sidecar.ready["url"]).hostname == "127.0.0.1"


def test_a_token_is_drawn_where_none_was_given(portal):
    """A sidecar never answers without one."""
    with start_sidecar({"jogos": portal.url}, "--portal", "jogos", COINSLOT_VERIFIER_TOKEN="") as running:
        drawn = running.ready["token"]

        assert len(drawn) >= 32
        assert running.ask("GET", "/metrics", token=drawn).status == 200
        assert running.ask("GET", "/metrics", token="").code == "token-wrong"
        assert drawn not in json.dumps(running.log())


def test_a_token_may_lie_in_a_file(portal, tmp_path):
    """Out of sight of whoever reads the environment."""
    file = tmp_path / "token"
    file.write_text("from-a-file\n", "ascii")
    options = ("--portal", "jogos", "--token-file", str(file))
    with start_sidecar({"jogos": portal.url}, *options) as running:
        assert running.ask("GET", "/metrics", token="from-a-file").status == 200
        assert running.ask("GET", "/metrics").status == 401


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", "töken"])
def test_no_call_is_done_without_the_token(sidecar, token):
    """Compared as bytes, so that no byte whatsoever is a 500."""
    sent = None if token is None else token.encode().decode("latin-1")

    answer = sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token()}, token=sent)

    assert (answer.status, answer.code) == (401, "token-wrong")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token()}).status == 200


def test_probes_and_readers_of_the_document_need_none(sidecar):
    """They hold no secret."""
    for path in ("/health", "/ready", "/openapi.json"):
        assert sidecar.ask("GET", path, token=None).status == 200
    assert sidecar.ask("GET", "/metrics", token=None).status == 401


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host-not-allowed"),
        ({"Host": "[::1"}, "host-not-allowed"),
        ({"Origin": "http://127.0.0.1"}, "origin-not-allowed"),
        ({"Origin": "null"}, "origin-not-allowed"),
        ({"Host": "localhost:1"}, None),
        ({"Host": "10.0.0.7"}, None),
    ],
)
def test_a_page_cannot_reach_it_under_another_name(sidecar, headers, code):
    """Rebinding a name needs a Host of that name; a page sends its Origin."""
    answer = sidecar.ask("GET", "/health", headers=headers)

    assert (answer.status, answer.code) == ((403, code) if code else (200, None))


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        ("GET", "/nowhere", None, (404, "address-unknown")),
        ("PUT", "/v1/jogos/identity", None, (405, "method-not-allowed")),
        ("TRACE", "/health", None, (405, "method-not-allowed")),
        ("POST", "/v1/other/identity", {}, (404, "portal-unknown")),
        ("POST", "/v1/jogos/purchase", {}, (409, "not-offered")),
        ("GET", "/v1/jogos/players/1/items", None, (409, "ledger-missing")),
        ("POST", "/v1/jogos/ledger/reconcile", {}, (409, "ledger-missing")),
        ("POST", "/v1/jogos/notification", {**notice("o"), "apply": True}, (409, "ledger-missing")),
        ("POST", "/v1/jogos/notification", {}, (400, "field-missing")),
        ("POST", "/v1/jogos/notification", {"body_b64": "%"}, (400, "field-invalid")),
        ("POST", "/v1/jogos/notification", {"body_b64": "", "headers": 1}, (400, "field-invalid")),
        ("POST", "/v1/jogos/notification", {**notice("o"), "products": "x"}, (400, "field-invalid")),
        ("POST", "/v1/jogos/confirm", {"order_id": "a\u0000"}, (400, "field-invalid")),
        ("POST", "/v1/jogos/identity", b"{", (400, "json-invalid")),
        ("POST", "/v1/jogos/identity", b'{"token": 1, "token": 2}', (400, "json-invalid")),
        ("POST", "/v1/jogos/identity", b"[" * 100_000, (400, "json-invalid")),
        ("POST", "/v1/jogos/identity", b'{"token": 1e400}', (400, "json-invalid")),
        ("POST", "/v1/jogos/identity", b"\xff", (400, "json-invalid")),
        ("POST", "/v1/jogos/identity", b"x" * 3_000_000, (413, "body-too-large")),
        ("GET", "/v1/jogos/orders?limit=0", None, (400, "field-invalid")),
    ],
)
def test_a_wrong_call_is_a_problem_with_a_code_and_a_remedy(sidecar, method, target, body, expected):
    """RFC 9457; and the sidecar goes on."""
    answer = sidecar.ask(method, target, body)

    assert (answer.status, answer.code) == expected
    assert answer.json["try"]
    assert answer.json["status"] == answer.status
    assert sidecar.ask("GET", "/health").status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"POST /v1/jogos/identity HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        b"POST /v1/jogos/identity HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_400_in_json(sidecar, request_bytes):
    """No traceback, no HTML, no 5xx."""
    head, _, body = raw(sidecar, request_bytes).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "request-malformed"


def test_a_chunked_body_is_read(sidecar):
    """The twin of the broken ones above."""
    head = f"POST /v1/jogos/identity HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    sent = head.encode() + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"

    assert b'"token-malformed"' in raw(sidecar, sent)


def test_ready_says_what_is_not_reachable(portal):
    """Keys of each portal and the ledger; `only=ledger` keeps a replica in service while a portal is down."""
    portal.lies["publicKey"] = lambda: WireReply(status=500)
    try:
        with start_sidecar({"jogos": portal.url}, "--portal", "jogos") as running:
            down = running.ask("GET", "/ready", token=None)
            mild = running.ask("GET", "/ready?only=ledger", token=None)
    finally:
        portal.lies.clear()

    assert down.status == 503
    assert down.json == {
        "ready": False,
        "portals": {"jogos": {"keys": "key-source-unavailable", "ledger": None}},
    }
    assert int(down.headers["retry-after"]) >= 1
    assert (mild.status, mild.json["ready"]) == (200, True)


def test_readiness_is_not_a_way_to_flood_the_portal(portal, sidecar):
    """Anybody may probe, so a look lasts for seconds."""
    before = len(portal.calls("publicKey"))
    for _ in range(20):
        assert sidecar.ask("GET", "/ready", token=None).status == 200

    assert len(portal.calls("publicKey")) - before <= 2


def test_calls_are_counted_by_outcome_and_code(sidecar):
    """For Prometheus, with a histogram of their time and the portal's keys."""
    calls = "coinslot_verifier_calls_total"
    good = '{portal="jogos",call="identity",outcome="ok",code="ok"}'
    bad = '{portal="jogos",call="identity",outcome="refused",code="token-malformed"}'
    before = counted(sidecar, calls)
    sidecar.ask("POST", "/v1/jogos/identity", {"token": user_token()})
    sidecar.ask("POST", "/v1/jogos/identity", {"token": "junk"})

    after = counted(sidecar, calls)

    assert [after[name] - before.get(name, 0) for name in (good, bad)] == [1, 1]
    assert counted(sidecar, "coinslot_verifier_key_fetches_total")['{portal="jogos",result="ok"}'] >= 1
    buckets = counted(sidecar, "coinslot_verifier_call_seconds_bucket")
    whole = counted(sidecar, "coinslot_verifier_call_seconds_count")['{call="identity"}']
    assert buckets['{call="identity",le="+Inf"}'] == whole


def test_the_log_is_json_and_holds_no_secret(portal):
    """No token, no key, no body; the caller's request id is there."""
    token, order = user_token(), notice("order-of-the-log")
    with start_sidecar({"jogos": portal.url}, "--portal", "jogos") as running:
        running.ask("POST", "/v1/jogos/identity", {"token": token}, headers={"X-Request-Id": "r-1"})
        running.ask("POST", "/v1/jogos/identity", {"token": token[:-4] + "AAAA"})
        running.ask("POST", "/v1/jogos/notification", order)
        running.ask("POST", f"/v1/{token}/identity", {"token": token}, token="wrong-token")
        log = running.log()

    text = json.dumps(log)
    secrets = (token, token.split(".")[2], order["signature"], order["body_b64"], TOKEN, "wrong-token")
    assert [secret for secret in (*secrets, SHARED_KEY.decode()) if secret in text] == []
    calls = [line for line in log if line["event"] == "call"]
    assert calls[0]["request_id"] == "r-1"
    assert [line["code"] for line in calls] == ["ok", "signature-mismatch", "ok", "token-wrong"]
    assert calls[2]["order_id"] == "order-of-the-log"


def test_a_ledger_that_fails_is_a_503_and_the_portal_is_told_to_ask_again(portal, tmp_path):
    """Nothing was granted, and nothing was acknowledged."""
    file = tmp_path / "ledger.sqlite"
    options = ("--portal", "jogos", "--ledger", f"sqlite:///{file.as_posix()}")
    with start_sidecar({"jogos": portal.url}, *options) as running:
        with sqlite3.connect(file) as connection:
            connection.execute("ALTER TABLE coinslot_orders RENAME TO gone")
        failed = running.ask("POST", "/v1/jogos/notification", notice("order-later"))
        with sqlite3.connect(file) as connection:
            connection.execute("ALTER TABLE gone RENAME TO coinslot_orders")
        done = running.ask("POST", "/v1/jogos/notification", notice("order-later"))

    assert (failed.status, failed.code) == (503, "ledger-unavailable")
    assert failed.json["reply"]["status"] == 503
    assert int(failed.headers["retry-after"]) >= 1
    assert done.json["outcome"] == "granted"


def test_a_stop_answers_what_is_under_way_and_takes_no_more(portal):
    """SIGTERM: exit code 0, after the running call has its answer."""
    reached, go_on = threading.Event(), threading.Event()

    def slow():
        reached.set()
        assert go_on.wait(10)
        return WireReply(status=500)

    answers = []
    portal.lies["publicKey"] = slow
    try:
        with start_sidecar({"jogos": portal.url}, "--portal", "jogos") as running:
            call = {"token": user_token()}
            caller = threading.Thread(
                target=lambda: answers.append(running.ask("POST", "/v1/jogos/identity", call))
            )
            caller.start()
            assert reached.wait(10)
            running.process.send_signal(signal.SIGTERM)
            refused = _until_refused(running)
            go_on.set()
            caller.join(10)
            code = running.process.wait(15)
            events = [line["event"] for line in running.log()]
    finally:
        portal.lies.clear()

    assert refused
    assert [answer.status for answer in answers] == [503]
    assert code == 0
    assert events[-1] == "stopped"


def _until_refused(running):
    """New callers are turned away while the old call is still running."""

    def refused():
        try:
            running.ask("GET", "/health")
        except OSError:
            return True
        return False

    return until(refused)


def _await_children(parent, count, *, gone=None):
    """The children of a process once there are so many, the one that is gone not counted."""

    def born():
        found = [child for child in _children(parent) if child != gone]
        return len(found) >= count and found

    return until(born, says=f"{count} children")


@pytest.mark.skipif(not LINUX, reason="told from /proc")
def test_processes_share_the_socket_and_the_counters_and_are_replaced(portal, tmp_path):
    """Any of them answers for all; one that is killed costs a moment and no count."""
    ledger = f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"
    options = ("--portal", "jogos", "--processes", "2", "--ledger", ledger)
    with start_sidecar({"jogos": portal.url}, *options) as running:
        parent = running.ready["pid"]
        children = _await_children(parent, 2)
        for number in range(30):
            running.ask("POST", "/v1/jogos/notification", notice(f"shared-{number}"))
        granted = '{portal="jogos",call="notification",outcome="ok",code="ok"}'
        seen = {counted(running, "coinslot_verifier_calls_total")[granted] for _ in range(10)}
        os.kill(children[0], signal.SIGKILL)
        _await_children(parent, 2, gone=children[0])
        after = counted(running, "coinslot_verifier_calls_total")[granted]
        restarts = counted(running, "coinslot_verifier_process_restarts_total")[""]
        left = _children(parent)
        running.process.send_signal(signal.SIGTERM)
        code = running.process.wait(20)
        log = running.log()

    assert len(children) == 2
    assert (seen, after, restarts) == ({30.0}, 30.0, 1.0), [line for line in log if line["event"] != "call"]
    assert len(left) == 2, [line for line in log if line["event"] != "call"]
    assert code == 0
    assert [child for child in left if _is_alive(child)] == []


@pytest.mark.skipif(not LINUX, reason="told from /proc")
def test_children_end_when_their_parent_is_killed(portal):
    """Nobody answers on a port that nobody can stop."""
    with start_sidecar({"jogos": portal.url}, "--portal", "jogos", "--processes", "2") as running:
        children = _children(running.ready["pid"])
        os.kill(running.ready["pid"], signal.SIGKILL)
        until(lambda: not any(map(_is_alive, children)), says="a child outlived its parent")


def _children(parent):
    """Ids of the parent's living children, without a tool."""
    found = []
    for entry in Path("/proc").iterdir():
        rest = _stat(entry.name) if entry.name.isdigit() else []
        if rest and rest[1] == str(parent) and rest[0] != "Z":
            found.append(int(entry.name))
    return sorted(found)


def _stat(process):
    """State, parent and more of a process; nothing where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _is_alive(process):
    state = _stat(process)
    return bool(state) and state[0] != "Z"
