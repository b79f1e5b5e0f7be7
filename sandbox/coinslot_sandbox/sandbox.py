"""One sandbox in this process: a context manager that starts it whole and stops it whole.

`with Sandbox(settings) as sandbox:` gives the ready line's object as `sandbox.ready`.
"""

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coinslot_contracts.portal import Portal, discover

from coinslot_sandbox.clock import Clock, SystemClock
from coinslot_sandbox.control.app import create_control_app
from coinslot_sandbox.errors import SandboxStartError
from coinslot_sandbox.http_server import HttpServer, SocketHospice, WsgiApp
from coinslot_sandbox.portal_view import create_portal_app
from coinslot_sandbox.services import Services, build_services
from coinslot_sandbox.settings import SandboxSettings, check_settings, control_token
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.version import sandbox_version

ANY_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to print, not where to listen


class Sandbox:
    """An impersonated portal on two ports.

    settings  how it is to run
    clock     schedule and claims clock; tests give their own
    portals   which are impersonated; by default every one that is found
    """

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        clock: Clock | None = None,
        portals: Mapping[str, Portal] | None = None,
    ) -> None:
        check_settings(settings)
        self.settings = settings
        self._portals = discover() if portals is None else portals
        self._clock = clock or SystemClock()
        self._stack = contextlib.ExitStack()
        self._services: Services | None = None
        self._ready: dict[str, Any] = {}

    @property
    def ready(self) -> dict[str, Any]:
        """The object of the ready line."""
        return self._ready

    @property
    def services(self) -> Services:
        """What the views work with; for tests and for the banner."""
        assert self._services is not None, "the sandbox has not been started"
        return self._services

    def __enter__(self) -> "Sandbox":
        """Start; SandboxStartError where that is not possible."""
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        """Stop: no new calls, waits end, what is recorded is written, a temporary store is removed."""
        self._stack.close()

    def _start(self) -> None:
        where = self.settings.store if self.settings.store is not None else self._temporary_store()
        services = build_services(
            self.settings,
            database=Database(where),
            portals=self._portals,
            clock=self._clock,
            control_token=control_token(self.settings),
        )
        self._services = services
        self._stack.callback(services.stop)
        services.start()
        servers: list[HttpServer] = []
        self._stack.callback(_stop_together, servers)
        for app, port, option in (
            (create_portal_app(services), self.settings.port, "--port"),
            (create_control_app(services), self.settings.control_port, "--control-port"),
        ):
            servers.append(self._listen(app, port, option, services.hospice))
        self._stack.callback(services.journal_writer.end_waits)
        portal, control = servers
        self._ready = self._ready_line(services, portal_port=portal.port, control_port=control.port)

    def _temporary_store(self) -> Path:
        folder = tempfile.mkdtemp(prefix="coinslot-")
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder) / "store.sqlite"

    def _listen(self, app: WsgiApp, port: int, option: str, hospice: SocketHospice) -> HttpServer:
        server = HttpServer(app, host=self.settings.host, port=port, hospice=hospice)
        try:
            server.start()
        except OSError:
            raise SandboxStartError(
                f"cannot listen on {self.settings.host}:{port}, another program may have it; "
                f"take another with {option} (0 takes a free one)"
            ) from None
        return server

    def _ready_line(self, services: Services, *, portal_port: int, control_port: int) -> dict[str, Any]:
        host = ANY_HOSTS.get(self.settings.host, self.settings.host)
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        base_url = (self.settings.public_url or f"http://{host}:{portal_port}").rstrip("/")
        ready: dict[str, Any] = {
            "coinslot": "ready",
            "version": sandbox_version(),
            "pid": os.getpid(),
            "workspace": services.workspace,
            "control_url": f"http://{host}:{control_port}",
            "control_token": services.ground.control_token,
        }
        for portal in services.ground.portals.values():
            member = portal.addresses(base_url)
            if portal.notices is not None:
                game = services.games.default(portal.name).game
                key = "" if game.shared_key is None else game.shared_key.decode()
                member = {**member, "game_id": game.game_id, "shared_key": key}
            ready[portal.name] = member
        store = self.settings.store
        return {**ready, "seed": services.ground.seed, "store": None if store is None else str(store)}


def _stop_together(servers: list[HttpServer]) -> None:
    """Stop all at once: each takes a moment to notice."""
    stopping = [threading.Thread(target=server.stop) for server in servers]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join()
