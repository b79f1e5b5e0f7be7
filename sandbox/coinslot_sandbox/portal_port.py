"""The portal port as a WSGI application: which desk a path leads to, in which workspace, and what is refused.

The addresses are literal, so a table finds them; no framework stands before them, which made an answer cost
several times what its bytes do and was most of the time that a start takes. Knows endpoints only as desks.
"""

import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from coinslot_contracts.portal import Portal
from coinslot_contracts.wire import WireReply
from sqlalchemy.exc import OperationalError

from coinslot_sandbox.http_server import CONNECTION, OVERSIZED
from coinslot_sandbox.journal import Crossing
from coinslot_sandbox.portal_view import MARK, MESSAGES, EndpointDesk, plain_refusal, wire_request
from coinslot_sandbox.services import Services
from coinslot_sandbox.store.trouble import trouble_of
from coinslot_sandbox.workspaces import Workspaces

UNMATCHED: Final = "unmatched"
BODILESS: Final = frozenset({204, 304})

Environ = Mapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Desks = Mapping[str, Mapping[str, EndpointDesk]]
"""Path -> method -> desk."""


class PortalPort:
    """The WSGI application of the portal port.

    Every endpoint is found below /w/<workspace>/<face>, a portal's or its test environment's; those of the
    default environment are at their literal paths too.
    """

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        at_root: dict[str, dict[str, EndpointDesk]] = {}
        below: dict[str, dict[str, EndpointDesk]] = {}
        for desk in _desks(workspaces.common.portals):
            endpoint = desk.endpoint
            methods = (endpoint.method, "HEAD") if endpoint.method == "GET" else (endpoint.method,)
            desks = dict.fromkeys(methods, desk)
            below.setdefault(f"/{desk.face}{endpoint.path}", {}).update(desks)
            if desk.is_at_root:
                at_root.setdefault(endpoint.path, {}).update(desks)
        self._at_root: Desks = at_root
        self._below: Desks = below

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        try:
            reply = self._answer(environ, path, method)
        except OperationalError as error:
            reply = self._unable(environ, path, error)
        except Exception as error:  # noqa: BLE001 - the boundary: a fault of our own is told, not thrown
            reply = self._failed(environ, path, error)
        start_response(_status_line(reply.status), list(reply.headers))
        return () if method == "HEAD" else (reply.body,)

    def _answer(self, environ: Environ, path: str, method: str) -> WireReply:
        name, rest = _split(path)
        desks = (self._at_root if name is None else self._below).get(rest, {})
        desk = desks.get(method)
        if desk is None:
            return self._refuse(environ, name, allowed=desks)
        wire = wire_request(environ)
        subject = desk.endpoint.subject(wire)
        if name is None:
            services: Services | None = self._workspaces.owner(
                game_id=subject.game_id, order_id=subject.order_id
            )
        else:
            services = self._workspaces.find(name)
        if services is None:
            return _refusal(environ, 421, self._workspaces.default)
        if environ.get(OVERSIZED):
            return _refusal(environ, 413, services)
        return _framed(desk.serve(services, wire, subject, environ.get(CONNECTION)))

    def _refuse(self, environ: Environ, name: str | None, *, allowed: Iterable[str]) -> WireReply:
        """Refuse with the status that tells best what is wrong: a foreign workspace, size or address."""
        services = self._named(name)
        if services is None:
            return _refusal(environ, 421, self._workspaces.default)
        if environ.get(OVERSIZED):
            return _refusal(environ, 413, services)
        methods = ", ".join(sorted(allowed))
        if not methods:
            return _refusal(environ, 404, services)
        return _refusal(environ, 405, services, ("Allow", methods))

    def _named(self, name: str | None) -> Services | None:
        """The workspace that a path names, the default one where it names none; None: there is no such."""
        return self._workspaces.default if name is None else self._workspaces.find(name)

    def _failed(self, environ: Environ, path: str, error: Exception) -> WireReply:
        """A fault of our own: it goes to the journal whole, and to the caller as one line."""
        reply = _failure(500, "The sandbox itself failed; the journal says how")
        self._journal(environ, path, None, "".join(traceback.format_exception(error)))
        return reply

    def _unable(self, environ: Environ, path: str, error: OperationalError) -> WireReply:
        """The store is busy or full: the portal fails as one does, by a code that a game asks again after."""
        trouble = trouble_of(error)
        reply = _failure(200, "System error")
        self._journal(environ, path, reply, f"{trouble.code}: {trouble.says}; {trouble.remedy}")
        return reply

    def _journal(self, environ: Environ, path: str, reply: WireReply | None, error: str) -> None:
        name = _split(path)[0]
        services = self._workspaces.default if name is None else self._workspaces.loaded(name)
        services.journal.append(
            Crossing(
                dir="in",
                endpoint=path,
                request=wire_request(environ),
                reply=reply,
                at_s=services.ground.clock.now_s(),
                elapsed_ms=0.0,
                error=error,
            )
        )


def _desks(portals: Mapping[str, Portal]) -> Iterator[EndpointDesk]:
    """One desk for every endpoint of every face."""
    for portal in portals.values():
        for environment in portal.environments:
            for endpoint in portal.endpoints:
                yield EndpointDesk(portal, environment, endpoint)


def _split(path: str) -> tuple[str | None, str]:
    """The workspace that a path names, None where it names none, and what follows it."""
    if not path.startswith("/w/"):
        return (None, path) if path != "/w" else ("", "")
    name, _, rest = path[3:].partition("/")
    return name, f"/{rest}"


def _refusal(environ: Environ, status: int, services: Services, *headers: tuple[str, str]) -> WireReply:
    """Refuse what reaches no endpoint, and journal it: a backend with a wrong URL wants to be found."""
    plain = plain_refusal(status)
    reply = _framed(WireReply(status=status, headers=(*plain.headers, *headers), body=plain.body))
    services.journal.append(
        Crossing(
            dir="in",
            endpoint=UNMATCHED,
            request=wire_request(environ),
            reply=reply,
            at_s=services.ground.clock.now_s(),
            elapsed_ms=0.0,
            verdict=(str(status), MESSAGES.get(status, "The request is refused")),
        )
    )
    return reply


def _failure(status: int, says: str) -> WireReply:
    body = json.dumps({"code": "500", "msg": says})
    return _framed(
        WireReply(status=status, headers=(("Content-Type", "application/json"),), body=body.encode())
    )


def _framed(reply: WireReply) -> WireReply:
    """The answer with its mark and its length, where it does not bring them."""
    given = {name.lower() for name, _ in reply.headers}
    added: list[tuple[str, str]] = []
    if MARK not in reply.headers:
        added.append(MARK)
    if "content-length" not in given and reply.status >= 200 and reply.status not in BODILESS:
        added.append(("Content-Length", str(len(reply.body))))
    return WireReply(status=reply.status, headers=(*reply.headers, *added), body=reply.body)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
