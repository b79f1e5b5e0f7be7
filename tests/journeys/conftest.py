"""The command as a person runs it, and one sandbox that the runs of a worker share."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_sandbox import Sandbox, SandboxSettings

FLASK = Path(coinslot_scenarios.__file__).parent / "backends" / "flask" / "profile.yaml"


class Done:
    """How a command ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.splitlines()
        self.err = done.stderr.splitlines()


@pytest.fixture
def coinslot(tmp_path):
    """Runs `coinslot …` in an empty folder."""

    def run(*argv, timeout_s=110, **environ):
        done = subprocess.run(
            [sys.executable, "-m", "coinslot_scenarios", *argv],
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Done(done)

    return run


@pytest.fixture(scope="session")
def sandbox():
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(Sandbox(SandboxSettings(port=0, control_port=0, seed=3, quiet=True)))


@pytest.fixture
def shared(sandbox):
    """The options and the environment that make a run use the shared sandbox."""
    ready = sandbox.ready
    options = ["--sandbox-url", ready["jogos"]["web_url"], "--control-url", ready["control_url"]]
    return options, {"COINSLOT_CONTROL_TOKEN": ready["control_token"]}
