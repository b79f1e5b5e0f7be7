"""The impersonated portals' endpoints: one desk for each, over any discovered portal.

A desk takes the request as it crossed the wire, asks the fault book and the endpoint's pure function, applies
what the portal learnt, journals, and gives bytes back. Which address leads to it is `portal_port`'s matter.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.portal import Answer, Endpoint, Portal, SigningKey, Subject
from coinslot_contracts.wire import WireReply, WireRequest

from coinslot_sandbox.diagnosis_desk import diagnosed_refusal
from coinslot_sandbox.fault_desk import find_fault, judged, let_act, marked
from coinslot_sandbox.faults import Taken
from coinslot_sandbox.http_server import WIRE, Connection
from coinslot_sandbox.journal import Crossing
from coinslot_sandbox.services import Services

MARK = ("X-Coinslot-Sandbox", "1")
MESSAGES = {
    400: "The request is malformed",
    404: "There is nothing at this address",
    405: "This address does not take this method",
    413: "The body is larger than 1 MiB",
    421: "This path names no workspace",
}


class StoreView:
    """What an endpoint may ask of the portal's state while it answers one request, read from the store."""

    def __init__(self, services: Services, portal: Portal, environment: str) -> None:
        self._services = services
        self._portal = portal.name
        self._environment = environment
        self._face = portal.face(environment)
        self._shop = services.ground.shop
        self._database = services.ground.database
        self._orders: dict[str, Order | None] = {}

    def find_game(self, game_id: str) -> Game | None:
        """The game with this id, where it is known in this environment."""
        with self._database.read() as connection:
            record = self._shop.find_game(connection, self._portal, game_id)
        return record.game if record is not None and self._environment in record.environments else None

    def find_order(self, order_id: str) -> Order | None:
        """The order with this id, as first read; one of another portal or environment is none."""
        if order_id not in self._orders:
            with self._database.read() as connection:
                record = self._shop.find_order(connection, order_id)
            here = (self._portal, self._environment)
            is_here = record is not None and (record.portal, record.environment) == here
            self._orders[order_id] = record.order if record is not None and is_here else None
        return self._orders[order_id]

    def count_paid_orders(self, game_id: str) -> int:
        """How many paid orders the game has."""
        with self._database.read() as connection:
            return self._shop.count_paid_orders(connection, self._portal, self._environment, game_id)

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:
        """The game's paid orders, newest payment first."""
        with self._database.read() as connection:
            records = self._shop.list_paid_orders(
                connection, self._portal, self._environment, game_id, first=first, limit=limit
            )
        return [record.order for record in records]

    def published_keys(self) -> Sequence[SigningKey]:
        """The keys that the portal publishes now."""
        ring = self._services.rings.get(self._face)
        return () if ring is None else ring.published()

    def dialect(self, name: str) -> str | None:
        """The chosen variant, None for the default."""
        return self._services.dialects.get(self._portal, name)

    def signing_key(self) -> SigningKey:
        """The key that tokens are signed with now."""
        ring = self._services.rings[self._face]
        return ring.public(ring.current)

    def previous_key(self) -> SigningKey | None:
        """The key that signed before the last rotation."""
        ring = self._services.rings[self._face]
        return None if ring.retired is None else ring.public(ring.retired)

    def next_key(self) -> SigningKey:
        """The key that would sign after the next rotation."""
        ring = self._services.rings[self._face]
        return ring.public(ring.upcoming)

    def is_acknowledged(self, order_id: str) -> bool:
        """Whether a notification of this order was delivered."""
        with self._database.read() as connection:
            post = self._services.ground.post
            return bool(post.list_deliveries(connection, order_id=order_id, state="delivered", limit=1))


def plain_refusal(status: int) -> WireReply:
    """The answer to what never reached an endpoint: the HTTP status, and the same as code."""
    body = json.dumps({"code": str(status), "msg": MESSAGES.get(status, "The request is refused")})
    return WireReply(status=status, headers=(("Content-Type", "application/json"),), body=body.encode())


class EndpointDesk:
    """One endpoint of one face of a portal, without a framework."""

    def __init__(self, portal: Portal, environment: str, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.face = portal.face(environment)
        self.is_at_root = environment == portal.environments[0]
        self._portal = portal
        self._environment = environment

    def serve(
        self, services: Services, wire: WireRequest, subject: Subject, connection: Connection | None
    ) -> WireReply:
        """Answer one request; where a fault took the connection, the answer goes nowhere."""
        clock = services.ground.clock
        view = StoreView(services, self._portal, self._environment)
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
