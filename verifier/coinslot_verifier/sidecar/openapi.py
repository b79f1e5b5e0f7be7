"""The sidecar as an OpenAPI 3.1 document: every call, every body, every answer and every problem.

Made for the portals that a sidecar speaks for: a call that none of them offers is not in it. A test asks
that it names each route, and no other.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from coinslot_verifier.sidecar.openapi_schemas import ID, SCHEMAS, Schema, listed, ref, shape
from coinslot_verifier.sidecar.services import PortalServices
from coinslot_verifier.sidecar.views import ORDERS_DEFAULT, ORDERS_MAX, ROUTES, Route

PROBLEMS: Final[Mapping[int, str]] = {
    400: "The call is malformed: `json-invalid`, `field-missing`, `field-invalid`, `request-malformed`.",
    401: "`token-wrong`: the bearer token is missing or wrong.",
    403: "`host-not-allowed` or `origin-not-allowed`: the call comes from a foreign name or a page.",
    404: "`portal-unknown`, `address-unknown`, `grant-unknown`, `intent-unknown`.",
    405: "`method-not-allowed`.",
    409: "`not-offered` or `ledger-missing`: this portal or this sidecar has no such thing.",
    413: "`body-too-large`: larger than 2 MiB.",
    422: "Refused, finally; `code` says why: `signature-mismatch`, `token-expired`, `purchase-not-paid`, …",
    503: "Undecided: `key-source-unavailable`, `verify-unavailable`, `confirm-unavailable`, or "
    "`ledger-unavailable`. Nothing was decided; wait for Retry-After and send the same call again.",
}
_BODIES: Final[Mapping[str, tuple[str, bool]]] = {
    "identity": ("IdentityCall", True),
    "notification": ("NotificationCall", True),
    "intent-open": ("IntentCall", True),
    "purchase": ("PurchaseCall", True),
    "confirm": ("ConfirmCall", True),
    "apply": ("ApplyCall", True),
    "outbox-run": ("OutboxCall", False),
    "reconcile": ("ReconcileCall", False),
}
"""Call -> its body's schema, and whether there must be one."""
_ANSWERS: Final[Mapping[str, tuple[int, Schema]]] = {
    "identity": (200, ref("Identity")),
    "notification": (200, ref("Taken")),
    "intent-open": (201, ref("Intent")),
    "intent": (200, ref("Intent")),
    "purchase": (200, ref("Purchase")),
    "confirm": (200, shape({"order_id": ID, "confirmed": {"const": True}})),
    "orders": (200, shape({"orders": listed(ref("Order")), "truncated": {"type": "boolean"}})),
    "items": (200, ref("Items")),
    "apply": (200, ref("Settlement")),
    "grant": (200, ref("Settlement")),
    "outbox-run": (200, ref("OutboxRun")),
    "reconcile": (200, ref("Reconciled")),
}
_LIMIT: Final[Schema] = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": ORDERS_MAX, "default": ORDERS_DEFAULT},
}


def document(portals: Mapping[str, PortalServices]) -> dict[str, Any]:
    """The whole document, for these portals."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        offering = [name for name, portal in portals.items() if all(map(portal.has, route.needs))]
        if offering:
            described = _operation(route, offering)
            paths.setdefault(f"/v1/{{portal}}{route.path}", {})[route.method.lower()] = described
    paths |= _plain_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Coinslot verifier, sidecar",
            "version": "1",
            "description": "Verifies a portal's tokens, notifications and purchases for a backend in any "
            "language, and keeps grants once. Requests whose bytes are no HTTP are answered with 400.",
        },
        "servers": [{"url": "http://127.0.0.1:7713", "description": "url of the ready line"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {f"Problem{status}": _problem(status, says) for status, says in PROBLEMS.items()},
        },
    }


def _operation(route: Route, portals: list[str]) -> dict[str, Any]:
    status, schema = _ANSWERS[route.name]
    says = (route.handle.__doc__ or "").strip()
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": says.partition("\n")[0],
        "description": re.sub(r"\s*\n\s*", " ", says),
        "parameters": [
            {"name": "portal", "in": "path", "required": True, "schema": {"type": "string", "enum": portals}},
            *(
                {"name": name, "in": "path", "required": True, "schema": ID}
                for name in re.findall(r"\{(\w+)\}", route.path)
            ),
            *([_LIMIT] if route.name == "orders" else []),
        ],
        "responses": {str(status): _answer(schema), **_refused(PROBLEMS)},
    }
    if route.name in _BODIES:
        body, required = _BODIES[route.name]
        described["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": ref(body)}},
        }
    return described


def _plain_paths() -> dict[str, Any]:
    only: Schema = {"name": "only", "in": "query", "schema": {"type": "string", "enum": ["ledger"]}}
    ready = _plain("ready", "Whether keys and ledger are reachable", ref("Ready"), (403, 405))
    ready["parameters"] = [only]
    ready["responses"]["503"] = {**_answer(ref("Ready")), "description": "Something is not reachable."}
    metrics = _plain("metrics", "All processes' counters, for Prometheus", {}, (401, 403, 405), closed=True)
    metrics["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    alive = shape({"alive": {"const": True}})
    return {
        "/health": {"get": _plain("health", "Whether this process answers", alive, (403, 405))},
        "/ready": {"get": ready},
        "/metrics": {"get": metrics},
        "/openapi.json": {"get": _plain("openapi", "This document", {"type": "object"}, (403, 405))},
    }


def _plain(
    name: str, summary: str, schema: Schema, statuses: tuple[int, ...], *, closed: bool = False
) -> dict[str, Any]:
    described = {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _answer(schema), **_refused(statuses)},
    }
    return described if closed else {**described, "security": []}


def _answer(schema: Schema) -> dict[str, Any]:
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _refused(statuses: Any) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _problem(status: int, says: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": says,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    if status == 503:
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return described
