"""Documents that nobody should have to read: odd numbers, good words in wrong places, nesting, floods."""

import json
from collections.abc import Callable
from typing import Any, Final

from coinslot_testkit.strategies import JSON_VALUES
from hypothesis import strategies as st

MEBIBYTE: Final = 1_048_576
NOW_S: Final = 1_757_905_298

ODD_NUMBERS = [
    "1e400",
    "-1e400",
    "9" * 5_000,
    "1" + "0" * 4_299,
    "-" + "9" * 4_300,
    "NaN",
    "Infinity",
    "1e-400",
]
JSON_TEXTS = JSON_VALUES.map(lambda value: json.dumps(value).encode()) | st.sampled_from(ODD_NUMBERS).map(
    str.encode
)


NAMES = (
    "alg", "kid", "keys", "data", "code", "page", "content", "total", "totalPage", "currentPage", "pageSize",
    "pageNo", "success", "status", "verified", "paytype", "gameId", "orderId", "userId", "productId",
    "arrivedStatus",
    "createTime", "payTime", "refundStatus", "refundTime", "sub", "iss", "iat", "exp", "nbf", "kty", "n",
    "e", "crv",
    "x", "y", "use", "key_ops", "externalId",
)  # fmt: skip
GOOD_VALUES = (
    "200",
    200,
    1,
    0,
    "1220",
    "AQAB",
    "RSA",
    "EC",
    "P-256",
    "sig",
    "verify",
    "A" * 43,
    "pay",
    NOW_S,
    "PAID",
)
MEMBERS = st.dictionaries(
    st.sampled_from(NAMES),
    st.sampled_from(GOOD_VALUES) | JSON_VALUES | st.integers(-(10**400), 10**400) | st.floats(),
)


def document_of(members: dict[str, Any]) -> bytes:
    """Members at every place where some portal has them."""
    inner = json.dumps(members)
    return f'{inner[:-1]}{"," if members else ""}"page":{inner},"keys":[{inner}],"data":{inner}}}'.encode()


DOCUMENTS = MEMBERS.map(document_of)
HOSTILE_BYTES: Final[dict[str, Callable[[], bytes]]] = {
    "a megabyte of brackets": lambda: b"[" * MEBIBYTE,
    "nested 10,000 deep": lambda: b"[" * 10_000 + b"]" * 10_000,
    "objects nested 10,000 deep": lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "nested in data": lambda: b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "a megabyte of quotes": lambda: b'"' * MEBIBYTE,
    "a megabyte of backslashes": lambda: b'"' + b"\\" * MEBIBYTE,
    "a megabyte of digits": lambda: b"9" * (MEBIBYTE - 1),
    "10**5000": lambda: b'{"code":' + b"9" * 5_000 + b"}",
    "4,300 digits": lambda: b'{"code":' + b"9" * 4_300 + b"}",
    "1e400": lambda: b'{"code":1e400}',
    "60,000 keys": lambda: b'{"keys":[' + b"{}," * 60_000 + b"{}]}",
    "a megabyte of text": lambda: b'{"data":"' + b"A" * (MEBIBYTE - 12) + b'"}',
    "a megabyte in two bytes each": lambda: b'{"data":"' + b"\\n" * (MEBIBYTE // 2 - 12) + b'"}',
    "a megabyte of dots": lambda: b"." * MEBIBYTE,
    "dashes": lambda: b"-----BEGIN " * (MEBIBYTE // 11),
    "one byte too long": lambda: b" " * (MEBIBYTE + 1),
    "surrogates": lambda: b'{"data":"\\ud800","orderId":"\\udfff"}',
    "encoded surrogates": lambda: b'{"data":"\xed\xa0\x80"}',
    "NUL": lambda: b"\0" * 100,
}
