"""The schemas of the control API's OpenAPI document: what bodies may say and what resources look like.

Names of lies, defects and modes are taken from the vocabulary, so the document never lags behind the code.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from coinslot_contracts.vocabulary import (
    CALLBACK_MODES,
    ENCODINGS,
    HOSTILE_TOKENS,
    KEY_ROTATIONS,
    RETRY_PRESETS,
    SIGNATURE_DEFECTS,
    TOKEN_SIGNERS,
)

from coinslot_sandbox.control import schema

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
INTEGER: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
ANY_OBJECT: Final[Schema] = {"type": "object"}
NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"
DECIMAL: Final = "^(0|[1-9][0-9]{0,17})$"


def ref(name: str) -> Schema:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def nullable(item: Schema) -> Schema:
    """The same, or null."""
    if isinstance(item.get("type"), str):
        kinds = {**item, "type": [item["type"], "null"]}
        return {**kinds, "enum": [*item["enum"], None]} if "enum" in item else kinds
    return {"anyOf": [item, {"type": "null"}]}


def shape(properties: Mapping[str, Schema], *, required: Iterable[str] | None = None) -> Schema:
    """An object that has all of these members, or those that are required, and no others."""
    names = list(properties) if required is None else list(required)
    plain: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**plain, "required": names} if names else plain


def _named(names: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(names)}


def _explained(names: Mapping[str, str]) -> Schema:
    lines = "\n".join(f"- `{name}`: {says}" for name, says in names.items())
    return {**_named(names), "description": lines}


def _text(chars_max: int, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": chars_max, "pattern": NO_CONTROLS, **more}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _between(least: float, most: float) -> Schema:
    return {"type": "number", "minimum": least, "maximum": most}


ID: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": DECIMAL}, _whole(0, 2**63 - 1)],
    "description": "decimal digits, as a string or a number",
}
_HEADER_NAME: Final[Schema] = {"type": "string", "pattern": "^X-[A-Za-z0-9-]{1,60}$"}
_HEADERS: Final[Schema] = {
    "type": "object",
    "description": "headers to set; null leaves one out. Framing headers are refused.",
    "propertyNames": _HEADER_NAME,
    "additionalProperties": nullable({"type": "string", "maxLength": 8192, "pattern": "^[ -~]*$"}),
}
_PAIRS: Final = listed({"type": "array", "prefixItems": [TEXT, TEXT], "minItems": 2, "maxItems": 2})
_REFUND_STATUS: Final = {"type": "integer", "enum": [0, 1, 2, 3]}
_RETRY: Final[Schema] = {
    "anyOf": [_explained(RETRY_PRESETS), listed(_between(0, schema.RETRY_S_MAX))],
    "description": "a preset, or seconds to wait after each failure (sandbox:retry-schedule)",
}
_HANDMADE_RAW: Final[Schema] = {"type": "string", "maxLength": schema.RAW_CHARS_MAX}


def requests(endpoints: list[str], callback_portals: list[str], identity_portals: list[str]) -> Schema:
    """Schemas of bodies that are sent to us, by name."""
    with_callbacks, with_identity = _named(callback_portals), _named(identity_portals)
    optional: tuple[str, ...] = ()
    return {
        "Nothing": shape({}),
        "GameChange": shape(
            {
                "portal": with_callbacks,
                "shared_key": nullable(_text(1024)),
                "callback_url": nullable({**_text(schema.URL_CHARS_MAX), "format": "uri"}),
                "iap_enabled": FLAG,
                "retry": _RETRY,
                "timeout_s": _between(*schema.TIMEOUT_S),
            },
            required=optional,
        ),
        "PlayerWish": shape(
            {"user_id": ID, "username": _text(255), "picture_url": _text(schema.URL_CHARS_MAX)},
            required=optional,
        ),
        "ProductWish": shape(
            {"product_id": _text(255), "title": _text(255), "price": _whole(0, 2**31 - 1)},
            required=optional,
        ),
        "OrderWish": shape(
            {
                "player": ID,
                "product": _text(255),
                "portal": with_callbacks,
                "game": ID,
                "order_id": _text(255, pattern="^[A-Za-z0-9_-]+$"),
                "external_id": _text(1024),
                "paid": FLAG,
                "callback": _explained(CALLBACK_MODES),
                "arrivedStatus": {"type": "integer", "enum": [0, 1]},
                "refundStatus": nullable(_REFUND_STATUS),
            },
            required=("player", "product"),
        ),
        "Payment": shape({"callback": _explained(CALLBACK_MODES)}, required=optional),
        "Refund": shape(
            {"refundStatus": _REFUND_STATUS, "callback": _explained(CALLBACK_MODES)},
            required=("refundStatus",),
        ),
        "Archive": shape({"orders": listed(_text(255))}),
        "TokenCall": shape(
            {"player": ID, "portal": with_identity, "game": ID, "token": _token_wish()},
            required=("player",),
        ),
        "Rotation": shape(
            {"portal": with_identity, "rotate": _explained(KEY_ROTATIONS)}, required=("rotate",)
        ),
        "Callback": _callback(),
        "FaultWish": shape(
            {"at": _named(endpoints), "order": nullable(_text(255)), "with": _fault()},
            required=("at", "with"),
        ),
    }


def _token_wish() -> Schema:
    lies = {name: lie.says for name, lie in HOSTILE_TOKENS.items()}
    free = {
        "sign": _explained(TOKEN_SIGNERS),
        "header": ANY_OBJECT,
        "claims": ANY_OBJECT,
        "user": ANY_OBJECT,
        "raw": {"type": "string", "maxLength": schema.RAW_CHARS_MAX},
        "ttl_s": _between(-schema.TTL_S_MAX, schema.TTL_S_MAX),
    }
    return {"anyOf": [shape({"hostile": _explained(lies)}), shape(free, required=())]}


def _callback() -> Schema:
    built = {
        "set": {"type": "object", "description": "members to replace or to add"},
        "drop": listed(_text(1024)),
        "encode": _explained(ENCODINGS),
    }
    return shape(
        {
            "order": _text(255),
            "type": _named(("pay", "refund")),
            "body": {"anyOf": [shape({"raw": _HANDMADE_RAW}), shape(built, required=())]},
            "signature": _explained(SIGNATURE_DEFECTS),
            "headers": _HEADERS,
            "copies": _whole(1, schema.COPIES_MAX),
            "at_once": FLAG,
            "timeout_s": _between(*schema.TIMEOUT_S),
            "url": {**_text(schema.URL_CHARS_MAX), "format": "uri"},
        },
        required=("order", "type"),
    )


def _fault() -> Schema:
    times = {"times": _whole(1, 1_000_000)}
    status = {"type": "integer", "minimum": 200, "maximum": 599}
    body = {"type": "string", "maxLength": schema.RAW_CHARS_MAX}
    return {
        "anyOf": [
            shape({"answer": status, "headers": _HEADERS, "body": body, **times}, required=("answer",)),
            shape({"answer": status, "headers": _HEADERS, "json": {}, **times}, required=("json",)),
            shape({"hang": _between(0, schema.HANG_S_MAX), **times}, required=("hang",)),
            shape({"reset": {"const": True}, **times}, required=("reset",)),
        ]
    }


def resources() -> Schema:
    """Schemas of what we answer, by name."""
    message = {"headers": _PAIRS, "body_b64": TEXT}
    request = shape({"method": TEXT, "target": TEXT, **message})
    reply = shape({"status": INTEGER, **message})
    return {
        "Game": shape(
            {
                "portal": TEXT,
                "game_id": TEXT,
                "shared_key": nullable(TEXT),
                "callback_url": nullable(TEXT),
                "iap_enabled": FLAG,
                "retry": {"anyOf": [TEXT, listed(NUMBER)]},
                "timeout_s": NUMBER,
                "paths": {"type": "object", "additionalProperties": TEXT},
            }
        ),
        "Player": shape({"user_id": TEXT, "username": TEXT, "picture_url": TEXT}),
        "Product": shape({"product_id": TEXT, "title": TEXT, "price": INTEGER}),
        "Order": _order(),
        "Delivery": shape(_delivery()),
        "DeliveryDetail": shape({**_delivery(), "attempts": listed(ref("Attempt"))}),
        "Attempt": _attempt(request, reply),
        "Fault": shape(
            {
                "fault_id": TEXT,
                "at": TEXT,
                "order_id": nullable(TEXT),
                "with": ANY_OBJECT,
                "fired": INTEGER,
                "left": nullable(INTEGER),
                "active": FLAG,
            }
        ),
        "Key": shape(
            {
                "portal": TEXT,
                "kid": TEXT,
                "algorithm": TEXT,
                "signs": FLAG,
                "published": FLAG,
                "spki_sha256": TEXT,
                "public_key_pem": TEXT,
            }
        ),
        "Token": shape(
            {
                "token": TEXT,
                "header": ANY_OBJECT,
                "claims": ANY_OBJECT,
                "expected": _named(("accepted", "refused")),
                "error": nullable(TEXT),
                "says": TEXT,
            }
        ),
        "Entry": _entry(request, reply),
        "Problem": shape(
            {
                "type": {"const": "about:blank"},
                "title": TEXT,
                "status": INTEGER,
                "code": {"type": "string", "pattern": "^[a-z0-9-]+$"},
                "detail": TEXT,
                "try": TEXT,
                "clause": TEXT,
            },
            required=("type", "title", "status", "code", "detail", "try"),
        ),
    }


def _order() -> Schema:
    return shape(
        {
            "order_id": TEXT,
            "portal": TEXT,
            "game_id": TEXT,
            "user_id": TEXT,
            "product_id": TEXT,
            "state": _named(("created", "paid", "failed")),
            "paid": FLAG,
            "arrivedStatus": {"type": "integer", "enum": [0, 1]},
            "refundStatus": nullable(_REFUND_STATUS),
            "external_id": nullable(TEXT),
            "created_at_s": INTEGER,
            "paid_at_s": nullable(INTEGER),
            "refunded_at_s": nullable(INTEGER),
            "archived": FLAG,
        }
    )


def _delivery() -> dict[str, Schema]:
    return {
        "delivery_id": TEXT,
        "portal": TEXT,
        "game_id": TEXT,
        "order_id": TEXT,
        "kind": _named(("pay", "refund")),
        "url": nullable(TEXT),
        "mode": _named(("scheduled", "lost", "manual")),
        "state": _named(("pending", "delivered", "failed", "lost", "cancelled")),
        "body_b64": TEXT,
        "signature_header": nullable(TEXT),
        "attempts_made": INTEGER,
        "next_at_s": nullable(NUMBER),
        "created_at_s": NUMBER,
    }


def _attempt(request: Schema, reply: Schema) -> Schema:
    ack = shape({"accepted": FLAG, "code": nullable(TEXT), "reason": TEXT, "note": nullable(TEXT)})
    return shape(
        {
            "attempt": INTEGER,
            "at_s": NUMBER,
            "elapsed_ms": NUMBER,
            "request": request,
            "reply": nullable(reply),
            "error": nullable(TEXT),
            "ack": ack,
            "cause": _named(("schedule", "resend", "manual")),
            "journal_seq": INTEGER,
        }
    )


def _entry(request: Schema, reply: Schema) -> Schema:
    texts = ("game_id", "order_id", "user_id", "external_id", "delivery_id", "error", "fault_id")
    return shape(
        {
            "seq": INTEGER,
            "at_s": NUMBER,
            "elapsed_ms": NUMBER,
            "workspace": TEXT,
            "portal": nullable(TEXT),
            "dir": _named(("in", "out", "control")),
            "endpoint": TEXT,
            **dict.fromkeys(texts, nullable(TEXT)),
            "attempt": nullable(INTEGER),
            "request": request,
            "reply": nullable(reply),
            "verdict": nullable(shape({"code": nullable(TEXT), "reason": TEXT})),
        }
    )
