"""The calls about purchases, keys and dialects in the OpenAPI document, with the schemas of their bodies."""

from typing import Any, Final

from coinslot_contracts.vocabulary import HOSTILE_TOKENS, KEY_ENTRIES, KEY_ROTATIONS, TOKEN_SIGNERS

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
    TEXT,
    Schema,
    between,
    explained,
    listed,
    named,
    nullable,
    ref,
    shape,
    text,
)
from coinslot_sandbox.control.schema import RAW_CHARS_MAX
from coinslot_sandbox.control.schema_purchases import KEY_FORM, PUBLISH_AFTER_S_MAX
from coinslot_sandbox.jose import form_lies

_KEYS: Final = shape({"keys": listed(ref("Key"))})
_DIALECTS: Final = shape(
    {
        "dialects": {"type": "object", "additionalProperties": ref("Spoken")},
        "known": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": ref("Dialect")},
        },
    }
)

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/purchases",
        summary="The purchase of an order as the client library hands it over, or lists it later",
        body="PurchaseCall",
        answers={200: ref("Purchase")},
        can_conflict=True,
    ),
    Operation(method="get", path="/keys", summary="Every key of every ring", answers={200: _KEYS}),
    Operation(
        method="post",
        path="/keys/rotate",
        summary="Rotate a portal's keys; `format` chooses how they are published from now on",
        body="Rotation",
        answers={200: _KEYS},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/keys/extra",
        summary="Put a further or an odd entry into a portal's published set",
        body="KeyEntry",
        answers={200: _KEYS},
        can_conflict=True,
    ),
    Operation(
        method="put",
        path="/keys/{kid}",
        summary="Publish or withdraw a key, or let it sign",
        body="KeyChange",
        body_optional=True,
        answers={200: _KEYS},
        can_conflict=True,
    ),
    Operation(
        method="get",
        path="/dialects",
        summary="Which variant each portal speaks where its document is silent, and which it could speak",
        answers={200: _DIALECTS},
    ),
    Operation(
        method="put",
        path="/dialects",
        summary="Choose variants of one portal; null goes back to the default",
        body="DialectChoice",
        answers={200: _DIALECTS},
    ),
)


def requests(context: Context) -> Schema:
    """Schemas of bodies that are sent to us, by name."""
    return {
        "PurchaseCall": shape(
            {
                "order": text(255),
                "environment": named(context.environments),
                "jwt": _jwt_wish(context),
                "restored": FLAG,
            },
            required=("order",),
        ),
        "Rotation": _rotation(context),
        "KeyEntry": shape(
            {
                "portal": named(context.with_keys),
                "environment": named(context.environments),
                "kind": explained(KEY_ENTRIES),
            },
            required=("portal", "kind"),
        ),
        "KeyChange": shape({"published": FLAG, "signs": FLAG}, required=()),
        "DialectChoice": _dialect_choice(context),
    }


def resources() -> Schema:
    """Schemas of what we answer, by name."""
    token = {
        "token": TEXT,
        "header": ANY_OBJECT,
        "claims": ANY_OBJECT,
        "expected": named(("accepted", "refused")),
        "error": nullable(TEXT),
        "says": TEXT,
    }
    return {
        "Token": shape(token),
        "Purchase": shape({"purchase": ANY_OBJECT, **token}),
        "Key": shape(
            {
                "portal": TEXT,
                "environment": TEXT,
                "kid": TEXT,
                "kind": named(KEY_ENTRIES),
                "algorithm": TEXT,
                "signs": FLAG,
                "published": FLAG,
                "publish_at_s": nullable(NUMBER),
                "spki_sha256": nullable(TEXT),
                "public_key_pem": nullable(TEXT),
            }
        ),
        "Dialect": shape(
            {
                "default": TEXT,
                "variants": {"type": "object", "additionalProperties": TEXT},
                "clause": TEXT,
                "says": TEXT,
            }
        ),
        "Spoken": {"type": "object", "additionalProperties": TEXT},
    }


def _jwt_wish(context: Context) -> Schema:
    parts = [portal.purchases for portal in context.portals.values() if portal.purchases is not None]
    lies = {name for part in parts for name in form_lies(names_keys="kid" in part.header("any"))}
    says = {name: lie.says for name, lie in HOSTILE_TOKENS.items() if name in lies}
    free = {
        "sign": explained(TOKEN_SIGNERS),
        "header": ANY_OBJECT,
        "claims": ANY_OBJECT,
        "raw": {"type": "string", "maxLength": RAW_CHARS_MAX},
    }
    return {"anyOf": [shape({"hostile": explained(says)}), shape(free, required=())]}


def _rotation(context: Context) -> Schema:
    by_format = [
        {"portal": {"const": name}, "format": explained(portal.dialects[KEY_FORM].variants)}
        for name, portal in context.portals.items()
        if KEY_FORM in portal.dialects
    ]
    how = explained(KEY_ROTATIONS)
    of = {"portal": named(context.with_keys), "environment": named(context.environments)}
    late = {"rotate": {"const": "late"}, "publish_after_s": between(0, PUBLISH_AFTER_S_MAX)}
    return {
        "anyOf": [
            shape({**of, "rotate": how}, required=("rotate",)),
            shape({**of, **late}, required=("rotate",)),
            *(shape({**members, "rotate": how}) for members in by_format),
        ]
    }


def _dialect_choice(context: Context) -> Schema:
    chosen: list[dict[str, Any]] = []
    for portal_name, portal in context.portals.items():
        variants = {name: nullable(explained(dialect.variants)) for name, dialect in portal.dialects.items()}
        chosen.append(shape({"portal": {"const": portal_name}, **variants}, required=("portal",)))
    return {"anyOf": chosen}
