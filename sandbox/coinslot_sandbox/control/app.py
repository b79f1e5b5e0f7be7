"""The control port: who may call, which handler answers, how refusals look, what is journalled.

Refused before anything is read: a Host that is neither this machine nor configured (a page that rebinds its
name to us), an Origin of somebody else, a missing or wrong token. Every call that changes something is
journalled; pure reads are not, because waiting on the journal must not wake itself.
"""

import hmac
import ipaddress
import json
import re
import traceback
from typing import Any
from urllib.parse import urlsplit

from coinslot_contracts.wire import WireReply, WireRequest
from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from coinslot_sandbox.control.call import Call, Noted, Streamed, Text, unknown
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import read_body
from coinslot_sandbox.control.routes import Route, find_route, methods_of
from coinslot_sandbox.delivery.attempts import CourierClosed
from coinslot_sandbox.delivery.resend import NoUrl
from coinslot_sandbox.errors import CallRefused, Problem
from coinslot_sandbox.http_server import OVERSIZED
from coinslot_sandbox.jose import LieInapplicable, NoRetiredKey
from coinslot_sandbox.journal import Crossing
from coinslot_sandbox.order_book import OrderExists, PreconditionUnmet, Unknown
from coinslot_sandbox.portal_view import wire_request
from coinslot_sandbox.services import DEFAULT, Common, Services
from coinslot_sandbox.store.trouble import trouble_of
from coinslot_sandbox.workspaces import Workspaces

BASE = "/_control/v1"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_NAMED_ID = re.compile(r"\{(?:order|delivery|fault)Id\}")
TITLES = {
    400: "The call is malformed",
    401: "The token is missing or wrong",
    403: "The call comes from elsewhere",
    404: "There is no such thing",
    405: "This address does not take this method",
    409: "This cannot be done now",
    413: "The body is too large",
    500: "The sandbox itself failed",
    503: "The sandbox cannot do this now",
    507: "The store is full",
}


def create_control_app(workspaces: Workspaces) -> Flask:
    """The WSGI application of the control port."""
    app = Flask("coinslot_control", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    guard = Guard(workspaces.common)
    desk = ControlDesk(workspaces)
    app.before_request(guard.check)
    app.add_url_rule(
        f"{BASE}/<path:rest>", view_func=desk.answer, methods=METHODS, provide_automatic_options=False
    )
    app.add_url_rule("/_ready", view_func=_ready, methods=["GET"], provide_automatic_options=False)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, desk.trouble)
    return app


class Guard:
    """Decides who may call the control port at all."""

    def __init__(self, common: Common) -> None:
        settings = common.settings
        self._token = common.control_token.encode()
        public = urlsplit(settings.public_url).hostname if settings.public_url else None
        self._hosts = {name.lower() for name in (settings.host, public, *settings.allow_hosts) if name}

    def check(self) -> Response | None:
        """The refusal of the request at hand, None where it may go on."""
        foreign = self.foreign()
        if foreign is not None:
            return foreign
        if request.path in ("/_ready", f"{BASE}/openapi.json") or self._has_token():
            return None
        refused = Problem(
            401,
            "token-wrong",
            "the control port wants its token",
            remedy="send Authorization: Bearer with control_token of the ready line",
        )
        response = dump_problem(refused)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def foreign(self) -> Response | None:
        """The refusal of a request that was led here under another name, or by another site's page."""
        host = request.environ.get("HTTP_HOST", "")
        if host and not self._is_ours(host):
            return dump_problem(
                Problem(
                    403,
                    "host-not-allowed",
                    "the Host header names neither this machine nor a configured host",
                    remedy="call 127.0.0.1 or localhost, or start the sandbox with --allow-host HOST",
                )
            )
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and urlsplit(f"//{host}").netloc != origin.partition("://")[2]:
            return dump_problem(
                Problem(
                    403,
                    "origin-not-allowed",
                    "the call was made by a page of another site",
                    remedy="call from a program, or from a page that this port served",
                )
            )
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # an address cannot be rebound

    def _has_token(self) -> bool:
        sent = request.environ.get("HTTP_AUTHORIZATION", "")
        scheme, _, token = sent.partition(" ")
        given = token.strip().encode("latin-1", "replace")
        return hmac.compare_digest(given, self._token) and scheme.lower() == "bearer"


