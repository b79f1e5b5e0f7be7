"""The digests of the keys that ship with the sandbox; anybody can sign with them.

The verifier refuses a token under one of these keys unless it is told that it is being tested.
"""

from functools import cache
from importlib.resources import files


@cache
def test_key_digests() -> frozenset[str]:
    """SHA-256 of each test key's SubjectPublicKeyInfo (DER), lowercase hex."""
    lines = (files("coinslot_contracts") / "test_key_digests.txt").read_text("ascii").split("\n")
    return frozenset(line for line in lines if line and not line.startswith("#"))


test_key_digests.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it
