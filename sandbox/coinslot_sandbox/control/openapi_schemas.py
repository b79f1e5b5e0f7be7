"""The schemas of the control API's OpenAPI document: what bodies may say and what resources look like.

Names of lies, defects and modes are taken from the vocabulary, so the document never lags behind the code.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from coinslot_contracts.vocabulary import (
    ACK_RULES,
    HOSTILE_TOKENS,
    RETRY_PRESETS,
    TOKEN_SIGNERS,
)

from coinslot_sandbox.control import schema
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.jose import form_lies

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
INTEGER: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
ANY_OBJECT: Final[Schema] = {"type": "object"}
NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"
LATIN_1: Final = r"^[\x20-\x7e\x80-\xff]*$"
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


def named(names: Iterable[str]) -> Schema:
    """One of these names."""
    return {"type": "string", "enum": list(names)}


def explained(names: Mapping[str, str]) -> Schema:
    """One of these names, with what each means."""
    lines = "\n".join(f"- `{name}`: {says}" for name, says in names.items())
    return {**named(names), "description": lines}


def text(chars_max: int, **more: Any) -> Schema:
    """A string of so many characters at most, without control characters."""
    return {"type": "string", "minLength": 1, "maxLength": chars_max, "pattern": NO_CONTROLS, **more}


def header_text(chars_min: int, chars_max: int) -> Schema:
    """A string that can be a header's value."""
    return {"type": "string", "minLength": chars_min, "maxLength": chars_max, "pattern": LATIN_1}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def between(least: float, most: float) -> Schema:
    """A number in a range."""
    return {"type": "number", "minimum": least, "maximum": most}


ID: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": DECIMAL}, _whole(0, 2**63 - 1)],
    "description": "decimal digits, as a string or a number",
}
_HEADER_NAME: Final[Schema] = {"type": "string", "pattern": "^X-[A-Za-z0-9-]{1,60}$"}
HEADERS: Final[Schema] = {
    "type": "object",
    "description": "headers to set; null leaves one out. Framing headers are refused.",
    "propertyNames": _HEADER_NAME,
    "additionalProperties": nullable({"type": "string", "maxLength": 8192, "pattern": "^[ -~]*$"}),
}
_PAIRS: Final = listed({**listed(TEXT), "minItems": 2, "maxItems": 2})
MESSAGE: Final[Mapping[str, Schema]] = {"headers": _PAIRS, "body_b64": TEXT}
"""Headers and body of a request or an answer."""
REFUND_STATUS: Final = {"type": "integer", "enum": [0, 1, 2, 3]}
_RETRY: Final[Schema] = {
    "anyOf": [explained(RETRY_PRESETS), listed(between(0, schema.RETRY_S_MAX))],
    "description": "a preset, or seconds to wait after each failure (sandbox:retry-schedule)",
}
_HANDMADE_RAW: Final[Schema] = {"type": "string", "maxLength": schema.RAW_CHARS_MAX}


def requests(context: Context) -> Schema:
    """Schemas of bodies that are sent to us, by name; those about purchases and keys have their own file."""
    with_callbacks, with_identity = named(context.with_callbacks), named(context.with_identity)
    optional: tuple[str, ...] = ()
    return {
        "Nothing": shape({}),
        "GameChange": shape(
            {
                "portal": with_callbacks,
                "shared_key": nullable(text(1024)),
                "callback_url": nullable({**text(schema.URL_CHARS_MAX), "format": "uri"}),
                "iap_enabled": FLAG,
                "retry": _RETRY,
                "timeout_s": between(*schema.TIMEOUT_S),
                "ack_rule": explained(ACK_RULES),
                "terminal_codes": {**listed(text(1024)), "maxItems": schema.CODES_MAX},
                "environments": {**listed(named(context.environments)), "minItems": 1},
            },
            required=optional,
        ),
        "PlayerWish": shape(
            {"user_id": ID, "username": text(255), "picture_url": text(schema.URL_CHARS_MAX)},
            required=optional,
        ),
        "ProductWish": shape(
            {"product_id": text(255), "title": text(255), "price": _whole(0, 2**31 - 1)},
            required=optional,
        ),
        "TokenCall": shape(
            {
                "player": ID,
                "portal": with_identity,
                "environment": named(context.environments),
                "game": ID,
                "token": _token_wish(context),
            },
            required=("player",),
        ),
    }


def _token_wish(context: Context) -> Schema:
    known: set[str] = set()
    for portal in context.portals.values():
        if portal.identity is not None:
            names_keys = "kid" in portal.identity.header("any")
            known.update(form_lies(names_keys=names_keys), portal.identity.claim_defects)
    lies = {name: lie.says for name, lie in HOSTILE_TOKENS.items() if name in known}
    free = {
        "sign": explained(TOKEN_SIGNERS),
        "header": ANY_OBJECT,
        "claims": ANY_OBJECT,
        "user": ANY_OBJECT,
        "raw": {"type": "string", "maxLength": schema.RAW_CHARS_MAX},
        "ttl_s": between(-schema.TTL_S_MAX, schema.TTL_S_MAX),
    }
    return {"anyOf": [shape({"hostile": explained(lies)}), shape(free, required=())]}


def resources() -> Schema:
    """Schemas of what we answer, by name."""
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
                "ack_rule": TEXT,
                "terminal_codes": listed(TEXT),
                "environments": listed(TEXT),
                "paths": {"type": "object", "additionalProperties": TEXT},
            }
        ),
        "Player": shape({"user_id": TEXT, "username": TEXT, "picture_url": TEXT}),
        "Product": shape({"product_id": TEXT, "title": TEXT, "price": INTEGER}),
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
