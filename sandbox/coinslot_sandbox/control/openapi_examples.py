"""An example of every call of the control API, in an order in which all of them work on a fresh sandbox.

They stand in the OpenAPI document beside the calls, so that a page of curl commands can be made of it and be
run. Values that only the sandbox knows are remembered from an earlier answer under the path variable's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from coinslot_contracts.portal import Portal

GAME: Final = "9943"
PLAYER: Final = "101"
PRODUCT: Final = "1002"
CALLBACK_URL: Final = "http://127.0.0.1:8080/notify"
MOMENT_S: Final = 1_800_000_000
UNPAID_MOVES: Final = ("pend", "cancel", "expire")
PAID_MOVES: Final = ("deliver", "consume", "chargeback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One call of the walk.

    path      path variable -> its value; what is remembered needs none
    remember  path variable of later calls -> member of this answer, whose first occurrence is meant
    before    calls that this one needs and that are examples elsewhere: method, path, body
    """

    body: Any = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    remember: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[tuple[str, str, Any]] = ()
    is_stream: bool = False


def examples(portals: Mapping[str, Portal]) -> dict[str, Example]:
    """Operation -> its example, in the order of the walk."""
    return {
        **_shop(),
        **_deliveries(),
        **_orders(portals),
        **_faults(portals),
        **_keys(portals),
        **_journal(),
        **_diagnosis(),
        **_clocks(),
    }


def _buy(order_id: str, **wish: Any) -> tuple[str, str, Any]:
    return "POST", "/orders", {"player": PLAYER, "product": PRODUCT, "order_id": order_id, **wish}


def _of_order(order_id: str, **given: Any) -> Example:
    return Example(path={"orderId": order_id}, **given)


def _shop() -> dict[str, Example]:
    return {
        "put /games/{gameId}": Example(
            path={"gameId": GAME}, body={"callback_url": CALLBACK_URL, "retry": [3600]}
        ),
        "get /games": Example(),
        "post /players": Example(body={"user_id": PLAYER, "username": "Ada"}),
        "get /players": Example(),
        "post /products": Example(body={"product_id": PRODUCT, "title": "Chest of gold", "price": 499}),
        "get /products": Example(),
        "post /tokens": Example(body={"player": PLAYER}),
        "post /orders": Example(body=_buy("order-1")[2]),
        "get /orders": Example(query=f"player={PLAYER}"),
        "post /orders/{orderId}/pay": _of_order("order-1", body={}, remember={"deliveryId": "delivery_id"}),
        "get /orders/{orderId}": _of_order("order-1"),
    }


def _deliveries() -> dict[str, Example]:
    return {
        "get /deliveries": Example(query="order=order-1"),
        "get /deliveries/{deliveryId}": Example(),
        "post /deliveries/{deliveryId}/resend": Example(body={}),
        "post /callbacks": Example(body={"order": "order-1", "type": "pay", "copies": 2}),
        "post /deliveries/hold": Example(body={"order": "order-1"}),
        "post /deliveries/release": Example(body={"order": "order-1"}),
        "post /deliveries/{deliveryId}/cancel": Example(body={}),
        "post /deliveries/recover": Example(body={"since_s": 0, "only_failed": False}),
    }


def _orders(portals: Mapping[str, Portal]) -> dict[str, Example]:
    seller = next(name for name, portal in portals.items() if portal.purchases is not None)
    return {
        "post /orders/{orderId}/refund": _of_order("order-1", body={"refundStatus": 1}),
        "get /orders/{orderId}/timeline": _of_order("order-1"),
        **_moves(portals),
        "post /orders/{orderId}/fail": _of_order("order-2", body={}, before=(_buy("order-2"),)),
        "post /purchases": Example(
            body={"order": "order-3"}, before=(_buy("order-3", portal=seller, paid=True),)
        ),
        "post /orders/{orderId}/change": _of_order("order-3", body={"verify": "pending"}),
        "post /orders/archive": Example(body={"orders": ["order-1", "order-2"]}),
    }


