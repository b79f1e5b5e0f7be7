"""Ids and other chance from one seed: the same seed gives the same ids in the same order.

The n-th id of a kind is a digest of (seed, kind, n), and n comes from a counter that the store keeps, so
that an id never comes twice from one store, whatever happens in between.
"""

import hashlib
from collections.abc import Callable

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def number_of(*parts: object) -> int:
    """A 256-bit number that depends on nothing but the parts."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def text_of(number: int, length: int) -> str:
    """So many alphanumerics (at most 42) out of a 256-bit number."""
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[index])
    return "".join(characters)


def base36_of(number: int, length: int) -> str:
    """So many lower-case letters and digits (at most 49) out of a 256-bit number."""
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(BASE36))
        characters.append(BASE36[index])
    return "".join(characters)


class Ids:
    """Draws ids.

    seed         of the workspace
    next_number  name of a counter -> its next number, from 0
    """

    def __init__(self, *, seed: int, next_number: Callable[[str], int]) -> None:
        self.seed = seed
        self._next_number = next_number

    def sequence(self, kind: str) -> int:
        """The next number of this kind, from 0."""
        return self._next_number(kind)

    def text(self, kind: str, length: int) -> str:
        """The next id of this kind, as alphanumerics."""
        return text_of(number_of(self.seed, kind, self._next_number(kind)), length)

    def decimal(self, kind: str, *, least: int, most: int) -> str:
        """The next id of this kind, as a decimal number; two may be equal, so the caller checks."""
        return str(least + number_of(self.seed, kind, self._next_number(kind)) % (most - least + 1))
