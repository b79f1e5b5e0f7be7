"""A database that does not take a row, as one error that a caller without SQLAlchemy can name.

It knows nothing of grants; whatever a driver says may hold values, so only the kind of the failure is told.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError


class LedgerUnavailable(Exception):
    """The ledger's database did not answer or did not take it; nothing was committed."""


@contextmanager
def ledger_trouble() -> Iterator[None]:
    """Run a block that uses the ledger; LedgerUnavailable where its database fails in it."""
    try:
        yield
    except SQLAlchemyError as error:
        raise LedgerUnavailable(f"the ledger's database failed: {type(error).__name__}") from None
