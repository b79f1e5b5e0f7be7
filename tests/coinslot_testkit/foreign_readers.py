"""A portal's key document, read by tools that share no code with us.

Give it the body of publicKey.json, from the contracts or from a running sandbox, and a token under that key.
Callers carry `@pytest.mark.tool("jsonwebtoken")` or `@pytest.mark.tool("java")`.
"""

import json
from typing import Any

from coinslot_testkit.tools import VECTORS, run


def read_by_jsonwebtoken(key_document: bytes, token: str, *, at_s: float) -> dict[str, Any]:
    """The claims as the Node library sees them; AssertionError where it refuses key or token."""
    printed = run(["node", VECTORS / "read_key.mjs", token, str(int(at_s))], stdin=key_document)
    claims: dict[str, Any] = json.loads(printed)
    return claims


def read_by_jdk(key_document: bytes, token: str) -> dict[str, Any]:
    """The claims as JDK code sees them that cuts the key at 27 and 25 characters; AssertionError likewise."""
    text = json.loads(key_document)["data"]
    claims: dict[str, Any] = json.loads(run(["java", VECTORS / "ReadKey.java", token], stdin=text.encode()))
    return claims
