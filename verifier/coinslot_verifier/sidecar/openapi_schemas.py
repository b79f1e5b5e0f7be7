"""The bodies that the sidecar takes and answers with, as JSON Schema."""

from typing import Any, Final

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000-\\u001f]+$"}
TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
MAYBE_WHOLE: Final[Schema] = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
BASE64: Final[Schema] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
FLAG: Final[Schema] = {"type": "boolean"}
PRODUCTS: Final[Schema] = {
    "type": ["array", "null"],
    "items": TEXT,
    "description": "What the game sells; null or absent: whatever is paid for.",
}


def ref(name: str) -> Schema:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": item}


def shape(members: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object of exactly these members."""
    return {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def wish(members: dict[str, Schema], *, required: tuple[str, ...] = ()) -> Schema:
    """A call's body; members that it does not name are passed over."""
    return {"type": "object", "properties": members, "required": list(required)}


_PAIRS: Final[Schema] = listed({"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2})
_NAMED: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"anyOf": [TEXT, listed(TEXT)]},
}
_FACT: Final[dict[str, Schema]] = {
    "kind": {"enum": ["pay", "refund"]},
    "game_id": TEXT,
    "order_id": ID,
    "user_id": ID,
    "product_id": ID,
    "arrived_status": {"type": "integer"},
    "created_at_s": WHOLE,
    "paid_at_s": WHOLE,
    "refund_status": {"enum": [0, 1, 2, 3, None]},
    "refunded_at_s": MAYBE_WHOLE,
}
_OUTCOME: Final[Schema] = {
    "enum": [
        "granted",
        "already-granted",
        "refunded-before",
        "revoked",
        "already-revoked",
        "remembered",
        "nothing",
    ]
}
_MAYBE_OUTCOME: Final[Schema] = {"enum": [*_OUTCOME["enum"], None]}
_MAYBE_SETTLEMENT: Final[Schema] = {"anyOf": [ref("Settlement"), {"type": "null"}]}

SCHEMAS: Final[dict[str, Schema]] = {
    "IdentityCall": wish({"token": {**TEXT, "description": "As the player's client sent it."}}),
    "NotificationCall": wish(
        {
            "body_b64": {
                **BASE64,
                "description": "The raw bytes as they arrived, never parsed and rewritten.",
            },
            "signature": {**MAYBE_TEXT, "description": "The raw value of the portal's signature header."},
            "headers": {
                "anyOf": [_PAIRS, _NAMED, {"type": "null"}],
                "description": "Instead of `signature`: all headers of the portal's request.",
            },
            "apply": {"type": ["boolean", "null"], "description": "Grant or revoke in the sidecar's ledger."},
            "products": PRODUCTS,
        },
        required=("body_b64",),
    ),
    "PurchaseCall": wish(
        {
            "jwt": {**TEXT, "description": "As the player's client sent it."},
            "user_id": {
                **ID,
                "description": "The player of your session: the purchase is granted by its intent.",
            },
            "external_id": {
                **TEXT,
                "description": "Without user_id: what you opened it with for this player.",
            },
        }
    ),
    "IntentCall": wish({"user_id": ID, "product_id": ID}, required=("user_id", "product_id")),
    "ConfirmCall": wish({"order_id": ID}, required=("order_id",)),
    "ApplyCall": wish(
        {
            "notification": {
                **wish(
                    {name: schema for name, schema in _FACT.items() if name != "game_id"},
                    required=("kind", "order_id", "user_id", "product_id"),
                ),
                "description": "As /notification answered it. Never what a client or an unsigned body says.",
            }
        },
        required=("notification",),
    ),
    "OutboxCall": wish({"limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 100}}),
    "ReconcileCall": wish(
        {
            "products": PRODUCTS,
            "every_s": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 31_536_000,
                "description": "How long a confirmed purchase is left in peace; 86,400 where not given.",
            },
            "from_order": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 2_000_000,
                "description": "`next_order` of the answer before, to go on with a list that takes several "
                "runs; 0 where not given, which is the list's start.",
            },
        }
    ),
    "Identity": shape(
        {
            "user_id": TEXT,
            "game_id": TEXT,
            "username": TEXT,
            "picture_url": TEXT,
            "issued_at_s": MAYBE_WHOLE,
            "expires_at_s": MAYBE_WHOLE,
            "issuer": MAYBE_TEXT,
            "token_id": MAYBE_TEXT,
            "claims": {"type": "object"},
        }
    ),
    "Notification": shape(_FACT),
    "Settlement": shape(
        {"order_id": ID, "user_id": TEXT, "product_id": TEXT, "outcome": _OUTCOME, "flagged": FLAG}
    ),
    "Reply": shape({"status": {"type": "integer"}, "headers": _PAIRS, "body_b64": BASE64}),
    "Taken": shape(
        {
            "notification": ref("Notification"),
            "outcome": _MAYBE_OUTCOME,
            "settlement": _MAYBE_SETTLEMENT,
            "reply": ref("Reply"),
        }
    ),
    "Intent": shape({"external_id": ID, "user_id": ID, "product_id": ID, "opened_at_s": {"type": "number"}}),
    "Purchase": shape(
        {
            "order_id": ID,
            "external_id": TEXT,
            "claims": {"type": "object"},
            "outcome": _MAYBE_OUTCOME,
            "settlement": _MAYBE_SETTLEMENT,
        }
    ),
    "Order": shape(
        {
            "order_id": ID,
            "user_id": TEXT,
            "product_id": TEXT,
            "arrived_status": {"type": "integer"},
            "paid_at_s": WHOLE,
            "refund_status": {"type": ["integer", "null"]},
            "refunded_at_s": MAYBE_WHOLE,
        }
    ),
    "Items": shape(
        {
            "user_id": ID,
            "items": listed(shape({"product_id": TEXT, "quantity": {"type": "integer", "minimum": 1}})),
        }
    ),
    "OutboxRun": shape(
        {
            "confirmed": listed(ID),
            "postponed": listed(shape({"order_id": ID, "code": TEXT})),
            "next_due_at_s": {"type": ["number", "null"]},
        }
    ),
    "Reconciled": shape(
        {
            "orders": {**WHOLE, "description": "How many the portal listed in this run."},
            "changes": {
                **listed(ref("Settlement")),
                "description": "All that this run changed, however it ended; no other run tells it.",
            },
            "skipped": {
                **listed(ref("Order")),
                "description": "Paid orders of products that `products` does not list: nothing was granted.",
            },
            "is_complete": {**FLAG, "description": "Whether nothing is left to do now."},
            "code": {
                **MAYBE_TEXT,
                "description": "The error that ended the run; null where there was none, and its time was up "
                "if it is not complete.",
            },
            "next_order": {
                **MAYBE_WHOLE,
                "description": "`from_order` of the call that goes on with the list; null at its end.",
            },
        }
    ),
    "Ready": shape(
        {
            "ready": FLAG,
            "portals": {
                "type": "object",
                "additionalProperties": shape({"keys": MAYBE_TEXT, "ledger": MAYBE_TEXT}),
                "description": "ok, a code, null where there is none; not-seen-yet while first looking.",
            },
        }
    ),
    "Problem": {
        "type": "object",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "code": {**TEXT, "description": "Stable; what programs compare."},
            "detail": TEXT,
            "try": {**TEXT, "description": "What the caller can do."},
            "reply": {**ref("Reply"), "description": "Of /notification: the answer to send to the portal."},
        },
        "required": ["type", "title", "status", "code", "detail", "try"],
    },
}
"""Name -> schema; requests end in Call."""
