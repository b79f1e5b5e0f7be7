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
from typing import TYPE_CHECKING, Any

from coinslot_contracts.portal import Portal, discover

from coinslot_sandbox.clock import Clock, SystemClock
from coinslot_sandbox.clock_watch import ClockWatch
from coinslot_sandbox.connect import Addresses, portal_members
from coinslot_sandbox.delivery.engine import DeliveryEngine
from coinslot_sandbox.errors import SandboxStartError
from coinslot_sandbox.hospice import SocketHospice
from coinslot_sandbox.http_server import HttpServer, WsgiApp
from coinslot_sandbox.journal_writer import JournalWriter
from coinslot_sandbox.late_app import LateApp
from coinslot_sandbox.portal_port import PortalPort
from coinslot_sandbox.services import Common, Services
from coinslot_sandbox.settings import SandboxSettings, check_settings, control_token
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.version import sandbox_version
from coinslot_sandbox.workspaces import Workspaces, WorkspaceWish

if TYPE_CHECKING:
    from coinslot_sandbox.embedding import Workspace

ANY_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to print, not where to listen


class Sandbox:
    """An impersonated portal on two ports.

    settings  how it is to run; by default on free ports of this machine, with nothing kept
    clock     schedule and claims clock; tests give their own
    portals   which are impersonated; by default every one that is found
    """

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        *,
        clock: Clock | None = None,
        portals: Mapping[str, Portal] | None = None,
    ) -> None:
        self.settings = settings or SandboxSettings(port=0, control_port=0)
        check_settings(self.settings)
        self._portals = discover() if portals is None else portals
        self._clock = clock or SystemClock()
        self._stack = contextlib.ExitStack()
        self._workspaces: Workspaces | None = None
        self._control: LateApp | None = None
        self._ready: dict[str, Any] = {}

    @property
    def ready(self) -> dict[str, Any]:
        """The object of the ready line."""
        return self._ready

    def workspace(self, *, name: str | None = None, seed: int | None = None) -> "Workspace":
        """A new workspace, with a hand on its control API.

        errors  workspaces.WorkspaceRefused: workspace-exists
        """
        from coinslot_sandbox.embedding import Workspace

        made = self.workspaces.create(WorkspaceWish(name=name, seed=seed))
        return Workspace(
            control_url=self._ready["control_url"],
            control_token=self._ready["control_token"],
            name=made.workspace,
        )

    @property
    def workspaces(self) -> Workspaces:
        """Every workspace."""
        assert self._workspaces is not None, "the sandbox has not been started"
        return self._workspaces

    @property
    def services(self) -> Services:
        """What the views of the default workspace work with; for the banner."""
        return self.workspaces.default

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

    def warm_up(self) -> None:
        """Make what the first control call would wait for, in the background."""
        if self._control is not None:
            threading.Thread(target=self._control.make, name="coinslot-warm-up", daemon=True).start()

    def _start(self) -> None:
        where = self.settings.store if self.settings.store is not None else self._temporary_store()
        workspaces = self._open(where)
        services = workspaces.default
        self._control = LateApp(lambda: _control_port(workspaces), needs=("flask",))
        servers: list[HttpServer] = []
        self._stack.callback(_stop_together, servers)
        for app, port, option in (
            (PortalPort(workspaces), self.settings.port, "--port"),
            (self._control, self.settings.control_port, "--control-port"),
        ):
            servers.append(self._listen(app, port, option, services.hospice))
        self._stack.callback(workspaces.common.journals.end_waits)
        portal, control = servers
        workspaces.addresses = self._addresses(portal_port=portal.port, control_port=control.port)
        self._ready = self._ready_line(services, workspaces.addresses)

    def _open(self, where: Path | str) -> Workspaces:
        """The store, the queue and the workspaces; each is closed after what stands on it."""
        database = Database(where)
        self._stack.callback(database.close)
        hospice = SocketHospice()
        self._stack.callback(hospice.stop)
        journals = JournalWriter(database)
        self._stack.callback(journals.stop)
        engine = DeliveryEngine(database=database, clock=self._clock)
        common = Common(
            settings=self.settings,
            portals=self._portals,
            clock=self._clock,
            database=database,
            journals=journals,
            watch=ClockWatch(clock=self._clock, database=database),
            hospice=hospice,
            control_token=control_token(self.settings),
            wake=engine.wake,
        )
        self._workspaces = workspaces = Workspaces(common)
        self._stack.callback(workspaces.stop)
        journals.start()
        self._stack.callback(engine.stop)
        engine.start(desk_of=workspaces.desk_of, on_poll=workspaces.sweep)
        return workspaces

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

    def _addresses(self, *, portal_port: int, control_port: int) -> Addresses:
        host = ANY_HOSTS.get(self.settings.host, self.settings.host)
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return Addresses(
            portal_url=(self.settings.public_url or f"http://{host}:{portal_port}").rstrip("/"),
            control_url=f"http://{host}:{control_port}",
        )

    def _ready_line(self, services: Services, addresses: Addresses) -> dict[str, Any]:
        store = self.settings.store
        return {
            "coinslot": "ready",
            "version": sandbox_version(),
            "pid": os.getpid(),
            "workspace": services.workspace,
            "control_url": addresses.control_url,
            "control_token": services.ground.control_token,
            **portal_members(services, addresses),
            "seed": services.record.seed,
            "store": None if store is None else str(store),
        }


def _control_port(workspaces: Workspaces) -> WsgiApp:
    """The control API with the page in front of it."""
    from coinslot_sandbox.control.app import Guard, create_control_app
    from coinslot_sandbox.page.front import Front

    common = workspaces.common
    return Front(create_control_app(workspaces), common, guard=Guard(common))


def _stop_together(servers: list[HttpServer]) -> None:
    """Stop all at once: each takes a moment to notice."""
    stopping = [threading.Thread(target=server.stop) for server in servers]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join()
