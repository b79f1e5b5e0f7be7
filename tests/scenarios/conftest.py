"""One sandbox for all tests of the harness; every toy backend has a game of its own in it."""

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.harness import Harness


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=11, quiet=True)) as running:
        yield running


@pytest.fixture
def harness(sandbox, tmp_path):
    return Harness(sandbox, tmp_path)
