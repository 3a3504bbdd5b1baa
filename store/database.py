"""One store: how its transactions begin, and which version its tables have. What differs stands in sqlite, postgres."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, TimeoutError

from model.fault import Fault, Refused
from store import schema
from store.damage import CONFUSED, NOTED, Damage, DamagedRow, first_damage
from store.schema import VERSIONS

_MIGRATIONS = Path(__file__).parent / "migrations"
WRITE = "hinomi_write"


class StoreFault(Refused):
    """A store cannot be used as it is."""


class Database(ABC):
    """A store with a version; `read` sees one moment of it, `write` is alone.

    `kind` is `service` or `tenant`, `name` is what people call it by in messages.
    """

    def __init__(self, engine: Engine, kind: str, name: str) -> None:
        self._engine = engine
        self._kind = kind
        self._version = VERSIONS[kind]
        self.name = name
        self.damage = Damage(name)

    @contextmanager
    def read(self, *, whole: bool = False) -> Iterator[Connection]:
        """Yield a connection that sees one moment and changes nothing.

        Rows that cannot be read are left out and noted; for whoever wants the `whole` they are a `StoreFault`.
        """
        with self._refusing(), self._opened(write=False, whole=whole) as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, whole: bool = False) -> Iterator[Connection]:
        """Yield the only writing connection there is; commits at the end, or not at all. `whole` as in `read`."""
        with self._refusing(), self._opened(write=True, whole=whole) as connection, connection.begin():
            yield connection

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep a connection open, for many short transactions in a row.

        SQLite writes its log back into the file whenever the last connection closes: milliseconds each time.
        """
        with self._refusing(), self._connect(write=False):
            yield

    def create(self) -> bool:
        """Make the store or bring it to this program's version; raises `Refused` for a newer or foreign one.

        Returns whether anything was done. It happens in one transaction: killed in the middle, the old version stands.
        """
        self._prepare()
        with self.write() as connection:
            self._make(connection)
            found = self._found(connection)
            self._check(found)
            outdated = found != self._version
            if outdated:
                _migrate(connection, self._kind, "head")
        return outdated

    def fill(self, version: str, rows: Callable[[Connection], None]) -> None:
        """Make the store as it was at a version, with its rows, all or nothing; `create` brings it up from there."""
        self._prepare()
        with self.write() as connection:
            self._make(connection)
            _migrate(connection, self._kind, version)
            rows(connection)

    def check(self) -> None:
        """Refuse a store that is missing, newer, older or foreign: raises `Refused`."""
        if not self.exists():
            raise self._refused("does not exist; run `hinomi init` first")
        with self.read() as connection:
            found = self._found(connection)
            self._check(found)
        if found != self._version:
            raise self._refused("is of an older version; run `hinomi upgrade` to bring it up")

    @abstractmethod
    def exists(self) -> bool:
        """Return whether the store was made."""

    @abstractmethod
    def size(self) -> int:
        """Return how many bytes the store takes on the disk of the home; 0 where it lies elsewhere."""

    @abstractmethod
    def put_aside(self, at: str) -> str:
        """Keep the store under another name, which is returned, so that a new one can be made."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make what has to be there before anybody can connect."""

    @abstractmethod
    def _make(self, connection: Connection) -> None:
        """Make what has to be there before there can be tables."""

    @abstractmethod
    def _connect(self, *, write: bool) -> Connection:
        """Return a connection whose transactions begin as this kind of store needs it."""

    @abstractmethod
    def _problem(self, error: DBAPIError) -> str:
        """Return what is wrong with the store itself, the empty text where the program is wrong."""

    def _opened(self, *, write: bool, whole: bool) -> Connection:
        return self._connect(write=write).execution_options(**{NOTED: None if whole else self.damage})

    def _found(self, connection: Connection) -> str:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")

    def _check(self, found: str) -> None:
        if found > self._version:
            raise self._refused(
                f"was written by a newer version of the program ({found} > {self._version}); use that one"
            )

    def _refused(self, problem: str) -> Refused:
        return StoreFault([Fault(self.name, 0, 0, problem)])

    def _first_damage(self) -> str:
        """Return which row may have confused whoever read it, the empty text where none is damaged."""
        tables = schema.service if self._kind == "service" else schema.tenant
        try:
            with self._connect(write=False) as connection, connection.begin():
                return first_damage(connection, tables) if self._found(connection) == self._version else ""
        except (DBAPIError, *CONFUSED):
            return "what its tables are"

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn what is wrong with the store itself, or with a row of it, into one clear line."""
        try:
            yield
        except DamagedRow as damaged:
            raise self._refused(str(damaged)) from None
        except CONFUSED:
            if name := self._first_damage():
                raise self._refused(str(DamagedRow(name))) from None
            raise
        except TimeoutError:
            raise self._refused("cannot be used: too many wait for it") from None
        except DBAPIError as error:
            if problem := self._problem(error):
                raise self._refused(problem) from None
            if name := self._first_damage():
                raise self._refused(str(DamagedRow(name))) from None
            raise


class Stores(Protocol):
    """The stores of one installation: SQLite files in its home, or schemas in one PostgreSQL database."""

    def close(self) -> None:
        """Close what waits for use."""
        ...

    def service(self) -> Database:
        """Return the service's own store."""
        ...

    def tenant(self, tenant: str) -> Database:
        """Return a tenant's store."""
        ...


def _migrate(connection: Connection, kind: str, version: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_locations", str(_MIGRATIONS / kind / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)