def _moves(portals: Mapping[str, Portal]) -> dict[str, Example]:
    """Each further move, of an order of its own at a portal that knows it; `force` makes an illegal one."""
    homes = {move: name for name in reversed(list(portals)) for move in portals[name].life.moves}
    return {
        f"post /orders/{{orderId}}/{move}": _of_order(
            f"order-{move}",
            body={"force": True},
            before=(_buy(f"order-{move}", portal=homes[move], paid=move in PAID_MOVES),),
        )
        for move in (*UNPAID_MOVES, *PAID_MOVES)
        if move in homes
    }


def _faults(portals: Mapping[str, Portal]) -> dict[str, Example]:
    endpoint = next(endpoint for portal in portals.values() for endpoint in portal.endpoints)
    return {
        "get /faults/kinds": Example(),
        "post /faults": Example(
            body={"at": endpoint.name, "with": {"answer": 503, "times": 2}}, remember={"faultId": "fault_id"}
        ),
        "get /faults": Example(),
        "delete /faults/{faultId}": Example(),
        "post /faults/preset": Example(body={"preset": "calm"}),
    }


def _keys(portals: Mapping[str, Portal]) -> dict[str, Example]:
    portal = next(name for name, portal in portals.items() if portal.purchases is not None)
    return {
        "get /keys": Example(),
        "post /keys/rotate": Example(body={"portal": portal, "rotate": "replace"}),
        "post /keys/extra": Example(body={"portal": portal, "kind": "rsa"}, remember={"kid": "kid"}),
        "put /keys/{kid}": Example(body={"published": True}),
        "get /dialects": Example(),
        "put /dialects": Example(body={"portal": portal}),
    }


def _journal() -> dict[str, Example]:
    told = {"dir": "out", "order_id": "order-1"}
    return {
        "get /journal": Example(query="limit=5"),
        "get /journal/wait": Example(query="after=0&timeout_s=5&limit=1"),
        "get /journal/{seq}": Example(path={"seq": "1"}),
        "post /journal/find": Example(body=told),
        "post /journal/count": Example(body=told),
        "post /journal/assert": Example(body={**told, "at_least": 1}),
        "get /journal/stream": Example(query="after=0", is_stream=True),
        "get /journal.har": Example(),
        "get /journal.jsonl": Example(),
        "delete /journal": Example(),
    }


def _diagnosis() -> dict[str, Example]:
    """A signature over key and newline, and something that is no token."""
    return {
        "post /diagnose/signature": Example(
            body={
                "body_b64": "eyJvcmRlcklkIjogIm9yZGVyLTEifQ==",
                "signature": "44dbb0a3517e91e99bcf4844a6d76b5c32b7bc17",
                "game": GAME,
            }
        ),
        "post /diagnose/token": Example(body={"token": "eyJhbGciOiJub25lIn0.e30."}),
    }


def _clocks() -> dict[str, Example]:
    return {
        "get /clock": Example(),
        "post /clock/freeze": Example(body={"at_s": MOMENT_S}),
        "post /clock/advance": Example(body={"until_idle": True}),
        "post /clock/resume": Example(body={}),
        "post /clock/claims": Example(body={"offset_s": -60}),
        "post /workspaces": Example(body={"name": "ada", "seed": 7, "ttl_s": 3600}),
        "get /workspaces": Example(),
        "get /workspaces/{workspace}": Example(path={"workspace": "ada"}),
        "get /env": Example(query="format=dotenv"),
        "delete /workspaces/{workspace}": Example(path={"workspace": "ada"}),
        "post /reset": Example(body={}),
    }


def described(example: Example, place: int) -> dict[str, Any]:
    """An example's place in the walk, and what is no body and no path, as members of the document."""
    given: dict[str, Any] = {"place": place}
    if example.query:
        given["query"] = example.query
    if example.remember:
        given["remember"] = dict(example.remember)
    if example.before:
        given["before"] = [
            {"method": method, "path": path, "body": body} for method, path, body in example.before
        ]
    if example.is_stream:
        given["stream"] = True
    return given
