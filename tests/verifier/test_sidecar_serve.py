"""A sidecar that runs in the test's own process, or fails to: what its ready line says, how it ends."""

import io
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from coinslot_testkit.child_environment import with_testkit
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.sidecar import serve
from coinslot_verifier.sidecar.settings import SidecarSettings

NO_SERVICES = """
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.sidecar import serve, settings

def make(*parts):
    raise RuntimeError("secret words")

config = VerifierConfig(portal="playgama", url="http://127.0.0.1:1")
try:
    serve.main(settings.SidecarSettings(configs=(config,), port=0, processes=2), make=make)
except settings.SidecarStartError as error:
    print(error.exit_code, error)
"""


class EndsWhenReady(io.StringIO):
    """Standard output whose reader sends SIGTERM for the ready line."""

    def flush(self):
        super().flush()
        signal.raise_signal(signal.SIGTERM)


@pytest.fixture
def run(monkeypatch):
    """Runs a sidecar until it is ready: its exit code and the ready line."""

    def run(**changes):
        config = VerifierConfig(portal="playgama", url="http://127.0.0.1:1")
        said = EndsWhenReady()
        monkeypatch.setattr(sys, "stdout", said)
        code = serve.main(SidecarSettings(configs=(config,), port=0, **changes))
        return code, json.loads(said.getvalue())

    return run


def test_sigterm_ends_it_and_what_handled_the_signal_before_does_so_again(run):
    """Whoever runs a sidecar inside of a program of his own keeps his handlers; exit code 0."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    code, ready = run()

    assert (code, ready["coinslot"]) == (0, "ready")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_ready_line_tells_the_version(run):
    """The installed package's."""
    _, ready = run()

    assert ready["version"] == version("coinslot")


def test_sources_that_are_not_installed_have_version_0(run, monkeypatch):
    """The twin: what runs from a copied folder starts all the same."""

    def nowhere(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(serve, "version", nowhere)

    _, ready = run()

    assert ready["version"] == "0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="several processes are made by fork")
def test_processes_that_cannot_make_their_services_do_not_start():
    """Exit code 5 and one line; the log names the failure's kind, in the forked processes as in any."""
    done = subprocess.run(
        [sys.executable, "-c", NO_SERVICES],
        env=with_testkit(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    events = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.stdout.startswith("5 a process of the sidecar ended before it answered")
    assert {event["event"] for event in events} == {"started", "fault", "stopped"}
    assert {event.get("error") for event in events} == {None, "RuntimeError"}
    assert "secret words" not in done.stderr
