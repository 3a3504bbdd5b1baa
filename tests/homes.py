"""Homes for tests: stores at an address, and what an attacker with the database's password does to them."""

from functools import lru_cache
from pathlib import Path

from sqlalchemy import text

from model.canonical import instant
from model.clock import Clock
from pipeline.turn import Turn, take_turn
from store.database import Stores
from store.home import Home
from store.postgres import PostgresSchemas
from store.sqlite import SqliteFolder


@lru_cache(maxsize=1)
def stores_at(address: str) -> Stores:
    """Return the stores of a folder or of a PostgreSQL URL; an address travels to other processes."""
    return PostgresSchemas(address) if address.startswith("postgresql:") else SqliteFolder(Path(address))


def home_at(address: str) -> Home:
    return Home(stores_at(address))


def a_turn(home: Home, clock: Clock, tenant: str = "aozora") -> Turn:
    """Return a turn at the tenant's scan of this moment."""
    return take_turn(home, f"scan:{tenant}", instant(clock.now()), "p")


def tamper(address: str, store: str, *statements: str) -> None:
    """Change a store behind the program's back; `store` is a tenant, or empty for the service's own."""
    stores = stores_at(address)
    database = stores.tenant(store) if store else stores.service()
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))
