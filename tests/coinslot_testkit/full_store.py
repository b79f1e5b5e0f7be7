"""A store whose disk is full for as long as a test wants it."""

from coinslot_sandbox.store.database import Database
from sqlalchemy import Connection, event


class Fullness:
    """A store that can be filled and emptied: SQLite itself then says that it is full."""

    def __init__(self, database: Database) -> None:
        self._is_full = False
        event.listen(database.engine, "begin", self._begin)

    def fill(self) -> None:
        """No page more, from the next transaction on."""
        self._is_full = True

    def empty(self) -> None:
        """Space again."""
        self._is_full = False

    def _begin(self, connection: Connection) -> None:
        pages = 1 if self._is_full else 2**30
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
