"""One SQLite file: how transactions begin, and which version its tables have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from model.fault import Fault, Refused

_MIGRATIONS = Path(__file__).parent / "migrations"
_WRITE = "hinomi_write"


class Database:
    """A file with a version; `read` sees one moment of it, `write` is alone."""

    def __init__(self, file: Path, kind: str, version: str) -> None:
        self._file = file
        self._kind = kind
        self._version = version
        self._engine = _engine(file)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment and changes nothing."""
        with self._refusing(), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("PRAGMA query_only=ON")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield the only writing connection there is (BEGIN IMMEDIATE); commits at the end, or not at all."""
        with (
            self._refusing(),
            self._engine.connect().execution_options(**{_WRITE: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def create(self) -> None:
        """Make the file and bring it to this program's version; raises `Refused` for a newer or foreign one."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._file.exists():
            self._file.touch(mode=0o600)
        with self.write() as connection:
            found = self._found(connection)
            self._check(found)
            if found != self._version:
                _migrate(connection, self._kind)

    def check(self) -> None:
        """Refuse a file that is missing, newer, older or foreign."""
        if not self._file.exists():
            raise Refused([Fault(str(self._file), 0, 0, "does not exist; run `hinomi init` first")])
        with self.read() as connection:
            found = self._found(connection)
            self._check(found)
        if found != self._version:
            raise Refused([Fault(str(self._file), 0, 0, "is of an older version; run `hinomi init` to bring it up")])

    def _found(self, connection: Connection) -> str:
        tables = connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"))
        if not tables.scalar():
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")

    def _check(self, found: str) -> None:
        if found > self._version:
            problem = f"was written by a newer version of the program ({found} > {self._version}); use that one"
            raise Refused([Fault(str(self._file), 0, 0, problem)])

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn what is wrong with the file itself into one clear line."""
        try:
            yield
        except OperationalError as problem:
            said = str(problem.orig)
            if any(word in said for word in ("unable to open", "readonly", "disk", "locked", "permission")):
                raise Refused([Fault(str(self._file), 0, 0, f"cannot be used: {said}")]) from None
            raise
        except DatabaseError as problem:
            if "not a database" in str(problem.orig) or "malformed" in str(problem.orig):
                raise Refused([Fault(str(self._file), 0, 0, "is no Hinomi store (damaged, or another file)")]) from None
            raise


def _engine(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get(_WRITE) else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _migrate(connection: Connection, kind: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_locations", str(_MIGRATIONS / kind / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
