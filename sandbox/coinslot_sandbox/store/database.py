"""The database: opening it, transactions that begin when they say so, and counters that never repeat.

SQLite runs in WAL mode; writers queue in this process and say BEGIN IMMEDIATE, because a deferred one that
turns into a writer loses updates without an error (measured: 349 of 400 increments).
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.dialects import registry
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from coinslot_sandbox.errors import SandboxStartError
from coinslot_sandbox.store.tables import META, METADATA, SCHEMA_VERSION, SEQUENCES

BUSY_TIMEOUT_S = 10
BLOCK = 1000
"""So many numbers of a counter are reserved at once; a killed process leaves the rest unused."""


class Database:
    """One open store.

    where  a file for SQLite, or a database URL
    """

    def __init__(self, where: Path | str) -> None:
        self.url = _url(where)
        self.is_sqlite = self.url.startswith("sqlite")
        self._writing = threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        self.engine = _open_engine(self.url, is_sqlite=self.is_sqlite)
        self._sequences = _Sequences(self)
        try:
            self._check_schema()
        except (SQLAlchemyError, sqlite3.Error) as error:
            self.engine.dispose()
            raise SandboxStartError(_unusable(where, error)) from None
        except SandboxStartError:
            self.engine.dispose()
            raise

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; committed at the end, rolled back on any error. Never nest it."""
        with self._writing, self.engine.connect() as connection:
            connection.execution_options(coinslot_writes=True)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def next_number(self, name: str) -> int:
        """The next number of a counter, from 0; never call it inside `write`."""
        return self._sequences.next_number(name)

    def forget_numbers(self, prefix: str) -> None:
        """Drop what is reserved of the counters whose names begin so; their rows are gone already."""
        self._sequences.forget(prefix)

    def close(self) -> None:
        """Give back what was reserved and not used, and close every connection."""
        with contextlib.suppress(SQLAlchemyError):
            self._sequences.give_back()
        self.engine.dispose()

    def _check_schema(self) -> None:
        """Lay the tables of a new store, all or none; refuse one of another version."""
        with self.write() as connection:
            if not self.engine.dialect.has_table(connection, META.name):
                for statement in _definitions(self.engine.dialect.name):
                    connection.exec_driver_sql(statement)
                connection.execute(insert(META).values(name="schema", value=str(SCHEMA_VERSION)))
                return
            known = connection.scalar(select(META.c.value).where(META.c.name == "schema"))
            if known != str(SCHEMA_VERSION):
                raise SandboxStartError(
                    f"the store was written by another version (schema {known}, this one has "
                    f"{SCHEMA_VERSION}); take a new file for --store"
                )


class _Sequences:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._blocks: dict[str, tuple[int, int]] = {}

    def next_number(self, name: str) -> int:
        with self._lock:
            first, end = self._blocks.get(name, (0, 0))
            if first == end:
                first = self._reserve(name)
                end = first + BLOCK
            self._blocks[name] = (first + 1, end)
            return first

    def _reserve(self, name: str) -> int:
        here = SEQUENCES.c.name == name
        with self._database.write() as connection:
            taken = connection.execute(
                update(SEQUENCES)
                .where(here)
                .values(next_number=SEQUENCES.c.next_number + BLOCK)
                .returning(SEQUENCES.c.next_number)
            ).scalar()
            if taken is None:
                connection.execute(insert(SEQUENCES).values(name=name, next_number=BLOCK))
                return 0
            return int(taken) - BLOCK

    def forget(self, prefix: str) -> None:
        with self._lock:
            self._blocks = {
                name: block for name, block in self._blocks.items() if not name.startswith(prefix)
            }

    def give_back(self) -> None:
        with self._lock, self._database.write() as connection:
            for name, (first, end) in self._blocks.items():
                connection.execute(
                    update(SEQUENCES)
                    .where(SEQUENCES.c.name == name, SEQUENCES.c.next_number == end)
                    .values(next_number=first)
                )
            self._blocks.clear()


@cache
def _definitions(dialect: str) -> tuple[str, ...]:
    """The statements that lay every table and index; compiled once, which takes longer than to run them."""
    chosen = registry.load(dialect)()  # the other one would take a twentieth of a start
    made: list[CreateTable | CreateIndex] = []
    for table in METADATA.sorted_tables:
        made += [CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=lambda one: str(one.name)))]
    return tuple(str(statement.compile(dialect=chosen)) for statement in made)


def _url(where: Path | str) -> str:
    text = str(where)
    return text if "://" in text else f"sqlite:///{Path(text).absolute().as_posix()}"


def _open_engine(url: str, *, is_sqlite: bool) -> Engine:
    try:
        name = make_url(url).get_backend_name()
        if name not in {"sqlite", "postgresql"}:
            raise SandboxStartError(
                f"a store on {name} is not supported; take a file or postgresql+psycopg://", 2
            )
        if not is_sqlite:
            return create_engine(url, pool_size=16, max_overflow=48, pool_pre_ping=True, hide_parameters=True)
        engine = create_engine(
            url,
            pool_size=16,
            max_overflow=64,
            hide_parameters=True,  # an error is journalled, and a parameter can be a shared key
            connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        )
    except (ArgumentError, ImportError) as error:
        raise SandboxStartError(f"the store's URL cannot be used: {one_line(error)}", 2) from None
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001 - the form of the hook
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("coinslot_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unusable(where: Path | str, error: Exception) -> str:
    return (
        f"the store {where} cannot be used: {one_line(error)}; name a file that can be written with --store"
    )


def one_line(error: BaseException) -> str:
    """What went wrong, without the statement and its values."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())
