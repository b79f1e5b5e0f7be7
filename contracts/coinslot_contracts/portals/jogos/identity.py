"""The user system: a token whose `sub` is the user as JSON text, and the key that checks it.

clauses   jogos:user.2 (where the key is), jogos:user.3 (how to verify), jogos:user.4 (the samples' layout)
"""

import base64
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Final

from coinslot_contracts.domain import Identity, Player
from coinslot_contracts.errors import FieldInvalid, FieldMissing, Refused, SubInvalid
from coinslot_contracts.fields import INT64_MAX, decimal_id, text
from coinslot_contracts.json_bytes import JsonInvalid, dump_compact, parse_json_object
from coinslot_contracts.portal import IdentityPart, PublishedKey
from coinslot_contracts.portals.jogos import dialect_tokens

ISSUER: Final = "com:jogos:sdk"
ALGORITHM: Final = "RS256"
KEY_TEXT_CHARS_MAX: Final = 16_384
_EPOCH_MS: Final = 1_288_834_974_657
_BEGIN: Final = "-----BEGIN PUBLIC KEY-----"
_END: Final = "-----END PUBLIC KEY-----"
_BEGIN_RSA: Final = "-----BEGIN RSA PUBLIC KEY-----"
_END_RSA: Final = "-----END RSA PUBLIC KEY-----"
_RSA_IDENTIFIER: Final = bytes.fromhex("300d06092a864886f70d0101010500")


def header(kid: str) -> dict[str, Any]:  # noqa: ARG001 - Jogos names no key in its tokens
    """The JOSE header of the document's sample: the algorithm and nothing else, so no `kid`."""
    return {"alg": ALGORITHM}


def token_id(at_ms: int, sequence: int) -> str:
    """A `jti` like the sample's: a 64-bit time-ordered number, as a string because it exceeds 2^53.

    at_ms      milliseconds since 1970
    sequence   0 to 4,095; keeps the ids of one millisecond apart
    """
    return str(((at_ms - _EPOCH_MS) << 22) | (sequence & 0xFFF))


def claims(
    *, player: Player, game_id: str, issued_at_s: int, expires_at_s: int | None, token_id: str
) -> dict[str, Any]:
    """The claims of a user token in the order of the document's sample; without exp where it never ends.

    clause   jogos:user.4 (lines 57 and 101-104): the user is a JSON text inside `sub`, all members strings
    """
    user = {
        "profilePictureUrl": player.picture_url,
        "gameId": game_id,
        "userId": player.user_id,
        "username": player.username,
    }
    return {
        "jti": token_id,
        "sub": dump_compact(user).decode(),
        "iss": ISSUER,
        "iat": issued_at_s,
        **({} if expires_at_s is None else {"exp": expires_at_s}),
    }


