"""The sidecar as a process: ready line on stdout, JSON log on stderr, SIGTERM and SIGINT end it gracefully.

Everything that can go wrong at the start goes wrong before the ready line: the settings, the ledger, the
port.
"""

import errno
import json
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import TYPE_CHECKING, Final

from coinslot_verifier.sidecar.logs import JsonLog
from coinslot_verifier.sidecar.settings import NOT_STARTED, SidecarSettings, SidecarStartError

if TYPE_CHECKING:
    from coinslot_verifier.sidecar.metrics import Metrics
    from coinslot_verifier.sidecar.services import Services

LOOK_S: Final = 0.2
"""How often we look up: on Windows a wait without an end is not interrupted by Ctrl-C."""

MakeServices = Callable[[SidecarSettings, "Metrics", str, JsonLog], "Services"]


def main(settings: SidecarSettings, *, make: MakeServices | None = None) -> int:
    """Run a sidecar until it is told to stop; 0.

    make    what makes the services of a process; by default those of the settings
    errors  SidecarStartError, one line and an exit code for the command
    """
    from coinslot_verifier.sidecar.app import CALLS
    from coinslot_verifier.sidecar.metrics import Metrics

    log = JsonLog()
    _check_ledger(settings)
    token = settings.token or secrets.token_urlsafe(24)
    portals = [config.portal for config in settings.configs]
    metrics = Metrics(calls=CALLS, portals=portals, processes=settings.processes)
    listener = _listen(settings)
    runner = _Runner(settings, listener, metrics, token, log, make or _services)
    with listener:
        log.write("started", processes=settings.processes, portals=portals)
        try:
            return runner.run_alone() if settings.processes == 1 else runner.run_family()
        finally:
            log.write("stopped")


def _services(settings: SidecarSettings, metrics: "Metrics", token: str, log: JsonLog) -> "Services":
    from coinslot_verifier.sidecar.services import make_services

    return make_services(settings, metrics, token=token, log=log)


class _Runner:
    def __init__(
        self,
        settings: SidecarSettings,
        listener: socket.socket,
        metrics: "Metrics",
        token: str,
        log: JsonLog,
        make: MakeServices,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._metrics = metrics
        self._token = token
        self._log = log
        self._make = make

    def run_alone(self) -> int:
        """One process, which is this one."""
        return self._serve(self._say_ready, is_orphaned=lambda: False)

    def run_family(self) -> int:
        """Several processes, and this one looks after them."""
        from coinslot_verifier.sidecar.processes import Family, StartFailed

        parent = os.getpid()

        def work(row: int, is_up: Callable[[], None]) -> int:
            self._metrics.row = row
            return self._serve(is_up, is_orphaned=lambda: os.getppid() != parent)

        family = Family(
            self._settings.processes,
            work,
            stop_s=self._settings.stop_s,
            log=self._log,
            replaced=self._metrics.count_restart,
        )
        try:
            return family.run(self._say_ready)
        except StartFailed as error:
            raise SidecarStartError(str(error), exit_code=5) from None

    def _serve(self, is_up: Callable[[], None], *, is_orphaned: Callable[[], bool]) -> int:
        from coinslot_verifier.sidecar.app import create_app
        from coinslot_verifier.sidecar.http_server import HttpServer

        stopped = threading.Event()
        before = {number: _on_signal(number, stopped) for number in (signal.SIGTERM, signal.SIGINT)}
        services = self._make(self._settings, self._metrics, self._token, self._log)
        server = HttpServer(
            create_app(self._settings, services),
            listener=self._listener,
            threads=self._settings.threads,
            stop_s=self._settings.stop_s,
        )
        try:
            server.start()
            is_up()
            while not stopped.wait(LOOK_S) and not is_orphaned():
                continue
        finally:
            self._log.write("stopping", process=os.getpid())
            server.stop()
            services.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0

    def _say_ready(self) -> None:
        host, port = self._listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        line = {
            "coinslot": "ready",
            "version": _version(),
            "pid": os.getpid(),
            "url": f"http://{shown}:{port}",
            "portals": [config.portal for config in self._settings.configs],
            "ledger": self._settings.ledger_url is not None,
            "processes": self._settings.processes,
        }
        if self._settings.token is None:
            line["token"] = self._token
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _listen(settings: SidecarSettings) -> socket.socket:
    from coinslot_verifier.sidecar.http_server import listen

    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            text = f"port {settings.port} is taken: end what listens on {where}, or take --port 0"
        else:
            text = f"cannot listen on {where}: {error.strerror or error}; take another --host or --port"
        raise SidecarStartError(text, exit_code=NOT_STARTED) from None


def _check_ledger(settings: SidecarSettings) -> None:
    """Open it once before the processes are made, so that they find its tables."""
    if settings.ledger_url is None:
        return
    from coinslot_contracts.errors import LedgerUnavailable

    from coinslot_verifier.sidecar.services import open_ledger

    try:
        open_ledger(settings.ledger_url).dispose()
    except ValueError as error:
        raise SidecarStartError(f"--ledger cannot be used: {error}", exit_code=2) from None
    except LedgerUnavailable as error:
        raise SidecarStartError(
            f"the ledger cannot be written: {error.detail}; check --ledger", exit_code=NOT_STARTED
        ) from None


def _version() -> str:
    try:
        return version("coinslot")
    except PackageNotFoundError:
        return "0"


def _on_signal(number: signal.Signals, stopped: threading.Event) -> "signal._HANDLER":
    def stop(received: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a handler
        stopped.set()

    return signal.signal(number, stop)
