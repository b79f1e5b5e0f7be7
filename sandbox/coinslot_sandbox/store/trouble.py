"""What is wrong with the store when it refuses, as a stable name and a sentence.

A full disk is told apart from a store that others hold and from one that fails: the first needs space, the
second patience, the third a look at the machine.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

_FULL: Final = ("SQLITE_FULL", "53100")
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40001", "40P01")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTrouble:
    """Why the store took nothing.

    code    "store-full", "store-busy" or "store-failed"
    remedy  what to do next
    """

    code: str
    says: str
    remedy: str


def trouble_of(error: SQLAlchemyError) -> StoreTrouble:
    """The trouble behind an error of the store."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    name = str(getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or "")
    text = " ".join(str(original).split())
    if name.startswith(_FULL):
        return StoreTrouble(
            code="store-full", says=f"the store is full ({text})", remedy="make space, then call again"
        )
    if name.startswith(_BUSY):
        return StoreTrouble(
            code="store-busy", says=f"the store is held by others ({text})", remedy="call again"
        )
    return StoreTrouble(
        code="store-failed",
        says=f"the store failed ({text})",
        remedy="see that its file can be written and its disk has space, then call again",
    )
