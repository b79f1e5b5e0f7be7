"""The control API as an OpenAPI 3.1 document: every call, every body, every answer and every problem.

Built from tables here and in the `openapi_…` files beside it; a test asks that it names each route, and no
other.
"""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.domain import ORDER_STATES
from coinslot_contracts.portal import Portal

from coinslot_sandbox.control import (
    openapi_diagnose,
    openapi_faults,
    openapi_journal,
    openapi_mail,
    openapi_orders,
    openapi_purchases,
    openapi_workspaces,
)
from coinslot_sandbox.control.call import LIST_DEFAULT, LIST_MAX
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_examples import Example, described, examples
from coinslot_sandbox.control.openapi_links import LINKS, Links
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    DECIMAL,
    TEXT,
    listed,
    ref,
    requests,
    resources,
    shape,
)
from coinslot_sandbox.delivery.addresses import CallbackPolicy

BASE: Final = "/_control/v1"
PROBLEMS: Final[Mapping[int, str]] = {
    400: "The call is malformed: `json-invalid`, `field-missing`, `field-invalid`, `field-unknown`, …",
    401: "`token-wrong`: the bearer token is missing or wrong.",
    403: "`host-not-allowed` or `origin-not-allowed`: the call comes from a foreign name or page.",
    404: "There is no such thing: `order-unknown`, `player-unknown`, `workspace-unknown`, and others.",
    405: "`method-not-allowed`.",
    409: "It cannot be done now: an illegal move, an unmet precondition, a rotation that is not possible.",
    413: "`body-too-large`: larger than 1 MiB.",
    503: "`store-busy` or `store-failed`: the store did not take it; or `streams-exhausted`.",
    507: "`store-full`: the store has no space for it.",
}
_ALWAYS: Final = (400, 401, 403, 404, 405, 413, 503, 507)

_LIMIT: Final = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": LIST_MAX, "default": LIST_DEFAULT},
}


def _query(name: str, *values: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "schema": {"type": "string", "enum": list(values)} if values else TEXT,
    }


_SHOP_AND_WIRE: Final = (
    Operation(
        method="get",
        path="/games",
        summary="Every game",
        answers={200: shape({"games": listed(ref("Game"))})},
    ),
    Operation(
        method="put",
        path="/games/{gameId}",
        summary="Register a game, or change one; members left out stay as they are",
        body="GameChange",
        body_optional=True,
        answers={200: ref("Game")},
    ),
    Operation(
        method="get",
        path="/players",
        summary="Every player",
        answers={200: shape({"players": listed(ref("Player"))})},
    ),
    Operation(
        method="post",
        path="/players",
        summary="Make a player, or change one; what is left out is made up from the seed",
        body="PlayerWish",
        body_optional=True,
        answers={200: ref("Player"), 201: ref("Player")},
    ),
    Operation(
        method="get",
        path="/products",
        summary="Every product",
        answers={200: shape({"products": listed(ref("Product"))})},
    ),
    Operation(
        method="post",
        path="/products",
        summary="Make a product, or change one; what is left out is made up from the seed",
        body="ProductWish",
        body_optional=True,
        answers={200: ref("Product"), 201: ref("Product")},
    ),
    Operation(
        method="get",
        path="/orders",
        summary="Orders in the order of their making",
        query=(
            _query("player"),
            _query("state", *ORDER_STATES),
            _query("after"),
            _query("sort", "oldest", "newest"),
            _LIMIT,
        ),
        answers={200: shape({"orders": listed(ref("Order"))})},
    ),
    Operation(
        method="get",
        path="/orders/{orderId}",
        summary="One order and its deliveries",
        answers={200: shape({"order": ref("Order"), "deliveries": listed(ref("Delivery"))})},
    ),
    Operation(
        method="post",
        path="/tokens",
        summary="Mint a user token, good or with a named lie",
        body="TokenCall",
        answers={200: ref("Token")},
        can_conflict=True,
    ),
)

_AREAS: Final = (
    openapi_orders,
    openapi_mail,
    openapi_purchases,
    openapi_workspaces,
    openapi_diagnose,
    openapi_faults,
    openapi_journal,
)
"""The files that describe an area each: its OPERATIONS, `requests(context)` and `resources()`."""

OPERATIONS: Final = (*_SHOP_AND_WIRE, *(operation for area in _AREAS for operation in area.OPERATIONS))
"""Every call of the control API that is behind its token."""


def document(portals: Mapping[str, Portal]) -> dict[str, Any]:
    """The whole document, for these portals."""
    context = Context(portals=portals, callback_policy=CallbackPolicy())
    paths: dict[str, dict[str, Any]] = {}
    schemas = {**requests(context), **resources()}
    for area in _AREAS:
        schemas |= {**area.requests(context), **area.resources()}
    for operation in OPERATIONS:
        paths.setdefault(BASE + operation.path, {})[operation.method] = _operation(operation)
    for place, (name, example) in enumerate(examples(portals).items()):
        method, _, path = name.partition(" ")
        _show(paths.get(BASE + path, {}).get(method, {}), example, place)
    paths["/_ready"] = {"get": _open_call("ready", "Whether the sandbox answers")}
    paths[f"{BASE}/openapi.json"] = {"get": _open_call("openapi", "This document")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Coinslot sandbox, control API",
            "version": "1",
            "description": "Steers the impersonated portals. Every path exists below "
            "/_control/v1/w/{workspace} too; without it the workspace `default` is meant. "
            "Requests whose bytes are no HTTP are answered with 400, 408 or 414 and a JSON body.",
        },
        "servers": [{"url": "http://127.0.0.1:7712", "description": "control_url of the ready line"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {f"Problem{status}": _problem(says) for status, says in PROBLEMS.items()},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    problems = (*_ALWAYS, 409) if operation.can_conflict else _ALWAYS
    links = LINKS.get(operation.operation_id, {})
    responses = {
        str(status): _answer(schema, links.get(status), operation)
        for status, schema in operation.answers.items()
    }
    refused = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems}
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "responses": {**responses, **refused},
    }
    parameters = [*_path_parameters(operation.path), *operation.query]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": not operation.body_optional,
            "content": {"application/json": {"schema": ref(operation.body)}},
        }
    return described


def _show(operation: dict[str, Any], example: Example, place: int) -> None:
    """Put an example into a described operation."""
    operation["x-example"] = described(example, place)
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in example.path:
            parameter["example"] = example.path[parameter["name"]]
    if example.body is not None and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example.body


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": DECIMAL} if name in {"gameId", "seq"} else TEXT,
        }
        for name in names
    ]


def _answer(
    schema: dict[str, Any], links: Links | None = None, operation: Operation | None = None
) -> dict[str, Any]:
    kind, texts = ("application/json", ()) if operation is None else (operation.kind, operation.texts)
    content = {kind: {"schema": schema}, **{text: {"schema": TEXT} for text in texts}}
    answer: dict[str, Any] = {"description": "Done.", "content": content}
    return {**answer, "links": links} if links else answer


def _problem(says: str) -> dict[str, Any]:
    return {"description": says, "content": {"application/problem+json": {"schema": ref("Problem")}}}


def _open_call(name: str, summary: str) -> dict[str, Any]:
    codes = (403, 405, 413)
    refused = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in codes}
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": _answer({"type": "object"}), **refused},
    }
