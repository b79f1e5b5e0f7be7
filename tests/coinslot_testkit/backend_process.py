"""An example backend as a process of its own, as `coinslot check` runs it, spoken to over HTTP."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal
from coinslot_testkit.tokens import GAME_ID

ROOT = Path(__file__).resolve().parents[2]
FLASK = ROOT / "scenarios/coinslot_scenarios/backends/flask"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of the backend."""

    status: int
    body: bytes
    content_type: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A running backend."""

    url: str

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=15)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Reply(
                status=answer.status, body=answer.read(), content_type=answer.headers.get_content_type()
            )
        finally:
            connection.close()

    def log_in(self, token: object) -> Reply:
        """POST a token to the login."""
        return self.ask("POST", "/login/jogos", json.dumps({"token": token}).encode())

    def notify(self, body: bytes, *, signed: str | None = "right") -> Reply:
        """POST a notification; signed "right", not at all (None), or with the given value."""
        value = signature(body, SHARED_KEY) if signed == "right" else signed
        return self.ask("POST", "/jogos/notify", body, {} if value is None else {"Authorization": value})

    def notify_at_once(self, body: bytes, *, copies: int) -> list[Reply]:
        """The same notification several times, started together."""
        barrier = threading.Barrier(copies)

        def one(_: int) -> Reply:
            barrier.wait(10)
            return self.notify(body)

        with ThreadPoolExecutor(copies) as pool:
            return list(pool.map(one, range(copies)))

    def items(self, user_id: str = "278") -> dict[str, int]:
        """What a player holds: product id -> quantity."""
        listed = self.ask("GET", f"/test/inventory?user={user_id}").json["items"]
        return {item["productId"]: item["qty"] for item in listed}

    def sync(self) -> Reply:
        """Reconcile with the portal."""
        return self.ask("POST", "/test/jogos/sync")


def environment(portal: FakePortal, **more: str) -> dict[str, str]:
    """The environment block for a backend, on top of our own."""
    packages = [str(ROOT / name) for name in ("contracts", "verifier")]
    return {
        **{name: value for name, value in os.environ.items() if name not in ("COINSLOT_BUG", "DATABASE_URL")},
        "PYTHONPATH": os.pathsep.join(packages),
        "PORT": "0",
        "JOGOS_WEB_URL": portal.url,
        "JOGOS_API_URL": portal.url,
        "JOGOS_GAME_ID": GAME_ID,
        "JOGOS_SHARED_KEY": SHARED_KEY.decode(),
        "COINSLOT_ALLOW_TEST_KEYS": "1",
        **more,
    }


@contextmanager
def start_flask(portal: FakePortal, **more: str) -> Iterator[Backend]:
    """The Flask backend while the block runs; `more` goes into its environment."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=FLASK,
            env=environment(portal, **more),
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode().strip()
            complaints.seek(0)
            assert line.startswith("http://"), complaints.read().decode(errors="replace")
            yield Backend(url=line)
        finally:
            process.terminate()
            process.communicate(timeout=10)
