"""A sidecar as the command starts it, spoken to over HTTP by a client that shares no code with it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller
from coinslot_testkit.tokens import GAME_ID

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-the-tests"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of the sidecar."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The problem's code, None where it is no problem."""
        code: str | None = self.json.get("code") if "problem" in self.headers["content-type"] else None
        return code


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """A running sidecar; `ready` is the object of its ready line, `complaints` its stderr."""

    ready: Mapping[str, Any]
    process: "subprocess.Popen[bytes]"
    complaints: Any

    def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> Answer:
        """One request on a connection of its own; bytes go out as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection = HTTPConnection(urlsplit(self.ready["url"]).netloc, timeout=30)
        try:
            connection.request(method, target, raw, {**sent, **(headers or {})})
            reply = connection.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(status=reply.status, headers=named, body=reply.read())
        finally:
            connection.close()

    def log(self) -> list[dict[str, Any]]:
        """The lines on stderr so far."""
        self.complaints.seek(0)
        return [json.loads(line) for line in self.complaints.read().splitlines()]


def environment(urls: Mapping[str, str], **more: str) -> dict[str, str]:
    """The environment block: `urls` are the portals' addresses, "jogos" and "playgama"."""
    packages = [str(ROOT / name) for name in ("contracts", "verifier", "sandbox", "scenarios")]
    dead = "http://127.0.0.1:1"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(packages),
        "PYTHONUTF8": "1",
        "JOGOS_WEB_URL": urls.get("jogos", dead),
        "JOGOS_API_URL": urls.get("jogos", dead),
        "JOGOS_GAME_ID": GAME_ID,
        "JOGOS_SHARED_KEY": SHARED_KEY.decode(),
        "PLAYGAMA_URL": urls.get("playgama", dead),
        "COINSLOT_ALLOW_TEST_KEYS": "1",
        "COINSLOT_VERIFIER_TOKEN": TOKEN,
        **more,
    }


def command(*options: str) -> list[str]:
    """The command line; by default for both portals on a free port."""
    portals = () if "--portal" in options else ("--portal", "jogos", "--portal", "playgama")
    port = () if "--port" in options else ("--port", "0")
    return [sys.executable, "-m", "coinslot_scenarios", "verifier", *portals, *port, *options]


@contextmanager
def start_sidecar(urls: Mapping[str, str], *options: str, **more: str) -> Iterator[Sidecar]:
    """The sidecar while the block runs; `more` goes into its environment."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command(*options), env=environment(urls, **more), stdout=subprocess.PIPE, stderr=complaints
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            complaints.seek(0)
            assert line, complaints.read().decode(errors="replace")
            yield Sidecar(ready=json.loads(line), process=process, complaints=complaints)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@contextmanager
def sidecar_between_portals(folder: Path) -> Iterator[tuple[FakePortal, FakeSeller, Sidecar]]:
    """A sidecar for both portals, with a ledger in this folder, and the portals that it asks."""
    ledger = f"sqlite:///{(folder / 'ledger.sqlite').as_posix()}"
    with (
        serve(FakePortal()) as portal,
        serve(FakeSeller()) as seller,
        start_sidecar({"jogos": portal.url, "playgama": seller.url}, "--ledger", ledger) as sidecar,
    ):
        yield portal, seller, sidecar


def start_refused(*options: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to fail."""
    return subprocess.run(
        command(*options),
        env=environment({}, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
