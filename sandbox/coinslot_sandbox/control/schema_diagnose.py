"""What control calls about diagnosis may say: hand-written parse functions, one per body."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, invalid
from coinslot_sandbox.diagnosis.public_key import TEXT_CHARS_MAX as KEY_CHARS_MAX
from coinslot_sandbox.diagnosis.received import TEXT_CHARS_MAX as SIGNATURE_CHARS_MAX
from coinslot_sandbox.diagnosis.token_text import TOKEN_CHARS_MAX

BODY_CHARS_MAX: Final = 1_048_576
READ_CHARS_MAX: Final = 4096
MOMENT_S_MAX: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureQuestion:
    """POST /diagnose/signature; `signature` None means that the header was not sent."""

    portal: str
    game_id: str | None
    body: bytes
    signature: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuestion:
    """POST /diagnose/token; `user_id` and `audience` are what the reader made of it and asks for."""

    portal: str | None
    environment: str | None
    game_id: str | None
    token: str
    at_s: float | None
    public_key: str | None = field(repr=False)
    user_id: str | None
    audience: str | None


def parse_signature_question(body: Mapping[str, Any], context: Context) -> SignatureQuestion:
    """POST /diagnose/signature."""
    members = Members(body, known=("body_b64", "body", "signature", "portal", "game"))
    if not members.has("signature"):
        raise members.missing("signature")
    return SignatureQuestion(
        portal=context.portal(members, context.with_callbacks),
        game_id=members.decimal_id("game"),
        body=_bytes(members),
        signature=members.text("signature", chars_max=SIGNATURE_CHARS_MAX, chars_min=0, lines=True),
    )


def _bytes(members: Members) -> bytes:
    """The signed bytes, given as Base64 or as text."""
    encoded = members.text("body_b64", chars_max=BODY_CHARS_MAX, chars_min=0, lines=True)
    text = members.text("body", chars_max=BODY_CHARS_MAX, chars_min=0, lines=True)
    if encoded is not None and text is not None:
        raise invalid("body", "left out where body_b64 is given")
    if text is not None:
        return text.encode()
    if encoded is None:
        raise members.missing("body_b64")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("body_b64", "the raw bytes in Base64") from None


def parse_token_question(body: Mapping[str, Any], context: Context) -> TokenQuestion:
    """POST /diagnose/token."""
    known = ("token", "portal", "environment", "game", "at_s", "public_key", "user_id", "audience")
    members = Members(body, known=known)
    token = members.text("token", chars_max=TOKEN_CHARS_MAX, chars_min=0, lines=True)
    if token is None:
        raise members.missing("token")
    context.portal(members, context.with_keys)  # there must be one, even where none is named
    return TokenQuestion(
        portal=members.choice("portal", context.with_keys),
        environment=members.choice("environment", context.environments),
        game_id=members.decimal_id("game"),
        token=token,
        at_s=members.number("at_s", least=0, most=MOMENT_S_MAX),
        public_key=members.text("public_key", chars_max=KEY_CHARS_MAX, chars_min=0, lines=True),
        user_id=members.text("user_id", chars_max=READ_CHARS_MAX, chars_min=0, lines=True),
        audience=members.text("audience", chars_max=READ_CHARS_MAX, chars_min=0, lines=True),
    )
