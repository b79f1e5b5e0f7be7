"""The control port's front: pages go to the page, everything else to the control API.

Only this module is loaded at start. The page is built when it is first asked for, so that a sandbox which
nobody looks at starts as fast as one without it.
"""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from coinslot_sandbox.http_server import WsgiApp
from coinslot_sandbox.services import Common

if TYPE_CHECKING:
    from coinslot_sandbox.control.app import Guard

PLACES = ("/w/", "/page/")
"""Beside "/" itself, what the page answers."""


class Front:
    """The WSGI application of the control port, page included."""

    def __init__(self, api: WsgiApp, common: Common, *, guard: "Guard") -> None:
        self._api = api
        self._common = common
        self._guard = guard
        self._lock = threading.Lock()
        self._page: WsgiApp | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        app = self._built() if path == "/" or path.startswith(PLACES) else self._api
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    def _built(self) -> WsgiApp:
        with self._lock:
            if self._page is None:
                from coinslot_sandbox.page.app import create_page

                common = self._common
                self._page = create_page(
                    self._api, token=common.control_token, portals=common.portals, guard=self._guard
                )
            return self._page
