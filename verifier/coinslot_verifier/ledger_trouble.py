"""A database that does not take a row, as the Undecided that a caller without SQLAlchemy can name.

It knows nothing of grants; whatever a driver says may hold values, so only the kind of the failure is told.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from coinslot_contracts.errors import LedgerUnavailable
from sqlalchemy.exc import SQLAlchemyError


@contextmanager
def ledger_trouble() -> Iterator[None]:
    """Run a block that uses the ledger.

    errors   LedgerUnavailable where its database fails
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise LedgerUnavailable(f"the ledger's database failed: {type(error).__name__}") from None
