"""A PostgreSQL server of the tests' own: started on a unix socket or a loopback port, gone afterwards.

Its data lives in a temporary folder and is never synced to disk, which a crash of a process does not need.
The server refuses to run as root, so it runs as another user there. Each test gets a schema of its own.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from coinslot_testkit.tools import find_program

USER = "coinslot"
STEP_TIMEOUT_S = 60
SERVANTS = ("postgres", "nobody")
"""Who runs the server where we are root: the first of these that exists."""
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "deadlock_timeout=50ms")


class PostgresServer:
    """One server; `url` gives a database address with a new, empty schema."""

    def __init__(self) -> None:
        self._servant = _servant()
        self._folder = Path(tempfile.mkdtemp(prefix="coinslot-pg-"))
        self._data = self._folder / "data"
        self._numbers = count(1)
        self._where = self._address()
        if self._servant is not None:
            shutil.chown(self._folder, self._servant)
        try:
            self._run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
            options = " ".join(f"-c {setting}" for setting in (*SETTINGS, *self._where["settings"]))
            self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def url(self) -> str:
        """The address of a schema that nobody else uses."""
        import psycopg

        schema = f"s{next(self._numbers)}"
        with psycopg.connect(**self._where["connect"], autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return f"postgresql://{USER}@{self._where['authority']}&options={quote(f'-csearch_path={schema}')}"

    def stop(self) -> None:
        """End it and remove what it wrote."""
        try:
            self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self) -> dict[str, Any]:
        common = {"user": USER, "dbname": "postgres"}
        if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
            folder = str(self._folder)
            return {
                "settings": ("listen_addresses=", f"unix_socket_directories={folder}"),
                "authority": f"/postgres?host={quote(folder, safe='')}",
                "connect": {**common, "host": folder},
            }
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        return {
            "settings": ("listen_addresses=127.0.0.1", f"port={port}"),
            "authority": f"127.0.0.1:{port}/postgres?connect_timeout=10",
            "connect": {**common, "host": "127.0.0.1", "port": port},
        }

    def _run(self, program: str, *arguments: str) -> None:
        path = find_program(program)
        assert path is not None, program
        with (self._folder / "steps").open("ab") as output:
            done = subprocess.run(
                [path, "-D", str(self._data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                timeout=STEP_TIMEOUT_S,
                check=False,
                **_as_user(self._servant),
            )
        if done.returncode:
            said = [file.read_text("utf-8", "replace") for file in self._folder.glob("*") if file.is_file()]
            raise AssertionError(f"{program} failed:\n" + "\n".join(said))


def _servant() -> str | None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in SERVANTS if name in known)


def _as_user(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    import pwd

    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process."""
    server = PostgresServer()
    yield server
    server.stop()
