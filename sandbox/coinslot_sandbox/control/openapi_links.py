"""Links of the control API's document: which call can follow which, and with what of its answer.

They are for readers and for tools that walk an API: an order that was made can be paid, its purchase be
handed over, its delivery be looked at.
"""

from collections.abc import Mapping
from typing import Any, Final

Links = Mapping[str, Mapping[str, Any]]


def _after(*follow_ups: str, **parameters: str) -> Links:
    return {_name(item): {"operationId": item, "parameters": parameters} for item in follow_ups}


def _in_body(*follow_ups: str, **members: Any) -> Links:
    return {_name(item): {"operationId": item, "requestBody": members} for item in follow_ups}


def _name(operation_id: str) -> str:
    words = operation_id.replace("/", " ").replace("{", " ").replace("}", " ").split()
    return "".join(word.capitalize() for word in words)


_ORDER_ID: Final = "$response.body#/order/order_id"
_ORDER: Final[Links] = {
    **_after(
        "get /orders/{orderId}",
        "get /orders/{orderId}/timeline",
        "post /orders/{orderId}/change",
        orderId=_ORDER_ID,
    ),
    **_in_body("post /purchases", "post /callbacks", order=_ORDER_ID),
}
_CREATED: Final = _after(
    *(f"post /orders/{{orderId}}/{move}" for move in ("pay", "fail", "cancel", "expire")),
    orderId=_ORDER_ID,
)
_PAID: Final = _after(
    *(f"post /orders/{{orderId}}/{move}" for move in ("refund", "deliver")),
    orderId=_ORDER_ID,
)
_PLAYER: Final = _in_body("post /tokens", "post /orders", player="$response.body#/user_id")
_PRODUCT: Final = _in_body("post /orders", product="$response.body#/product_id")
_DELIVERY: Final = _after(
    "get /deliveries/{deliveryId}",
    "post /deliveries/{deliveryId}/resend",
    deliveryId="$response.body#/delivery/delivery_id",
)

LINKS: Final[Mapping[str, Mapping[int, Links]]] = {
    "post /players": {200: _PLAYER, 201: _PLAYER},
    "post /products": {200: _PRODUCT, 201: _PRODUCT},
    "post /orders": {201: {**_ORDER, **_CREATED, **_PAID, **_DELIVERY}},
    "post /orders/{orderId}/pay": {200: {**_ORDER, **_PAID, **_DELIVERY}},
    "post /orders/{orderId}/change": {200: _ORDER},
    "post /callbacks": {200: _DELIVERY},
    "post /faults": {201: _after("delete /faults/{faultId}", faultId="$response.body#/fault_id")},
    "get /keys": {200: _after("put /keys/{kid}", kid="$response.body#/keys/0/kid")},
    "post /keys/rotate": {200: _after("put /keys/{kid}", kid="$response.body#/keys/0/kid")},
    "post /keys/extra": {200: _after("put /keys/{kid}", kid="$response.body#/keys/0/kid")},
}
"""Operation -> status of its answer -> link name -> link."""
