"""The impersonated portals over HTTP: one Flask adapter for every endpoint of every discovered portal.

A view takes raw bytes, asks the fault book and the endpoint's pure function, applies what the portal learnt,
journals, and sends bytes. It never reads `request.authorization` or `request.json`: they change what came.
"""

import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.portal import Answer, Endpoint, Portal, SigningKey, Subject
from coinslot_contracts.wire import WireReply, WireRequest
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from coinslot_sandbox.diagnosis_desk import diagnosed_refusal
from coinslot_sandbox.fault_desk import find_fault, judged, let_act, marked
from coinslot_sandbox.faults import Taken
from coinslot_sandbox.http_server import CONNECTION, OVERSIZED, WIRE, Connection
from coinslot_sandbox.journal import Crossing
from coinslot_sandbox.services import Services
from coinslot_sandbox.store.post import DeliveryFilter
from coinslot_sandbox.workspaces import Workspaces

UNMATCHED = "unmatched"
MARK = ("X-Coinslot-Sandbox", "1")
MESSAGES = {
    400: "The request is malformed",
    404: "There is nothing at this address",
    405: "This address does not take this method",
    413: "The body is larger than 1 MiB",
    421: "This path names no workspace",
}


class _PlainResponse(Response):
    default_mimetype = None


class StoreView:
    """What an endpoint may ask of the portal's state, read from the store."""

    def __init__(self, services: Services, portal: str) -> None:
        self._services = services
        self._portal = portal
        self._shop = services.ground.shop
        self._database = services.ground.database

    def find_game(self, game_id: str) -> Game | None:
        """The game with this id."""
        with self._database.read() as connection:
            record = self._shop.find_game(connection, self._portal, game_id)
        return None if record is None else record.game

    def find_order(self, order_id: str) -> Order | None:
        """The order with this id; one of another portal is none."""
        with self._database.read() as connection:
            record = self._shop.find_order(connection, order_id)
        return record.order if record is not None and record.portal == self._portal else None

    def count_paid_orders(self, game_id: str) -> int:
        """How many paid orders the game has."""
        with self._database.read() as connection:
            return self._shop.count_paid_orders(connection, self._portal, game_id)

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:
        """The game's paid orders, newest payment first."""
        with self._database.read() as connection:
            records = self._shop.list_paid_orders(connection, self._portal, game_id, first=first, limit=limit)
        return [record.order for record in records]

    def published_keys(self) -> Sequence[SigningKey]:
        """The keys that the portal publishes now."""
        ring = self._services.rings.get(self._portal)
        return () if ring is None else ring.published()

    def dialect(self, name: str) -> str | None:
        """The chosen variant, None for the default."""
        return self._services.dialects.get(self._portal, name)

    def signing_key(self) -> SigningKey:
        """The key that tokens are signed with now."""
        ring = self._services.rings[self._portal]
        return ring.public(ring.current)

    def previous_key(self) -> SigningKey | None:
        """The key that signed before the last rotation."""
        ring = self._services.rings[self._portal]
        return None if ring.retired is None else ring.public(ring.retired)

    def next_key(self) -> SigningKey:
        """The key that would sign after the next rotation."""
        ring = self._services.rings[self._portal]
        return ring.public(ring.upcoming)

    def is_acknowledged(self, order_id: str) -> bool:
        """Whether a notification of this order was delivered."""
        with self._database.read() as connection:
            post = self._services.ground.post
            wanted = DeliveryFilter(order_id=order_id, state="delivered")
            return bool(post.list_matching(connection, wanted, limit=1))


def create_portal_app(workspaces: Workspaces) -> Flask:
    """The WSGI application of the portal port."""
    app = Flask("coinslot_portals", static_folder=None, template_folder=None)
    app.response_class = _PlainResponse
    app.url_map.merge_slashes = False
    for portal in workspaces.common.portals.values():
        for endpoint in portal.endpoints:
            _add(app, workspaces, portal, endpoint)
    app.register_error_handler(HTTPException, lambda error: _refuse(error, workspaces))
    app.register_error_handler(Exception, _fail(workspaces))
    return app


def plain_refusal(status: int) -> WireReply:
    """The answer to what never reached an endpoint: the HTTP status, and the same as code."""
    body = json.dumps({"code": str(status), "msg": MESSAGES.get(status, "The request is refused")})
    return WireReply(status=status, headers=(("Content-Type", "application/json"),), body=body.encode())


def _add(app: Flask, workspaces: Workspaces, portal: Portal, endpoint: Endpoint) -> None:
    view = _endpoint_view(workspaces, EndpointDesk(portal, endpoint))
    in_workspace = f"/w/<workspace>/{portal.name}{endpoint.path}"
    methods = [endpoint.method, "HEAD"] if endpoint.method == "GET" else [endpoint.method]
    for place, rule in (("root", endpoint.path), ("workspace", in_workspace)):
        app.add_url_rule(
            rule, f"{endpoint.name}@{place}", view, methods=methods, provide_automatic_options=False
        )


def _endpoint_view(workspaces: Workspaces, desk: "EndpointDesk") -> Callable[..., Response]:
    def view(workspace: str | None = None) -> Response:
        wire = wire_request(request.environ)
        subject = desk.endpoint.subject(wire)
        if workspace is None:
            services = workspaces.owner(game_id=subject.game_id, order_id=subject.order_id)
        else:
            found = workspaces.find(workspace)
            if found is None:
                return _refusal(421, workspaces.default)
            services = found
        if request.environ.get(OVERSIZED):
            return _refusal(413, services)
        return _response(desk.serve(services, wire, subject, request.environ.get(CONNECTION)))

    return view


