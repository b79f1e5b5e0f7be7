"""The page's hand on the control API: real calls, made in this process, through the same front door.

A call carries the token and is journalled like anybody else's. What is refused comes back as a value, for
the page to show.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from coinslot_contracts.wire import WireRequest

from coinslot_sandbox.http_server import WIRE, WsgiApp

BASE = "/_control/v1"
AGENT = "coinslot-page"


class Refused(Exception):
    """A call that a view needs was refused; `outcome` says how."""

    def __init__(self, outcome: "Outcome") -> None:
        super().__init__(outcome.path)
        self.outcome = outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One call and its answer.

    value   the answer's JSON, a problem where the call was refused; None where the answer is text
    """

    method: str
    path: str
    status: int
    value: Any
    text: str = ""

    @property
    def place(self) -> str:
        """The path below the workspace."""
        return "/" + self.path.split("/", 3)[3] if self.path.startswith("/w/") else self.path

    @property
    def ok(self) -> bool:
        """Whether the call was carried out."""
        return self.status < 400


class Api:
    """The control API of one workspace."""

    def __init__(self, app: WsgiApp, *, token: str, workspace: str) -> None:
        self._app = app
        self._token = token
        self.workspace = workspace

    def get(self, path: str, **query: Any) -> Any:
        """Read; the answer's JSON.

        query   None is left out
        errors  Refused
        """
        return self._read(path, query).value

    def text(self, path: str, **query: Any) -> str:
        """Read; the answer as it came.

        errors  Refused
        """
        return self._read(path, query).text

    def _read(self, path: str, query: Mapping[str, Any]) -> Outcome:
        outcome = self.call("GET", path, query={name: v for name, v in query.items() if v is not None})
        if not outcome.ok:
            raise Refused(outcome)
        return outcome

    def find(self, path: str, **query: Any) -> Any:
        """Read; None where the call is refused."""
        try:
            return self.get(path, **query)
        except Refused:
            return None

    def call(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Make one call; `path` is below the workspace, its values not encoded."""
        return call(self._app, self._token, method, f"/w/{self.workspace}{path}", body=body, query=query)


def call(
    app: WsgiApp,
    token: str,
    method: str,
    path: str,
    *,
    body: Any = None,
    query: Mapping[str, Any] | None = None,
) -> Outcome:
    """Make one call; `path` is below the base of the API."""
    sent = b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    status, answer = _run(app, _environ(token, method, BASE + path, sent, urlencode(query or {})))
    try:
        value = json.loads(answer) if answer else None
    except ValueError:
        value = None
    text = answer.decode("utf-8", "backslashreplace")
    return Outcome(method=method, path=path, status=status, value=value, text=text)


def _environ(token: str, method: str, path: str, body: bytes, query: str) -> dict[str, Any]:
    headers = (("Host", "localhost"), ("Authorization", f"Bearer {token}"), ("User-Agent", AGENT))
    target = quote(path, errors="replace") + (f"?{query}" if query else "")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers},
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        WIRE: WireRequest(method=method, target=target, headers=headers, body=body),
    }


def _run(app: WsgiApp, environ: dict[str, Any]) -> tuple[int, bytes]:
    """Run a WSGI application for one request; its status and its body."""
    statuses: list[str] = []

    def start_response(status: str, headers: Any, trouble: Any = None) -> Any:  # noqa: ARG001 - WSGI's form
        statuses.append(status)
        return io.BytesIO().write

    pieces = app(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    return int(statuses[-1].split(" ", 1)[0]), body
