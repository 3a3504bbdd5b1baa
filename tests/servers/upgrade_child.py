"""Upgrades a home's stores and kills itself (SIGKILL) before a commit."""

from sqlalchemy import Engine, event

from tests.homes import home_at
from tests.servers.reaper import Reaper


def upgrade(address: str, commit: str) -> None:
    """Upgrade the stores at an address until the commit of a number, counted from 1."""
    reaper = Reaper(f"commit:{commit}")
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    home = home_at(address)
    home.create()
    home.seal_older()
