"""Fixtures of the page's tests: a sandbox, a backend that records, a visitor, a browser."""

from collections.abc import Iterator

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.browser import Browser
from coinslot_testkit.page_client import PageClient
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient


@pytest.fixture
def backend() -> Iterator[RecordingBackend]:
    """A backend that acknowledges everything, until a test tells it otherwise."""
    with RecordingBackend() as running:
        yield running


@pytest.fixture
def client() -> Iterator[SandboxClient]:
    """A client of a sandbox with seed 7 and a temporary store."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        made = SandboxClient(running.ready)
        yield made
        made.pool.clear()


@pytest.fixture
def shop(client: SandboxClient, backend: RecordingBackend) -> SandboxClient:
    """The client, with the default game's callbacks going to the backend and no retries."""
    client.set_game(callback_url=backend.url, retry="none")
    return client


@pytest.fixture
def visitor(client: SandboxClient) -> PageClient:
    """A visitor who is signed in."""
    page = PageClient(client)
    page.sign_in()
    return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file; it takes a second to start."""
    with Browser() as running:
        yield running


@pytest.fixture
def browser(chromium: Browser, client: SandboxClient) -> Browser:
    """The browser at 1280 px, signed in, with an empty record of what it asked and said."""
    chromium.open("about:blank")
    chromium.resize(1280)
    chromium.open(f"{client.ready['control_url']}/?token={client.ready['control_token']}")
    return chromium
