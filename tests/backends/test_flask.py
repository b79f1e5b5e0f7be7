"""The good Flask backend: starting, failing, being asked badly, and being asked again."""

import os
import signal
import subprocess
import sys
import time

import pytest
from coinslot_contracts.errors import ConfirmUnavailable
from coinslot_contracts.portals.jogos.codes import refusal, reply
from coinslot_contracts.wire import WireReply
from coinslot_testkit.backend_process import FLASK, environment, start_flask
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.tokens import good_claims, make_token


@pytest.fixture(scope="module")
def portal():
    with serve(FakePortal()) as running:
        yield running


@pytest.fixture(scope="module")
def backend(portal):
    with start_flask(portal) as running:
        yield running


def valid_token() -> str:
    return make_token(good_claims(now_s=int(time.time())))


def refused_start(portal: FakePortal, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=FLASK,
        env=environment(portal, **more),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_login_answers_with_the_players_id_and_a_session(backend):
    """jogos:user.3"""
    answer = backend.log_in(valid_token())

    assert answer.status == 200
    assert answer.json["user"] == {"id": "257"}
    assert len(answer.json["session"]) >= 32


def test_two_logins_are_two_sessions(backend):
    """A token may be shown twice while it lives; it is exchanged each time."""
    first, second = (backend.log_in(valid_token()).json["session"] for _ in range(2))

    assert first != second


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"token": null}', b'{"token": 5}', b"\xff", b"[" * 50_000]
)
def test_any_bytes_to_the_login_are_a_refused_token(backend, body):
    """jogos:user.3: whatever is no token is no player, and never a server error."""
    answer = backend.ask("POST", "/login/jogos", body)

    assert (answer.status, answer.json) == (401, {"error": "token-malformed"})


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 50_000])
def test_any_signed_bytes_to_the_callback_get_a_documented_code(backend, body):
    """jogos:iap.1.err"""
    answer = backend.notify(body)

    assert (answer.status, answer.json["code"]) == (200, "305")


@pytest.mark.parametrize("value", ["é" * 40, "", "Bearer x", "0" * 39])
def test_any_signature_header_gets_a_documented_code(backend, value):
    """jogos:iap.1.auth"""
    answer = backend.notify(
        compact(notification("odd-header", "400")), signed=value.encode().decode("latin-1")
    )

    assert answer.json["code"] == "41007"


def test_an_outage_of_the_key_is_no_forgery(portal, backend):
    """jogos:user.2: the player may try again, so it is 503 and not 401; afterwards it works again."""
    portal.lies["publicKey"] = lambda: WireReply(status=503)
    try:
        during = backend.log_in(valid_token())
    finally:
        del portal.lies["publicKey"]

    assert (during.status, during.json) == (503, {"error": "key-source-unavailable"})
    assert backend.log_in(valid_token()).status == 200


def test_a_report_that_the_portal_rejects_is_repeated_without_a_second_grant(portal, backend):
    """jogos:iap.2"""
    answers = [reply("41007"), refusal(ConfirmUnavailable("busy"))]
    portal.add_order("stubborn", user_id="401")
    portal.lies["arrivedorder"] = lambda: answers.pop(0)

    backend.notify(compact(notification("stubborn", "401")))
    portal.wait_for(lambda: not answers)
    del portal.lies["arrivedorder"]
    portal.wait_for(lambda: portal.orders["stubborn"].arrived_status == 1)

    assert backend.items("401") == {"1002": 1}


@pytest.mark.parametrize(
    ("code", "status", "error"), [("41007", 502, "signature-mismatch"), ("500", 503, "confirm-unavailable")]
)
def test_a_sync_that_the_portal_rejects_says_so(portal, backend, code, status, error):
    """jogos:iap.3"""
    portal.lies["getOrders"] = lambda: reply(code)
    try:
        answer = backend.sync()
    finally:
        del portal.lies["getOrders"]

    assert (answer.status, answer.json) == (status, {"error": error})
    assert backend.sync().status == 200


def test_a_restarted_backend_reports_what_it_granted_before(portal, tmp_path):
    """jogos:iap.2: the outbox is in the database, so a crash only delays the report."""
    database = f"sqlite:///{(tmp_path / 'game.sqlite').as_posix()}"
    portal.add_order("before-crash", user_id="402")
    portal.lies["arrivedorder"] = lambda: WireReply(status=503)
    try:
        with start_flask(portal, DATABASE_URL=database) as first:
            assert first.notify(compact(notification("before-crash", "402"))).json["code"] == "200"
    finally:
        del portal.lies["arrivedorder"]
    with start_flask(portal, DATABASE_URL=database) as second:
        portal.wait_for(lambda: portal.orders["before-crash"].arrived_status == 1)

        assert second.items("402") == {"1002": 1}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"COINSLOT_BUG": "no-such"}, "COINSLOT_BUG=no-such is unknown; known are: demands-kid, "),
        ({"JOGOS_GAME_ID": ""}, "cannot start: set JOGOS_GAME_ID in the environment"),
        ({"JOGOS_WEB_URL": "nowhere"}, "cannot start: web_url must be an http or https address"),
        ({"DATABASE_URL": "mysql://x"}, "cannot start: the ledger runs on sqlite or postgresql"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/x.sqlite"}, "cannot start: "),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_code_2(portal, more, says):
    """Errors for people: what happened and what to do, never a traceback."""
    done = refused_start(portal, **more)

    assert done.returncode == 2
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a process at once on Windows")
def test_the_temporary_database_is_gone_after_sigterm(portal, tmp_path):
    """Nothing is left behind by a run."""
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=FLASK,
        env=environment(portal, TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"http://")
    assert list(tmp_path.iterdir())

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)

    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