def change_user(good: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The claims with members of the user JSON replaced; None drops a member."""
    user = parse_json_object(good["sub"]) | dict(changes)
    kept = {name: value for name, value in user.items() if value is not None}
    return {**good, "sub": dump_compact(kept).decode()}


def _sub_as_object(good: Mapping[str, Any]) -> dict[str, Any]:
    return {**good, "sub": parse_json_object(good["sub"])}


CLAIM_DEFECTS: Final[dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "other-game": lambda good: change_user(good, {"gameId": "1"}),
    "issuer-other": lambda good: {**good, "iss": "com:other:sdk"},
    "sub-not-json": lambda good: {**good, "sub": "player 257"},
    "sub-object": _sub_as_object,
    "sub-no-user-id": lambda good: change_user(good, {"userId": None}),
}


def parse_identity(
    token_claims: Mapping[str, Any], read_object: Callable[[str], dict[str, Any]] = parse_json_object
) -> Identity:
    """Read the claims of a token whose signature was checked.

    Ids come out as decimal text whether they were sent as strings (the sample) or as numbers.
    read_object   reader of the JSON in `sub`, as strict as `parse_json_object`
    errors   SubInvalid where `sub` is no JSON object text, or lacks a usable userId or gameId
    clause   jogos:user.4 (lines 101-104, 131-136)
    """
    sub = token_claims.get("sub")
    if not isinstance(sub, str):
        raise SubInvalid("sub is not a string that holds the user as JSON")
    try:
        user = read_object(sub)
        return Identity(
            user_id=decimal_id(user, "userId"),
            game_id=decimal_id(user, "gameId"),
            username=_optional_text(user, "username"),
            picture_url=_optional_text(user, "profilePictureUrl"),
            issued_at_s=_optional_time(token_claims, "iat"),
            expires_at_s=_optional_time(token_claims, "exp"),
            issuer=_optional_string(token_claims, "iss"),
            token_id=_optional_string(token_claims, "jti"),
            claims=dict(token_claims),
        )
    except (JsonInvalid, Refused) as error:
        detail = error.detail if isinstance(error, Refused) else str(error)
        raise SubInvalid(f"the user in sub cannot be used: {detail}") from None


def _optional_text(user: Mapping[str, Any], name: str) -> str:
    """Name and picture are decoration: absent is empty, never a reason to refuse a player."""
    value = user.get(name)
    return "" if value is None or value == "" else text(user, name)


def _optional_string(token_claims: Mapping[str, Any], name: str) -> str | None:
    value = token_claims.get(name)
    return value if isinstance(value, str) else None


def _optional_time(token_claims: Mapping[str, Any], name: str) -> int | None:
    value = token_claims.get(name)
    if type(value) is int or type(value) is float:  # a bool is neither
        return int(value) if -INT64_MAX <= value <= INT64_MAX else None
    return None


def _one_line(spki_der: bytes) -> str:
    return base64.b64encode(spki_der).decode()


def _wrapped(spki_der: bytes) -> str:
    return "\n".join((_BEGIN, *textwrap.wrap(_one_line(spki_der), 64), _END))


def _joined(spki_der: bytes, between: str) -> str:
    return between.join((_BEGIN, _one_line(spki_der), _END))


def _pkcs1(spki_der: bytes) -> str:
    """The key alone, as RFC 8017 writes it: what SubjectPublicKeyInfo wraps in a bit string."""
    bits = spki_der.partition(_RSA_IDENTIFIER)[2]
    lengths = max(bits[1] - 0x80, 0)  # a short length stands in one byte, a long one says in how many more
    return "\n".join((_BEGIN_RSA, _one_line(bits[3 + lengths :]), _END_RSA))


KEY_FORMS: Final[dict[str, Callable[[bytes], str]]] = {
    "pem": lambda der: _joined(der, "\n"),
    "pem-trailing-newline": lambda der: _joined(der, "\n") + "\n",
    "pem-64-columns": _wrapped,
    "pem-64-columns-trailing-newline": lambda der: _wrapped(der) + "\n",
    "pem-crlf": lambda der: _joined(der, "\r\n"),
    "pem-without-newlines": lambda der: _joined(der, ""),
    "pem-spaces": lambda der: _joined(der, " "),
    "pem-backslash-n": lambda der: _joined(der, "\\n"),
    "pem-pkcs1": _pkcs1,
    "bare-base64": _one_line,
}
"""The forms of a key's text, by name. The first is the document's (line 53-55) and the default: header, one
newline, Base64 on one line, one newline, footer, nothing after it. It is the only one that the document's
Java sample (27 and 25 characters cut off, strict Base64) and PEM readers both take."""


def dump_public_key(spki_der: bytes, form: str | None = None) -> bytes:
    """The body of publicKey.json: the key's text in the member `data`.

    spki_der  SubjectPublicKeyInfo, DER
    form      a name in KEY_FORMS, default "pem"
    clause    jogos:user.3 (line 16), jogos:user.4 (lines 53-55, 94-96, 140)
    """
    return dump_compact({"data": KEY_FORMS[form or "pem"](spki_der)})


def parse_public_key(body: bytes) -> tuple[PublishedKey, ...]:
    """The one key in a publicKey.json body; members beside `data` are ignored.

    errors   FieldMissing, FieldInvalid
    clause   jogos:user.4 (line 140)
    """
    try:
        document = parse_json_object(body)
    except JsonInvalid as error:
        raise FieldInvalid(f"publicKey.json is {error}") from None
    data = document.get("data")
    if data is None or data == "":
        raise FieldMissing("publicKey.json has no member data")
    if not isinstance(data, str) or len(data) > KEY_TEXT_CHARS_MAX:
        raise FieldInvalid("data in publicKey.json is not a key's text")
    return (PublishedKey(text=data),)


IDENTITY: Final = IdentityPart(
    algorithm=ALGORITHM,
    issuer=ISSUER,
    lifetime_s=dialect_tokens.lifetime_s,
    key_endpoint="jogos.publicKey",
    user_fields={
        "user_id": "userId",
        "game_id": "gameId",
        "username": "username",
        "picture_url": "profilePictureUrl",
    },
    header=header,
    token_id=token_id,
    claims=claims,
    change_user=change_user,
    claim_defects=CLAIM_DEFECTS,
    parse_keys=parse_public_key,
    parse=parse_identity,
    clause="jogos:user.3",
    clauses={
        "key": "jogos:user.2",
        "key-form": "sandbox:key-form",
        "user": "jogos:user.4",
        "game": "jogos:user.4",
        "issuer": "jogos:user.4",
        "audience": "jogos:user.4",
        "kid": "sandbox:no-kid",
    },
    manner=dialect_tokens.MANNER,
    say=dialect_tokens.say,
)
