"""What README.md tells a newcomer to type, typed: curl and openssl by hand, and a profile of one's own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COINSLOT = [sys.executable, "-m", "coinslot_scenarios"]
FLASK_BACKEND = ROOT / "scenarios/coinslot_scenarios/backends/flask/app.py"


def needs_tools(test):
    """Mark a test that types commands of the README."""
    return pytest.mark.tool("bash", "curl", "openssl")(test)


def _section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _blocks(title: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", _section(title), re.DOTALL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command, **options):
    """A process whose first line of output is awaited; ended at the end."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options
    )
    try:
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """The output of every command of the section, in order."""
    start, *blocks = _blocks("Play by hand")
    export, command = start.strip().splitlines()
    folder = tmp_path_factory.mktemp("by-hand")
    ports = ["--port", "0", "--control-port", "0"]
    environment = {**os.environ, "COINSLOT_CONTROL_TOKEN": export.partition("=")[2]}
    with _running([*COINSLOT, *command.split()[1:], *ports], env=environment) as line:
        ready = json.loads(line)
        script = "".join(blocks)
        script = script.replace("http://127.0.0.1:7711", ready["jogos"]["web_url"])
        script = script.replace("http://127.0.0.1:7712", ready["control_url"])
        bash = [shutil.which("bash"), "-eu", "-c", script]
        done = subprocess.run(bash, cwd=folder, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout


@needs_tools
def test_the_token_is_checked_with_openssl_and_the_fetched_key(by_hand):
    """jogos:user.3 — no software of ours takes part in the check."""
    assert "Verified OK" in by_hand.splitlines()


@needs_tools
def test_the_signature_is_recomputed_over_the_captured_bytes(by_hand):
    """jogos:iap.sha1 — sha1(body + key) by openssl equals the header that was sent."""
    digests = re.findall(r"[0-9a-f]{40}", by_hand)

    assert len(digests) == 2
    assert digests[0] == digests[1]


@needs_tools
def test_the_reports_are_answered_as_the_comments_say(by_hand):
    """jogos:iap.2 — the codes stand in the README beside the commands."""
    section = _section("Play by hand")
    promised = re.findall(r"# code (\d+)", section)

    assert re.findall(r'{"code":"(\d+)","msg":"[^"]*"}', by_hand) == promised
    assert promised == ["200", "41007", "305", "40001"]


@needs_tools
def test_a_wrong_signature_is_explained(by_hand):
    """jogos:iap.sha1 — the key was put before the body."""
    assert any("key" in line and "before" in line for line in by_hand.splitlines())


@needs_tools
def test_the_list_of_orders_has_the_promised_pages(by_hand):
    """jogos:iap.3 — 31 orders at size 5 are 7 pages."""
    listed = json.loads(by_hand[by_hand.rindex('{"code":"200"') :])

    assert (listed["page"]["total"], listed["page"]["totalPage"]) == (31, 7)


FEW = ("JG-LOGIN-01", "JG-CB-01", "JG-PAY-01", "JG-REFUND-04", "PG-JWT-01", "PG-VERIFY-03", "PG-PURCH-01")
"""What every capability of the profile is needed for; the whole suite passes on this backend in the demo."""


@pytest.mark.parametrize("wanted", [FEW, pytest.param((), marks=pytest.mark.thorough)], ids=["few", "suite"])
@pytest.mark.parametrize("portals", [("jogos",), ("jogos", "playgama")], ids="+".join)
def test_the_profile_of_the_readme_checks_a_backend_of_ones_own(tmp_path, portals, wanted):
    """Without `start:` the backend is started by hand, with the variables that --print-env prints."""
    heredoc = re.search(
        r"cat > profile.yaml <<'END'\n(.*?)END\n", _section("Check your own backend"), re.DOTALL
    )
    portal_port, backend_port = _free_port(), _free_port()
    profile = tmp_path / "profile.yaml"
    addition = re.search(r"```yaml\n(.*?)```", _section("Check your own backend"), re.DOTALL)
    text = heredoc[1] + (addition[1] if "playgama" in portals else "")
    profile.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{backend_port}"), "utf-8")
    assert yaml.safe_load(profile.read_text("utf-8"))["coinslot-profile"] == 1
    check = [*COINSLOT, "check", "--profile", str(profile), "--port", str(portal_port), "--control-port", "0"]

    printed = subprocess.run([*check, "--print-env"], capture_output=True, text=True, check=True, timeout=60)
    block = dict(line.split("=", 1) for line in printed.stdout.splitlines())
    backend = [sys.executable, str(FLASK_BACKEND), "--port", str(backend_port)]
    with _running(backend, env={**os.environ, **block}):
        done = subprocess.run(
            [*check, *wanted], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    verdict = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed, " in verdict
    assert ("playgama.purchase" in done.stdout) == ("playgama" not in portals), "said to be lacking"
    assert "not applicable" in verdict
