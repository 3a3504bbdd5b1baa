"""Homes for tests: stores at an address, and what an attacker with the database's password does to them."""

import shutil
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from pathlib import Path

from sqlalchemy import text

from pipeline.audit_keys import ArchivedKeys
from store.database import Stores
from store.home import Home
from store.postgres import PostgresSchemas
from store.sqlite import SqliteFolder
from tests.servers.postgres import Server

# What seals audit records in tests: no store has it.
KEYS = ArchivedKeys({"1": bytes(range(32))})


@lru_cache(maxsize=1)
def stores_at(address: str) -> Stores:
    """Return the stores of a folder or of a PostgreSQL URL; an address travels to other processes."""
    return PostgresSchemas(address) if address.startswith("postgresql:") else SqliteFolder(Path(address))


class SqliteHomes:
    """Homes as folders below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def nowhere(self) -> str:
        """Return an address where there is no home yet."""
        return str(self._folder / f"home{next(self._numbers)}")

    def copy(self, address: str) -> str:
        """Return the address of a copy of a home that nobody uses."""
        return shutil.copytree(address, self.nowhere())

    def close(self) -> None:
        """Do nothing: the folder goes with the test."""


class PostgresHomes:
    """Homes as databases of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[str] = []

    def nowhere(self) -> str:
        """Return an address where there is no home yet."""
        return self._made_of("template1")

    def copy(self, address: str) -> str:
        """Return the address of a copy of a home that nobody uses."""
        return self._made_of(address.split("@/")[1].split("?")[0])

    def lasting(self) -> "PostgresHomes":
        """Return homes on the same server that are not removed with these."""
        return PostgresHomes(self._server)

    def close(self) -> None:
        """Remove what was made."""
        for address in self._made:
            stores_at(address).close()
            self._server.drop(address)

    def _made_of(self, template: str) -> str:
        self._made.append(self._server.database(template))
        return self._made[-1]


Homes = SqliteHomes | PostgresHomes


class Originals:
    """Homes that take long to fill, made once for all tests on each kind of store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[type, str], str] = {}

    def copy(self, name: str, homes: Homes, fill: Callable[[Home], None]) -> str:
        """Return the address of a copy for one test; `fill` makes the original where it is the first."""
        key = (type(homes), name)
        if key not in self._made:
            lasting = SqliteHomes(self._folder / name) if isinstance(homes, SqliteHomes) else homes.lasting()
            self._made[key] = lasting.nowhere()
            home = home_at(self._made[key])
            home.create()
            fill(home)
            stores_at(self._made[key]).close()
        return homes.copy(self._made[key])


def home_at(address: str) -> Home:
    return Home(stores_at(address), KEYS)


def tamper(address: str, store: str, *statements: str) -> None:
    """Change a store behind the program's back; `store` is a tenant, or empty for the service's own."""
    stores = stores_at(address)
    database = stores.tenant(store) if store else stores.service()
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))
