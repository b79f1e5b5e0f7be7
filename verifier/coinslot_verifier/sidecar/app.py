"""The WSGI application of the sidecar: which view answers, how refusals look, what is counted and logged.

Made by `create_app` alone, and nothing happens at import. It knows HTTP and no rule of a portal; a view's
answer is counted once, whatever became of it.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from coinslot_contracts.errors import CoinslotError, LedgerUnavailable
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from coinslot_verifier.sidecar.guard import Guard
from coinslot_verifier.sidecar.http_server import OVERSIZED
from coinslot_verifier.sidecar.metrics import DONE, NO_PORTAL
from coinslot_verifier.sidecar.openapi import document
from coinslot_verifier.sidecar.problems import RETRY_AFTER_S, Problem, problem_of
from coinslot_verifier.sidecar.readiness import Readiness
from coinslot_verifier.sidecar.reading import Call, Noted, read_object
from coinslot_verifier.sidecar.services import PortalServices, Services
from coinslot_verifier.sidecar.settings import SidecarSettings
from coinslot_verifier.sidecar.views import ROUTES, Route

OTHER: Final = "other"
CALLS: Final = (*(route.name for route in ROUTES), OTHER)
"""Names of calls in metrics and logs; OTHER is whatever never came as far as a view."""
PENDING_MAX: Final = 1_000
_ARGUMENT: Final = re.compile(r"\{(\w+)\}")
_REQUEST_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_WHAT_IS_MISSING: Final = {"ledger": "ledger-missing", "intents": "ledger-missing"}

View = Callable[..., Response]


def create_app(settings: SidecarSettings, services: Services) -> Flask:
    """The application over services that were made for this process."""
    app = Flask("coinslot_verifier", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    desk = Desk(settings, services)
    for route in ROUTES:
        rule = "/v1/<portal>" + _ARGUMENT.sub(r"<path:\1>", route.path)
        _add(app, route.method, rule, route.name, desk.view(route))
    for path, answer in (
        ("/health", desk.health),
        ("/ready", desk.ready),
        ("/metrics", desk.metrics),
        ("/openapi.json", desk.openapi),
    ):
        _add(app, "GET", path, path, desk.plain(answer))
    app.register_error_handler(HTTPException, desk.http_problem)
    app.register_error_handler(Exception, desk.fault)
    return app


def _add(app: Flask, method: str, rule: str, name: str, view: View) -> None:
    app.add_url_rule(rule, name, view_func=view, methods=[method], provide_automatic_options=False)


class Desk:
    """Runs views; counts and logs what they came to."""

    def __init__(self, settings: SidecarSettings, services: Services) -> None:
        self._services = services
        self._guard = Guard(token=services.token, hosts=(settings.host, *settings.allow_hosts))
        self._readiness = Readiness(services.portals)
        self._document = document(services.portals)

    def view(self, route: Route) -> View:
        """The Flask view of a route."""

        def answer(portal: str, **args: str) -> Response:
            began_s, noted = time.perf_counter(), Noted()
            code, name = DONE, portal if portal in self._services.portals else NO_PORTAL
            try:
                status, value = self._run(route, portal, args, noted)
                response = _json(status, value)
            except Problem as problem:
                code, response = problem.code, dump_problem(problem)
            except CoinslotError as error:
                code, response = error.code, dump_problem(problem_of(error))
            except Exception as error:  # noqa: BLE001 - the WSGI boundary
                code, response = "sidecar-failed", self.fault(error)
            self._tell(route.name, name, response, code, noted, began_s)
            return response

        return answer

    def plain(self, answer: Callable[[], Response]) -> View:
        """The Flask view of what belongs to no portal; only what is refused is counted."""

        def guarded() -> Response:
            try:
                self._guard.check(request.environ)
                return answer()
            except Problem as problem:
                return self._refuse(problem)

        return guarded

    def _run(self, route: Route, name: str, args: dict[str, str], noted: Noted) -> tuple[int, Any]:
        self._guard.check(request.environ)
        if request.environ.get(OVERSIZED):
            raise Problem("body-too-large", "the body is larger than 2 MiB")
        portal = self._services.portals.get(name)
        if portal is None:
            known = ", ".join(self._services.portals)
            raise Problem(
                "portal-unknown", "this sidecar does not speak for it", remedy=f"take one of {known}"
            )
        _check_offered(route, portal)
        call = Call(
            portal=portal,
            args=args,
            query=request.args,
            body=read_object(request.get_data(cache=False)) if route.method == "POST" else {},
            noted=noted,
        )
        if portal.ledger is None:
            return route.handle(call)
        from coinslot_verifier.ledger_trouble import ledger_trouble

        with ledger_trouble():
            return route.handle(call)

    def _tell(
        self, call: str, portal: str, response: Response, code: str, noted: Noted, began_s: float
    ) -> None:
        seconds = time.perf_counter() - began_s
        sent = request.environ.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
        response.headers["X-Request-Id"] = request_id
        status = response.status_code
        self._services.metrics.count_call(portal=portal, call=call, status=status, code=code, seconds=seconds)
        self._services.log.write(
            "call",
            level="info" if status < 500 else "warning",
            call=call,
            portal=portal or None,
            status=status,
            code=code,
            ms=round(seconds * 1000, 3),
            order_id=noted.order_id,
            outcome=noted.outcome,
            request_id=request_id,
        )

    def _refuse(self, problem: Problem) -> Response:
        response = dump_problem(problem)
        self._tell(OTHER, NO_PORTAL, response, problem.code, Noted(), time.perf_counter())
        return response

    def health(self) -> Response:
        """GET /health: this process answers; nothing else is looked at."""
        return _json(200, {"alive": True})

    def ready(self) -> Response:
        """GET /ready: 200 where keys and ledger of every portal are reachable, else 503.

        `?only=ledger` leaves the portals' keys out of the verdict, not out of the answer: notifications need
        none, and an orchestrator that takes every replica away because a portal is down helps nobody.
        """
        seen = self._readiness.look()
        ready = seen["ready"]
        if request.args.get("only") == "ledger":
            ready = all(portal["ledger"] in (None, "ok") for portal in seen["portals"].values())
        response = _json(200 if ready else 503, {**seen, "ready": ready})
        if not ready:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response

    def metrics(self) -> Response:
        """GET /metrics: all processes together, in Prometheus' text format."""
        text = self._services.metrics.text(self._gauges())
        return Response(text, headers=[("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])

    def _gauges(self) -> Iterator[tuple[str, str, dict[str, str], float]]:
        for name, portal in self._services.portals.items():
            if portal.ledger is None or portal.reports is None:
                continue
            from coinslot_verifier.ledger_trouble import ledger_trouble

            says = f"Granted orders that are due to be reported as delivered, counted up to {PENDING_MAX}."
            try:
                with ledger_trouble():
                    due = len(portal.ledger.pending_confirmations(limit=PENDING_MAX))
            except LedgerUnavailable:
                due = -1
            yield "coinslot_verifier_outbox_pending", says, {"portal": name}, due

    def openapi(self) -> Response:
        """GET /openapi.json: what this sidecar offers, for the portals that it speaks for."""
        return _json(200, self._document)

    def http_problem(self, error: HTTPException) -> Response:
        """What Flask itself refuses: no such address, no such method; told only to who may ask."""
        try:
            self._guard.check(request.environ)
        except Problem as problem:
            return self._refuse(problem)
        if error.code == 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ("GET",)))
            response = self._refuse(
                Problem("method-not-allowed", "it is not taken here", remedy=f"use {allowed}")
            )
            response.headers["Allow"] = allowed
            return response
        if error.code == 404:
            return self._refuse(Problem("address-unknown", "there is nothing here"))
        return self._refuse(Problem("request-malformed", "the request is malformed"))

    def fault(self, error: Exception) -> Response:
        """A mistake of ours: its kind goes to the log, a line to the caller."""
        self._services.log.fault(error, path=request.url_rule.rule if request.url_rule else None)
        return dump_problem(Problem("sidecar-failed", "the sidecar itself failed"))


def _check_offered(route: Route, portal: PortalServices) -> None:
    for part in route.needs:
        if portal.has(part):
            continue
        if part in _WHAT_IS_MISSING:
            raise Problem(
                _WHAT_IS_MISSING[part],
                "this sidecar has no ledger",
            )
        raise Problem(
            "not-offered",
            f"portal {portal.config.portal} has no such thing, or its shared key is not configured",
        )


def dump_problem(problem: Problem) -> Response:
    """The problem as an answer."""
    response = _json(problem.status, problem.document(), kind="application/problem+json")
    if problem.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(status: int, value: Any, *, kind: str = "application/json") -> Response:
    return Response(
        json.dumps(value) + "\n",
        status=status,
        headers=[("Content-Type", kind), ("Cache-Control", "no-store")],
    )
