"""A small portal for tests of the verifier and the example backends, over a real socket.

It answers with the contracts' own endpoints over a few orders in memory, records every request, and can be
told to answer something else. It is no sandbox: no store, no control API, no deliveries.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.portal import Endpoint, SigningKey
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_testkit.tokens import GAME_ID, spki

SHARED_KEY = "kéy of the game".encode()
WAIT_S = 10.0


class FakePortal:
    """State, requests and lies of the portal; `url` serves the web and the API."""

    def __init__(self) -> None:
        self.game = Game(game_id=GAME_ID, shared_key=SHARED_KEY)
        self.orders: dict[str, Order] = {}
        self.keys = [SigningKey(kid="1", algorithm="RS256", spki_der=spki())]
        self.form: str | None = None
        self.spoken: dict[str, str] = {}
        self.acknowledged: set[str] = set()
        self.requests: list[tuple[str, WireRequest]] = []
        self.codes: list[tuple[str, str]] = []
        self.lies: dict[str, Callable[[], WireReply]] = {}
        self.url = ""
        self._changed = threading.Condition()

    # What an endpoint may ask (coinslot_contracts.portal.PortalView).

    def find_game(self, game_id: str) -> Game | None:
        return self.game if game_id == self.game.game_id else None

    def find_order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def count_paid_orders(self, game_id: str) -> int:
        return len(self._of(game_id))

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:
        return self._of(game_id)[first : first + limit]

    def _of(self, game_id: str) -> list[Order]:
        return [order for order in self.orders.values() if order.game_id == game_id]

    def published_keys(self) -> Sequence[SigningKey]:
        return self.keys

    def dialect(self, name: str) -> str | None:
        return self.form if name == "key_form" else self.spoken.get(name)

    def is_acknowledged(self, order_id: str) -> bool:
        return order_id in self.acknowledged

    # What a test does and asks.

    def add_order(self, order_id: str, **changes: Any) -> Order:
        """A paid order of player 278, whose notification nobody sends."""
        order = Order(
            order_id=order_id,
            game_id=GAME_ID,
            user_id="278",
            product_id="1002",
            created_at_s=1_755_657_098,
            state="paid",
            paid_at_s=1_755_657_115,
        )
        self.orders[order_id] = replace(order, **changes)
        return self.orders[order_id]

    def calls(self, endpoint: str) -> list[WireRequest]:
        """The requests to an endpoint so far, by its short name."""
        return [request for name, request in self.requests if name == f"jogos.{endpoint}"]

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so, looked at after each request; fail after ten seconds."""
        with self._changed:
            assert self._changed.wait_for(is_so, WAIT_S), f"not within {WAIT_S:g} s; seen: {self.codes}"

    def answer(self, request: WireRequest) -> WireReply | None:
        """The answer to a request; None where no endpoint has this method and path."""
        endpoint = _endpoint(request)
        if endpoint is None:
            return None
        lie = self.lies.get(endpoint.name.removeprefix("jogos."))
        answer = None if lie else endpoint.answer(request, self)
        reply = lie() if lie else answer.reply if answer else None
        with self._changed:
            for event in answer.events if answer else ():
                self.orders[event.order_id] = replace(self.orders[event.order_id], arrived_status=1)
            self.requests.append((endpoint.name, request))
            self.codes.append((endpoint.name, answer.verdict_code if answer else "lie"))
            self._changed.notify_all()
        return reply


def _endpoint(request: WireRequest) -> Endpoint | None:
    for endpoint in PORTAL.endpoints:
        if (endpoint.method, endpoint.path) == (request.method, request.path):
            return endpoint
    return None


class Answering(Protocol):
    """Whoever can be served: `FakePortal`, or `fake_seller.FakeSeller`."""

    url: str

    def answer(self, request: WireRequest) -> WireReply | None:
        """The answer to a request, None for an unknown address."""
        ...


Served = TypeVar("Served", bound=Answering)


@contextmanager
def serve(portal: Served) -> Iterator[Served]:
    """The portal on a free port of the loopback interface while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = WireRequest(
                method=self.command, target=self.path, headers=tuple(self.headers.items()), body=body
            )
            reply = portal.answer(request) or WireReply(status=404)
            self.send_response_only(reply.status)
            for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
