"""The calls about diagnosis in the OpenAPI document, with the schemas of their bodies."""

from typing import Final

from coinslot_sandbox.control import schema_diagnose as schema
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    FLAG,
    ID,
    INTEGER,
    TEXT,
    Schema,
    between,
    listed,
    named,
    nullable,
    ref,
    shape,
)
from coinslot_sandbox.diagnosis.public_key import TEXT_CHARS_MAX as KEY_CHARS_MAX
from coinslot_sandbox.diagnosis.received import TEXT_CHARS_MAX as SIGNATURE_CHARS_MAX
from coinslot_sandbox.diagnosis.signature_causes import SIGNATURE_CAUSES
from coinslot_sandbox.diagnosis.token_causes import TOKEN_CAUSES
from coinslot_sandbox.diagnosis.token_text import TOKEN_CHARS_MAX

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/diagnose/signature",
        summary="Name the mistake that makes this signature of these bytes; either direction",
        body="SignatureQuestion",
        answers={200: ref("Diagnosis")},
    ),
    Operation(
        method="post",
        path="/diagnose/token",
        summary="Name the mistakes in a user or purchase token, or in how it is read",
        body="TokenQuestion",
        answers={200: ref("Diagnosis")},
    ),
)


def requests(context: Context) -> Schema:
    """Schemas of bodies that are sent to us, by name."""
    signed = {
        "signature": {
            **nullable(_text(SIGNATURE_CHARS_MAX)),
            "description": "the header's value as it came; null where it was not sent",
        },
        "portal": named(context.with_callbacks),
        "game": ID,
    }
    encoded = {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "description": "the raw bytes that were sent",
    }
    return {
        "SignatureQuestion": {
            "anyOf": [
                shape({"body_b64": encoded, **signed}, required=("body_b64", "signature")),
                shape({"body": _text(schema.BODY_CHARS_MAX), **signed}, required=("body", "signature")),
            ]
        },
        "TokenQuestion": shape(
            {
                "token": _text(TOKEN_CHARS_MAX),
                "portal": named(context.with_keys),
                "environment": named(context.environments),
                "game": ID,
                "at_s": between(0, schema.MOMENT_S_MAX),
                "public_key": {
                    **_text(KEY_CHARS_MAX),
                    "description": "the text of the key that the reader uses; its form is looked at",
                },
                "user_id": {
                    **_text(schema.READ_CHARS_MAX),
                    "description": "what the reader took for the user's id",
                },
                "audience": {
                    **_text(schema.READ_CHARS_MAX),
                    "description": "the audience that the reader asks for",
                },
            },
            required=("token",),
        ),
    }


def resources() -> Schema:
    """Schemas of what we answer, by name."""
    causes = sorted({*SIGNATURE_CAUSES, *TOKEN_CAUSES})
    return {
        "Diagnosis": shape(
            {
                "ok": {**FLAG, "description": "a correct reader accepts it"},
                "cause": {
                    **nullable(named(causes)),
                    "description": "null where nothing is wrong or nothing known matched; "
                    "with `ok`, what a stricter reader stumbles over",
                },
                "also": listed(named(causes)),
                "says": TEXT,
                "remedy": TEXT,
                "clause": TEXT,
                "tried": {**INTEGER, "description": "how many mistakes were tried"},
                "notes": listed(TEXT),
            }
        )
    }


def _text(chars_max: int) -> Schema:
    return {"type": "string", "maxLength": chars_max}
