"""A WSGI application that is made when it is first called, or earlier when there is time.

Its frameworks are half of what a start costs, and nobody who waits for the ready line needs them yet. Knows
nothing of what the application does.
"""

import importlib.util
import threading
from collections.abc import Callable
from typing import Any

from coinslot_sandbox.http_server import WsgiApp


class LateApp:
    """Stands for an application that is made once.

    needs  modules that it will import; ModuleNotFoundError at once where one of them is not installed
    """

    def __init__(self, make: Callable[[], WsgiApp], *, needs: tuple[str, ...]) -> None:
        for name in needs:
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        self._make = make
        self._made: WsgiApp | None = None
        self._making = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        return (self._made or self.make())(environ, start_response)

    def make(self) -> WsgiApp:
        """Make it now, where it was not made yet."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made