class ControlDesk:
    """Runs handlers, turns refusals into problems and journals what was changed."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        common = workspaces.common
        self._context = Context(portals=common.portals, callback_policy=common.settings.callback_policy)

    def answer(self, rest: str) -> Response:
        """The Flask view of every call; `rest` is the path below the base."""
        name, path = _workspace(rest)
        found = find_route(request.method, path)
        if found is None:
            return _no_route(path)
        route, args = found
        services = self._workspaces.find(name)
        if services is None:
            return dump_problem(unknown("workspace", name))
        wire = wire_request(request.environ)
        clock = services.ground.clock
        at_s, began_s = clock.now_s(), clock.monotonic_s()
        noted = Noted()
        response = self._answer(route, services, args, wire, noted)
        if route.is_journalled:
            elapsed_ms = (clock.monotonic_s() - began_s) * 1000
            self._journal(services, route, args, wire, response, noted, at_s=at_s, elapsed_ms=elapsed_ms)
        return response

    def trouble(self, error: Exception) -> Response:
        """A fault of our own: it goes to its workspace's journal whole, and to the caller as one line."""
        name, _ = _workspace(request.path.removeprefix(f"{BASE}/"))
        services = self._workspaces.loaded(name)
        services.journal.append(
            Crossing(
                dir="control",
                endpoint=f"{request.method} {request.path}",
                request=wire_request(request.environ),
                reply=None,
                at_s=services.ground.clock.now_s(),
                elapsed_ms=0.0,
                error="".join(traceback.format_exception(error)),
            )
        )
        return dump_problem(
            Problem(
                500,
                "sandbox-failed",
                "the sandbox itself failed",
                remedy="read the newest control entry of this workspace's journal and report it",
            )
        )

    def _answer(
        self, route: Route, services: Services, args: dict[str, str], wire: WireRequest, noted: Noted
    ) -> Response:
        try:
            if request.environ.get(OVERSIZED):
                raise _too_large()
            call = Call(
                workspaces=self._workspaces,
                services=services,
                context=self._context,
                args=args,
                query=request.args.to_dict(),
                headers={name.lower(): value for name, value in wire.headers},
                body={} if route.method == "GET" else read_body(wire.body),
                noted=noted,
            )
            status, value = route.handle(call)
        except Problem as problem:
            return dump_problem(problem)
        except CourierClosed:
            return dump_problem(unknown("workspace", services.workspace))  # it ended while we waited
        except OperationalError as error:
            return dump_problem(_store_problem(error))
        except (
            Unknown,
            CallRefused,
            PreconditionUnmet,
            OrderExists,
            NoUrl,
            NoRetiredKey,
            LieInapplicable,
        ) as error:
            return dump_problem(_problem(error))
        if isinstance(value, Text):
            return Response(value.text, status=status, headers=[("Content-Type", value.kind)])
        return _streamed(value) if isinstance(value, Streamed) else _json(status, value)

    def _journal(
        self,
        services: Services,
        route: Route,
        args: dict[str, str],
        wire: WireRequest,
        response: Response,
        noted: Noted,
        *,
        at_s: float,
        elapsed_ms: float,
    ) -> None:
        services.journal.append(
            Crossing(
                dir="control",
                endpoint=f"{route.method} {_NAMED_ID.sub('{id}', route.path)}",
                request=wire,
                reply=WireReply(
                    status=response.status_code,
                    headers=tuple(response.headers.items()),
                    body=response.get_data(),
                ),
                at_s=at_s,
                elapsed_ms=elapsed_ms,
                game_id=args.get("gameId"),
                order_id=args.get("orderId") or noted.order_id,
                user_id=noted.user_id,
                external_id=noted.external_id,
                delivery_id=args.get("deliveryId"),
                fault_id=args.get("faultId"),
                verdict=noted.verdict,
            )
        )