class EndpointDesk:
    """One endpoint of one portal, without a framework."""

    def __init__(self, portal: Portal, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._portal = portal

    def serve(
        self, services: Services, wire: WireRequest, subject: Subject, connection: Connection | None
    ) -> WireReply:
        """Answer one request; where a fault took the connection, the answer goes nowhere."""
        clock = services.ground.clock
        view = StoreView(services, self._portal.name)
        at_s, began_s = clock.now_s(), clock.monotonic_s()
        taken = find_fault(services.faults, self.endpoint, subject, connection)
        verdict = judged(self.endpoint, wire, view, taken, faults=services.faults, mark=MARK)
        if verdict.learns:
            self._learn(services, verdict.answer)
        services.dispatch.captures.note(self._portal, self.endpoint.name, subject, wire)
        taken, done = verdict.taken, verdict.act
        held = connection.take() if done.script is not None and connection is not None else None
        reply = plain_refusal(400) if done.script is not None and held is None else done.reply
        services.journal.append(
            replace(
                self._crossing(view, wire, verdict.answer, subject, taken),
                diagnosis=diagnosed_refusal(
                    services, self._portal, verdict.answer, wire, game_id=subject.game_id
                ),
                reply=None if reply is None else marked(reply, MARK),
                error=taken.fault.kind if taken is not None and done.breaks else None,
                at_s=at_s,
                elapsed_ms=(clock.monotonic_s() - began_s) * 1000,
            )
        )
        if taken is not None:
            let_act(
                taken,
                done,
                faults=services.faults,
                workspace=services.workspace,
                connection=connection,
                held=held,
            )
        return reply or WireReply()

    def _learn(self, services: Services, answer: Answer) -> None:
        for event in answer.events:
            services.dispatch.book.arrived(event.order_id)

    def _crossing(
        self, view: StoreView, wire: WireRequest, answer: Answer, subject: Subject, taken: Taken | None
    ) -> Crossing:
        order = None if subject.order_id is None else view.find_order(subject.order_id)
        return Crossing(
            dir="in",
            endpoint=self.endpoint.name,
            request=wire,
            reply=None,
            at_s=0.0,
            elapsed_ms=0.0,
            portal=self._portal.name,
            game_id=subject.game_id,
            order_id=subject.order_id,
            user_id=None if order is None else order.user_id,
            external_id=subject.external_id or (None if order is None else order.external_id),
            verdict=(answer.verdict_code, answer.verdict_reason),
            fault_id=None if taken is None else taken.fault.fault_id,
        )


def wire_request(environ: Mapping[str, Any]) -> WireRequest:
    """The request as it crossed the wire; under another server, as much of it as WSGI keeps."""
    known = environ.get(WIRE)
    if isinstance(known, WireRequest):
        return known
    headers = tuple(
        (name[5:].replace("_", "-").title(), str(value))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    )
    query = environ.get("QUERY_STRING", "")
    target = environ.get("REQUEST_URI") or environ["PATH_INFO"] + (f"?{query}" if query else "")
    return WireRequest(
        method=environ["REQUEST_METHOD"],
        target=target,
        headers=headers,
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
    )


def _response(reply: WireReply) -> Response:
    return _PlainResponse(reply.body, status=reply.status, headers=list(marked(reply, MARK).headers))


def _refuse(error: HTTPException, workspaces: Workspaces) -> Response:
    """Refuse with the status that tells best what is wrong: a foreign workspace, the size, what is given."""
    services = _named(workspaces)
    if services is None:
        return _refusal(421, workspaces.default)
    status = error.code or 400
    status = status if 400 <= status < 500 else 400
    response = _refusal(413 if request.environ.get(OVERSIZED) else status, services)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _named(workspaces: Workspaces) -> Services | None:
    """The workspace that the path names, the default one where it names none; None where there is no such."""
    first, _, rest = request.path.removeprefix("/").partition("/")
    return workspaces.find(rest.partition("/")[0]) if first == "w" else workspaces.default


def _refusal(status: int, services: Services) -> Response:
    """Refuse what reaches no endpoint, and journal it: a backend with a wrong URL wants to be found."""
    response = _response(plain_refusal(status))
    services.journal.append(
        Crossing(
            dir="in",
            endpoint=UNMATCHED,
            request=wire_request(request.environ),
            reply=WireReply(status=status, headers=tuple(response.headers.items()), body=response.get_data()),
            at_s=services.ground.clock.now_s(),
            elapsed_ms=0.0,
            verdict=(str(status), MESSAGES.get(status, "The request is refused")),
        )
    )
    return response


def _fail(workspaces: Workspaces) -> Callable[[Exception], Response]:
    """A fault of our own: it goes to the journal whole, and to the caller as one line."""

    def handle(error: Exception) -> Response:
        services = _named(workspaces) or workspaces.default
        services.journal.append(
            Crossing(
                dir="in",
                endpoint=request.path,
                request=wire_request(request.environ),
                reply=None,
                at_s=services.ground.clock.now_s(),
                elapsed_ms=0.0,
                error="".join(traceback.format_exception(error)),
            )
        )
        body = json.dumps({"code": "500", "msg": "The sandbox itself failed; the journal says how"})
        return _response(
            WireReply(status=500, headers=(("Content-Type", "application/json"),), body=body.encode())
        )

    return handle
