"""A workspace in the hands of a program: its environment block, and the control API below it.

For tests of a game's backend that run the sandbox in their own process; what is called here is the control
API over HTTP, so everything that works by hand works here.
"""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote

import urllib3

BASE = "/_control/v1"


class ControlRefused(Exception):
    """The control API refused a call.

    status, code   of its problem answer
    remedy         what to do instead
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.remedy = str(problem.get("try", ""))
        super().__init__(f"{status} {self.code}: {problem.get('detail', '')} ({self.remedy})")


class Workspace:
    """One workspace of a running sandbox; a context manager that deletes it at its end.

    name     as it stands in paths
    seed     gives the same ids and keys again under the same name
    env      the environment block with which a backend finds this workspace
    portals  portal -> its addresses, and game_id and shared_key where it has games
    """

    def __init__(self, *, control_url: str, control_token: str, name: str) -> None:
        self.name = name
        self.control_url = f"{control_url}{BASE}/w/{quote(name, safe='')}"
        self._all_url = f"{control_url}{BASE}/workspaces"
        self._token = control_token
        self._http = urllib3.PoolManager(retries=False, maxsize=4, timeout=urllib3.Timeout(60))
        about = self._ask("GET", f"{self._all_url}/{quote(name, safe='')}")
        self.seed: int = about["seed"]
        self.portals: dict[str, dict[str, str]] = about["portals"]
        self.env: dict[str, str] = self.call("GET", "/env")

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A control call of this workspace: `call("POST", "/orders", {...})` -> the answer's JSON.

        errors  ControlRefused
        """
        return self._ask(method, self.control_url + path, body)

    def delete(self) -> None:
        """Delete the workspace and everything in it.

        errors  ControlRefused: workspace-unknown where it is gone already
        """
        self._ask("DELETE", f"{self._all_url}/{quote(self.name, safe='')}")
        self._http.clear()

    def _ask(self, method: str, url: str, body: Any = None) -> Any:
        reply = self._http.request(
            method,
            url,
            headers={"Authorization": f"Bearer {self._token}"},
            body=None if body is None else json.dumps(body).encode(),
        )
        answer = json.loads(reply.data)
        if reply.status >= 400:
            raise ControlRefused(reply.status, answer)
        return answer
