"""`coinslot check` and `coinslot demo` as a person runs them, from an empty folder."""

import re
import signal
import socket
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_testkit.waiting import until

FLASK = Path(coinslot_scenarios.__file__).parent / "backends" / "flask" / "profile.yaml"

TOKEN_CHECKS = ("JG-LOGIN-01", "JG-LOGIN-20", "JG-CB-01")


FEW = ("JG-LOGIN-36", "JG-CB-01", "PG-JWT-01")
"""Checks of both portals; the demonstration below plays the whole suite on this backend."""


@pytest.mark.parametrize(
    ("wanted", "count", "checked"),
    [(FEW, 6, "6/20"), pytest.param((), 86, "19/20", marks=pytest.mark.thorough)],
    ids=["few", "suite"],
)
def test_the_good_backend_passes(coinslot, tmp_path, wanted, count, checked):
    """Exit 0, with preflight, on a sandbox that check starts and ends itself."""
    options = ("--profile", str(FLASK), "--port", "0", "--control-port", "0", "--seed", "8123")
    done = coinslot("check", *wanted, *options)

    assert done.code == 0, done.out
    assert done.out[-2] == str(Path("coinslot-report") / "junit.xml")
    assert done.out[-1] == f"{count} passed, 0 failed, 0 inconclusive - seed 8123 - clauses {checked} checked"
    assert done.err == []
    cases = ET.parse(tmp_path / "coinslot-report" / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == count


def test_the_demo_shows_a_pass_and_a_failure(coinslot):
    """Its last two lines are the report path and the verdict line of the good run."""
    done = coinslot("demo", "--seed", "4")

    assert done.code == 0, done.out
    assert done.out[-2] == str(Path("coinslot-report") / "junit.xml")
    assert done.out[-1] == "86 passed, 0 failed, 0 inconclusive - seed 4 - clauses 19/20 checked"
    assert any(line.startswith("FAIL JG-LOGIN-22[last-dot-kept]") for line in done.out)


def test_a_busy_port_is_5_and_names_the_way_out(coinslot):
    """The sandbox's fault, not the backend's; nothing is lost and nothing hangs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = coinslot(
            "check", "JG-LOGIN-01", "--profile", str(FLASK), "--port", port, "--control-port", "0"
        )

    assert done.code == 5
    assert len(done.err) == 1
    assert "--port 0" in done.err[0]


PROFILE = """\
coinslot-profile: 1
base_url: {url}
jogos:
  game_id: 9943
  shared_key: a-shared-key
  callback: {{path: /notify}}
"""


def test_a_profile_that_points_nowhere_is_3(coinslot, tmp_path):
    """One line that names the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    (tmp_path / "p.yaml").write_text(PROFILE.format(url=url))

    done = coinslot("check", "JG-CB-01", "--profile", "p.yaml", "--port", "0", "--control-port", "0")

    assert done.code == 3
    assert done.err == [
        f"error: the backend cannot be reached at {url} (connection refused): "
        "start it, or correct base_url in the profile"
    ]


def test_a_callback_url_that_does_not_answer_is_3(coinslot, tmp_path):
    """A listener that accepts and says nothing on the callback."""

    from coinslot_testkit.recording_backend import RecordingBackend, Says

    never = threading.Event()
    with RecordingBackend() as backend:
        backend.answer_by(lambda arrival: Says(after=never) if arrival.method == "POST" else Says())
        text = PROFILE.format(url=f"http://127.0.0.1:{backend.port}") + "limits: {answer: 500ms}\n"
        (tmp_path / "p.yaml").write_text(text)
        done = coinslot("check", "JG-CB-01", "--profile", "p.yaml", "--port", "0", "--control-port", "0")
        never.set()

    assert done.code == 3
    assert len(done.err) == 1
    assert "/notify does not answer (timeout)" in done.err[0]


def test_a_misspelt_verb_is_2_at_its_place(coinslot, tmp_path):
    """file:line:col, did you mean."""
    (tmp_path / "mine.yaml").write_text(
        "coinslot: 1\nid: MY-CHECK-01\ntitle: Mine\nclause: [jogos:iap.1]\nsteps:\n  - odrer: {as: o1}\n"
    )

    done = coinslot("check", "mine.yaml", "--profile", str(FLASK))

    assert done.code == 2
    assert done.err == ["mine.yaml:6:5: unknown verb 'odrer', did you mean 'order'?"]


def test_a_wrong_flag_is_2(coinslot):
    """With a suggestion."""
    done = coinslot("check", "--sed", "1")

    assert done.code == 2
    assert len(done.err) == 1
    assert "--seed" in done.err[0]


def test_a_report_that_cannot_be_written_is_2_before_anything_starts(coinslot, tmp_path):
    """The file stands where the folder should."""
    (tmp_path / "taken").write_text("")

    done = coinslot("check", "JG-LOGIN-01", "--profile", str(FLASK), "--report", "taken")

    assert done.code == 2
    assert done.err[0].startswith("error: the report cannot be written to taken:")
    assert len(done.err) == 1


def test_a_backend_that_does_not_come_up_is_3_and_its_last_words_are_shown(coinslot, tmp_path):
    """start: the tail of its output."""
    (tmp_path / "fails.py").write_text("print('no database')\nraise SystemExit(7)\n")
    (tmp_path / "p.yaml").write_text(
        "coinslot-profile: 1\nbase_url: http://127.0.0.1:${port}\n"
        'start: {command: ["${python}", fails.py], health: /health}\n'
        "jogos: {callback: {path: /notify}}\n"
    )

    done = coinslot("check", "JG-CB-01", "--profile", "p.yaml", "--port", "0", "--control-port", "0")

    assert done.code == 3
    assert done.err == ["error: the backend ended with exit code 7 before it answered", "no database"]


def test_a_running_sandbox_needs_its_token(coinslot, shared):
    """A line that names the variable."""
    options, _ = shared

    done = coinslot("check", "JG-LOGIN-01", "--profile", str(FLASK), *options, COINSLOT_CONTROL_TOKEN="")

    assert done.code == 2
    assert "COINSLOT_CONTROL_TOKEN" in done.err[0]


@pytest.mark.parametrize("check_id", TOKEN_CHECKS)
def test_a_running_sandbox_can_be_used(coinslot, shared, check_id):
    """The positive twin: --sandbox-url, --control-url and the token."""
    options, environ = shared

    assert coinslot("check", check_id, "--profile", str(FLASK), *options, **environ).code == 0


def test_an_interrupt_is_130_and_leaves_no_process_behind(tmp_path):
    """Ctrl-C while a check waits: sandbox and backend end with it."""
    (tmp_path / "slow.yaml").write_text(
        "coinslot: 1\nid: MY-CHECK-01\ntitle: Mine\nclause: [jogos:iap.1]\nsteps:\n"
        "  - player: {as: alice}\n  - order: {as: o1, player: alice, product: 1}\n"
        "  - throughout: 60s\n    expect:\n      - granted: o1\n        times: 0\n"
    )
    options = ["--profile", str(FLASK), "--port", "0", "--control-port", "0", "--no-preflight"]
    process = subprocess.Popen(
        [sys.executable, "-m", "coinslot_scenarios", "check", "slow.yaml", *options],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,
    )
    port = _port_of_backend(tmp_path / "coinslot-report" / "backend.log")

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert (process.returncode, err.strip()) == (130, "error: interrupted")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _hear_ctrl_c():
    """A test run in the background hands down that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _port_of_backend(log):
    def named():
        return log.exists() and re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())

    return int(until(named, says="the backend did not come up", timeout_s=30)[1])
