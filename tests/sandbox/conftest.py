"""Fixtures of the sandbox's tests: a backend that records, a sandbox on free ports, a client for it."""

from collections.abc import Iterator

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.purchase_shop import PurchaseShop
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient


@pytest.fixture
def backend() -> Iterator[RecordingBackend]:
    """A backend that acknowledges everything, until a test tells it otherwise."""
    with RecordingBackend() as running:
        yield running


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with seed 7 and a temporary store."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[SandboxClient]:
    """A client of that sandbox."""
    made = SandboxClient(sandbox.ready)
    yield made
    made.pool.clear()


@pytest.fixture
def shop(client: SandboxClient, backend: RecordingBackend) -> SandboxClient:
    """The client, with the default game's callbacks going to the backend and fast retries."""
    client.set_game(callback_url=backend.url, retry="fast")
    return client


@pytest.fixture
def bazaar(client: SandboxClient) -> PurchaseShop:
    """The client, as one buys at a portal with signed purchases."""
    return PurchaseShop(client)
