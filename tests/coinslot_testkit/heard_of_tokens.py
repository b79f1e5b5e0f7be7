"""Which variant of each dialect of Jogos' user system is heard on the wire, by name of the dialect."""

import gzip
import json
import re
import time
from collections.abc import Callable
from typing import Any

from coinslot_testkit.dialect_ears import BASE64, Ears, key_in, under

BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
WRAPPED = "\n".join((BEGIN, *["<64>"] * 6, "<8>", END))
FRAMES = {
    f"{BEGIN}\n<392>\n{END}": "pem",
    f"{BEGIN}\n<392>\n{END}\n": "pem-trailing-newline",
    WRAPPED: "pem-64-columns",
    WRAPPED + "\n": "pem-64-columns-trailing-newline",
    f"{BEGIN}\r\n<392>\r\n{END}": "pem-crlf",
    f"{BEGIN}<392>{END}": "pem-without-newlines",
    f"{BEGIN} <392> {END}": "pem-spaces",
    f"{BEGIN}\\<393>\\n{END}": "pem-backslash-n",  # the n before the Base64 looks like a part of it
    "-----BEGIN RSA PUBLIC KEY-----\n<360>\n-----END RSA PUBLIC KEY-----": "pem-pkcs1",
    "<392>": "bare-base64",
}
TEXT = "the key's text"


def key_form(ears: Ears) -> str:
    """The frame around the Base64, and that it is the key under which tokens verify."""
    text = json.loads(ears.key_reply().body)["data"]
    assert under(key_in(text), ears.new_token(), "RS256")["iss"] == "com:jogos:sdk"
    return FRAMES[BASE64.sub(lambda found: f"<{len(found[0])}>", text)]


def key_document(ears: Ears) -> str:
    """What stands around the key's text."""
    reply = ears.key_reply()
    body = reply.body.decode()
    if not body.startswith("{"):
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert key_in(body)
        return "bare-text"
    document = json.loads(body, object_hook=_without_key)
    known = {
        "data": {"data": TEXT},
        "envelope": {"code": "200", "msg": "Success", "data": TEXT},
        "public-key": {"publicKey": TEXT},
        "nested": {"data": {"publicKey": TEXT}},
    }
    (name,) = [name for name, shape in known.items() if shape == document]
    return name


def _without_key(members: dict[str, Any]) -> dict[str, Any]:
    is_key = {name: isinstance(value, str) and value.startswith(BEGIN) for name, value in members.items()}
    return {name: TEXT if is_key[name] else value for name, value in members.items()}


def key_encoding(ears: Ears) -> str:
    """The first bytes; whoever cannot read gzip never gets it."""
    plain, reply = ears.key_reply(), ears.key_reply(Accept_Encoding="br, gzip")
    assert json.loads(plain.body.decode("utf-8-sig"))["data"]
    if reply.headers.get("Content-Encoding") == "gzip":
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(reply.body) == plain.body
        return "gzip"
    assert reply.body == plain.body
    return "byte-order-mark" if reply.body.startswith(b"\xef\xbb\xbf") else "plain"


def token_header(ears: Ears) -> str:
    """Which members the header has."""
    header, _ = ears.token()
    assert header["alg"] == "RS256"
    assert header.get("typ", "JWT") == "JWT"
    assert header.get("kid", "x")
    return "-".join(header)


def token_lifetime(ears: Ears) -> str:
    """From iat to exp."""
    _, claims = ears.token()
    lifetime_s = claims["exp"] - claims["iat"] if "exp" in claims else None
    return {3600: "one-hour", 3_600_000: "thousand-hours", None: "endless"}[lifetime_s]


def token_times(ears: Ears) -> str:
    """Which unit makes iat about now and exp an hour later."""
    _, claims = ears.token()
    unit = {10: 1, 13: 1000}[len(str(claims["iat"]))]
    assert abs(claims["iat"] / unit - time.time()) < 60
    assert claims["exp"] - claims["iat"] == 3600 * unit
    return {1: "seconds", 1000: "milliseconds"}[unit]


def token_user(ears: Ears) -> str:
    """Where the user stands."""
    _, claims = ears.token()
    name = {str: "text", dict: "object", type(None): "flat"}[type(claims.get("sub"))]
    user = {
        "text": lambda: json.loads(claims["sub"]),
        "object": lambda: claims["sub"],
        "flat": lambda: claims,
    }
    assert (user[name]()["userId"], user[name]()["username"]) == ("257", "someone")
    return name


def token_ids(ears: Ears) -> str:
    """Their types."""
    user = json.loads(ears.token()[1]["sub"])
    assert (str(user["userId"]), str(user["gameId"])) == ("257", ears.client.game_id)
    types = type(user["userId"]), type(user["gameId"])
    return {(str, str): "text", (int, int): "number", (str, int): "game-number"}[types]


def token_jti(ears: Ears) -> str:
    """Its type, and whether two tokens have the same."""
    first, second = (ears.token()[1].get("jti") for _ in range(2))
    if first is None:
        return "absent"
    assert re.fullmatch(r"\d{19}", str(first))
    if first == second:
        return "repeated"
    return {str: "text", int: "number"}[type(first)]


def token_issuer(ears: Ears) -> str:
    """iss."""
    return {"com:jogos:sdk": "sample", None: "absent"}[ears.token()[1].get("iss")]


def token_audience(ears: Ears) -> str:
    """aud."""
    return {ears.client.game_id: "game-id", None: "absent"}[ears.token()[1].get("aud")]


HEARD_OF_TOKENS: dict[str, Callable[[Ears], str]] = {
    look.__name__: look
    for look in (
        key_form,
        key_document,
        key_encoding,
        token_header,
        token_lifetime,
        token_times,
        token_user,
        token_ids,
        token_jti,
        token_issuer,
        token_audience,
    )
}
