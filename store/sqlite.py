"""Stores as SQLite files (WAL): one for the service, one for each tenant."""

import codecs
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from store.damage import NO_TEXT
from store.database import WRITE, Database

codecs.register_error("hinomi-no-text", lambda error: (NO_TEXT, getattr(error, "end", 0)))
# One text that is none would end a whole query; so it is marked, and the row that has it is left out.
_TEXT = partial(str, encoding="utf-8", errors="hinomi-no-text")
_OF_THE_FILE = ("unable to open", "readonly", "disk", "locked", "permission")


class SqliteFolder:
    """The stores of one installation, as files of its home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        """Do nothing: no connection waits for use."""

    def service(self) -> Database:
        """Return the service's own store."""
        return SqliteDatabase(self._folder / "service.sqlite", "service")

    def tenant(self, tenant: str) -> Database:
        """Return a tenant's store."""
        return SqliteDatabase(self._folder / "tenants" / f"{tenant}.sqlite", "tenant")


class SqliteDatabase(Database):
    """A store in one file; writers take it by BEGIN IMMEDIATE."""

    def __init__(self, file: Path, kind: str) -> None:
        super().__init__(_engine(file), kind, str(file))
        self._file = file

    def exists(self) -> bool:
        """Return whether there is a file with something in it."""
        return self._file.exists() and self._file.stat().st_size > 0

    def size(self) -> int:
        """Return how many bytes the file takes, with what of it is in its write-ahead log."""
        files = (self._file, self._file.with_name(f"{self._file.name}-wal"))
        return sum(one.stat().st_size for one in files if one.exists())

    def put_aside(self, at: str) -> str:
        """Rename the file by the moment `at`; what its write-ahead log holds goes into it first. Return its new name.

        Raises `Refused` while somebody uses it.
        """
        with closing(sqlite3.connect(self._file, timeout=5, isolation_level=None)) as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise self._refused("is in use; stop `hinomi serve` and whatever else reads it")
        aside = self._file.with_name(f"{self._file.name}.before-{at.replace(':', '')}")
        self._file.rename(aside)
        for left in ("-wal", "-shm"):
            self._file.with_name(self._file.name + left).unlink(missing_ok=True)
        return str(aside)

    def _prepare(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._file.exists():
            self._file.touch(mode=0o600)

    def _make(self, connection: Connection) -> None:
        pass

    def _connect(self, *, write: bool) -> Connection:
        return self._engine.connect().execution_options(**{WRITE: write})

    def _problem(self, error: DBAPIError) -> str:
        said = str(error.orig)
        if isinstance(error, OperationalError) and any(word in said for word in _OF_THE_FILE):
            return f"cannot be used: {said}"
        if "not a database" in said or "malformed" in said:
            return "is no Hinomi store (damaged, or another file)"
        return ""


def _engine(file: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.text_factory = _TEXT
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql(f"BEGIN {'IMMEDIATE' if write else 'DEFERRED'}")
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if write else 'ON'}")

    return engine
