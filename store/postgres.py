"""Stores as schemas of one PostgreSQL database: `hinomi` for the service, `hinomi_TENANT` for each tenant."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from model.canonical import digest
from model.fault import Refused
from store.database import WRITE, Database

_SCHEMA = "hinomi_schema"
# As long as SQLite waits for another writer; and how a server is noticed that is not there any more (libpq).
_CONNECTION = {
    "connect_timeout": 10,
    "options": "-c lock_timeout=60s",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}


class PostgresSchemas:
    """The stores of one installation, as schemas of one database; nothing stands in `public`.

    The URL holds no password: libpq finds it by PGPASSFILE, PGPASSWORD or the server's trust in the socket's user.
    """

    def __init__(self, url: str) -> None:
        """Raises `Refused` for a text that is no URL of a PostgreSQL database, or one that holds a password."""
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise Refused("the database is no URL; write it as postgresql://user@host/name") from None
        if parsed.get_backend_name() != "postgresql":
            raise Refused(f"the database is {parsed.get_backend_name()}; only postgresql:// is known")
        if parsed.password or "password" in parsed.query:
            raise Refused("the database's URL holds a password; put it into PGPASSFILE or PGPASSWORD instead")
        self._engine = _engine(parsed.set(drivername="postgresql+psycopg"))

    def close(self) -> None:
        """Close the connections that wait for use."""
        self._engine.dispose()

    def service(self) -> Database:
        """Return the service's own store."""
        return PostgresDatabase(self._engine, "service", "hinomi")

    def tenant(self, tenant: str) -> Database:
        """Return a tenant's store."""
        return PostgresDatabase(self._engine, "tenant", f"hinomi_{tenant}")


class PostgresDatabase(Database):
    """A store in one schema; writers take it by an advisory lock of the transaction."""

    def __init__(self, engine: Engine, kind: str, schema: str) -> None:
        super().__init__(engine, kind, f"PostgreSQL schema {schema}")
        self._schema = schema

    def exists(self) -> bool:
        """Return whether there is a schema."""
        with self.read() as connection:
            return self._there(connection)

    def put_aside(self, at: str) -> str:
        """Rename the schema."""
        aside = f"{self._schema[:48]}~{digest(self._schema, at)[:12]}"  # names have at most 63 bytes
        with self.write() as connection:
            names = (_quoted(connection, name) for name in (self._schema, aside))
            connection.exec_driver_sql("ALTER SCHEMA {} RENAME TO {}".format(*names))
        return aside

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing: connections stay open in the pool, and one that is held would be nobody else's."""
        yield

    def _prepare(self) -> None:
        pass

    def size(self) -> int:
        """Return 0: it does not lie on the disk of a home."""
        return 0

    def _make(self, connection: Connection) -> None:
        if not self._there(connection):
            connection.exec_driver_sql(f"CREATE SCHEMA {_quoted(connection, self._schema)}")

    def _there(self, connection: Connection) -> bool:
        query = text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :name")
        return connection.execute(query, {"name": self._schema}).scalar() is not None

    def _connect(self, *, write: bool) -> Connection:
        return self._engine.connect().execution_options(**{WRITE: write, _SCHEMA: self._schema})

    def _problem(self, error: DBAPIError) -> str:
        state = getattr(error.orig, "sqlstate", None) or ""
        if isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
            return "cannot be used: attempt to write through a readonly session"
        if isinstance(error.orig, psycopg.Error) and not state:  # it never came to a connection
            return f"cannot be used: {str(error.orig).splitlines()[0]}"
        if isinstance(error, OperationalError | InterfaceError) or state.startswith(
            ("08", "28", "3D", "42501", "53", "55P03", "57")
        ):
            return f"cannot be used: {str(error.orig).splitlines()[0]}"
        return ""


def _engine(url: Any) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=4, max_overflow=36, connect_args=_CONNECTION)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        schema = str(options[_SCHEMA])
        if options[WRITE]:
            # The lock comes first: under READ COMMITTED, each later statement sees all that was committed before it.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_lock_number(schema),))
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL search_path TO {_quoted(connection, schema)}")

    return engine


def _lock_number(schema: str) -> int:
    """Return the 64-bit number of a schema's lock."""
    return int.from_bytes(hashlib.sha256(schema.encode()).digest()[:8], "big", signed=True)


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