def dump_problem(problem: Problem) -> Response:
    """A refusal as RFC 9457 problem JSON."""
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "The call is refused"),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "try": problem.remedy,
    }
    if problem.clause is not None:
        members["clause"] = problem.clause
    response = _json(problem.status, members, kind="application/problem+json")
    if problem.status in (503, 507):
        response.headers["Retry-After"] = "1"
    return response


def _store_problem(error: OperationalError) -> Problem:
    trouble = trouble_of(error)
    status = 507 if trouble.code == "store-full" else 503
    return Problem(status, trouble.code, trouble.says, remedy=trouble.remedy)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Unknown):
        return unknown(error.what, error.name)
    if isinstance(error, CallRefused):
        return Problem(409, error.code, error.detail, remedy=error.remedy, clause=error.clause)
    if isinstance(error, PreconditionUnmet):
        unmet = error.unmet
        detail = f"the portal's document asks that {unmet.says}"
        return Problem(409, unmet.code, detail, remedy=unmet.remedy, clause=unmet.clause)
    if isinstance(error, OrderExists):
        return Problem(409, "order-exists", f"order {error} is there already", remedy="take another order_id")
    if isinstance(error, LieInapplicable):
        return Problem(
            400,
            "hostile-not-applicable",
            f"{error.name} is no lie that a token of this portal can tell",
            remedy=f"take one of {', '.join(error.known)}",
        )
    if isinstance(error, NoUrl):
        return Problem(
            409,
            "delivery-without-url",
            "it was recorded while the game had no callback URL",
            remedy="set callback_url of the game and send it by hand with POST /callbacks",
        )
    return Problem(
        409,
        "retired-key-missing",
        "the keys were not rotated yet, so there is no retired one",
        remedy="call POST /keys/rotate first",
    )


def _workspace(rest: str) -> tuple[str, str]:
    """The workspace that a path names, and what follows it; without one the default is meant."""
    first, _, following = rest.partition("/")
    if first != "w":
        return DEFAULT, f"/{rest}"
    name, _, path = following.partition("/")
    return name, f"/{path}"


def _no_route(path: str) -> Response:
    if request.environ.get(OVERSIZED):
        return dump_problem(_too_large())
    allowed = ", ".join(methods_of(path))
    if not allowed:
        return dump_problem(
            Problem(
                404,
                "address-unknown",
                "there is nothing at this address",
                remedy=f"see GET {BASE}/openapi.json",
            )
        )
    response = dump_problem(
        Problem(405, "method-not-allowed", f"{request.method} is not taken here", remedy=f"use {allowed}")
    )
    response.headers["Allow"] = allowed
    return response


def _too_large() -> Problem:
    return Problem(413, "body-too-large", "the body is larger than 1 MiB", remedy="send less at once")


def _http_problem(error: HTTPException) -> Response:
    """What Flask itself refuses: an address outside the base, a method that there is none of."""
    if error.code == 405:
        response = dump_problem(
            Problem(405, "method-not-allowed", f"{request.method[:20]} is not taken here", remedy="use GET")
        )
        response.headers["Allow"] = "GET"
        return response
    if error.code == 404 or request.environ.get(OVERSIZED):
        return _no_route("/")
    return dump_problem(Problem(400, "request-malformed", "the request is malformed", remedy="correct it"))


def _json(status: int, value: Any, *, kind: str = "application/json") -> Response:
    body = (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
    return Response(body, status=status, headers=[("Content-Type", kind), ("Cache-Control", "no-store")])


def _streamed(value: Streamed) -> Response:
    response = Response(value.pieces, headers=[("Content-Type", value.kind), ("Cache-Control", "no-store")])
    if value.close is not None:
        response.call_on_close(value.close)
    if value.filename is not None:
        response.headers["Content-Disposition"] = f'attachment; filename="{value.filename}"'
    return response


def _ready() -> Response:
    return _json(200, {"ready": True})
