"""Other people's servers to compare with: installed into a cache of the bench's own, started, stopped.

Nothing of them is in the project's constraints. One that cannot be installed in reasonable time is reported
as not measured, with the reason.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("COINSLOT_BENCH_CACHE", Path.home() / ".cache/coinslot-bench"))
INSTALL_S = 420
START_S = 60
PYPI = ("moto[server]", "localstripe", "aiohttp")
NPM = ("oauth2-mock-server", "@stoplight/prism-cli", "@mockoon/cli")
WIREMOCK = "WireMock is a jar, which neither PyPI nor npm has"


class PeerMissing(Exception):
    """A peer cannot be had here; the text says why."""


def python_program() -> Path:
    """The Python of a virtual environment that has the peers of PyPI."""
    folder = CACHE / "py"
    program = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        _install([str(program), "-m", "pip", "install", "--quiet", *PYPI])
        (folder / "installed").touch()
    return program


def node_program(name: str) -> list[str]:
    """The command of a peer of npm."""
    folder = CACHE / "node"
    npm = shutil.which("npm")
    if npm is None:
        raise PeerMissing("npm is not installed")
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *NPM])
        (folder / "installed").touch()
    program = folder / "node_modules/.bin" / name
    if not program.exists():
        raise PeerMissing(f"npm installed no {name}")
    return [str(program)]


def _install(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"its installation took more than {INSTALL_S} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise PeerMissing(f"its installation failed: {last[0][:120]}")


@contextmanager
def started(command: Sequence[str], port: int) -> Iterator[int]:
    """A server as a process, from when it takes connections; its process id."""
    process = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline_s:
                    raise PeerMissing("it did not start") from None
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def oauth2_mock() -> Iterator[tuple[str, int]]:
    """oauth2-mock-server; its URL and process id."""
    port = free_port()
    with started([*node_program("oauth2-mock-server"), "-a", "127.0.0.1", "-p", str(port)], port) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def prism(document: dict[str, object], folder: Path) -> Iterator[tuple[str, int]]:
    """Prism mocking an OpenAPI document with static examples."""
    port, file = free_port(), folder / "prism.json"
    file.write_text(json.dumps(document), "utf-8")
    command = [*node_program("prism"), "mock", str(file), "-h", "127.0.0.1", "-p", str(port)]
    with started(command, port) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def mockoon(routes: Sequence[tuple[str, str, str]], folder: Path) -> Iterator[tuple[str, int]]:
    """Mockoon with fixed answers: method, path, body."""
    port, file = free_port(), folder / "mockoon.json"
    file.write_text(json.dumps(_mockoon_data(routes, port)), "utf-8")
    command = [*node_program("mockoon-cli"), "start", "--data", str(file), "--port", str(port)]
    with started([*command, "--disable-log-to-file"], port) as pid:
        yield f"http://127.0.0.1:{port}", pid


def _mockoon_data(routes: Sequence[tuple[str, str, str]], port: int) -> dict[str, object]:
    answers = [
        {
            "uuid": f"r{number}",
            "type": "http",
            "method": method.lower(),
            "endpoint": path.lstrip("/"),
            "responses": [
                {
                    "uuid": f"a{number}",
                    "body": body,
                    "statusCode": 200,
                    "headers": [{"key": "Content-Type", "value": "application/json"}],
                    "default": True,
                    "bodyType": "INLINE",
                }
            ],
        }
        for number, (method, path, body) in enumerate(routes)
    ]
    children = [{"type": "route", "uuid": f"r{number}"} for number in range(len(routes))]
    return {
        "uuid": "bench",
        "lastMigration": 33,
        "name": "bench",
        "hostname": "127.0.0.1",
        "port": port,
        "rootChildren": children,
        "routes": answers,
    }


@contextmanager
def moto() -> Iterator[tuple[str, int]]:
    """moto's server."""
    port = free_port()
    program = python_program().with_name("moto_server")
    with started([str(program), "-H", "127.0.0.1", "-p", str(port)], port) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def localstripe() -> Iterator[tuple[str, int]]:
    """localstripe, from an empty store."""
    port = free_port()
    command = [str(python_program()), "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with started(command, port) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def own(program: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """A server of this folder's `limits.py`."""
    port, file = free_port(), Path(__file__).with_name("limits.py")
    command = [sys.executable, str(file), program, str(port), *arguments]
    with started(command, port) as pid:
        yield f"http://127.0.0.1:{port}", pid
