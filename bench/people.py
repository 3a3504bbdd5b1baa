"""People with tokens for what is measured: added, enrolled and signed in as anybody is."""

from collections.abc import Mapping
from pathlib import Path

from catalog import access
from catalog.folder import config_folder
from demo.change import enlist
from model.person import HOST
from people.local import Passwords
from pipeline.access.authorization import Authorizer
from pipeline.access.people import Register
from pipeline.access.sign_in import Gate
from pipeline.clock import SystemClock
from pipeline.installation import open_home, service_key


def tokens(home: Path, tenant: str, roles: Mapping[str, str], passwords: Passwords | None = None) -> dict[str, str]:
    """Return a token for each person, added with the role beside their name."""
    stores, table, clock = open_home(home), access.load(config_folder()), SystemClock()
    gate = Gate(stores.service, lambda: service_key(home), clock, passwords)
    return enlist(Register(Authorizer(stores, table, HOST, clock), table, clock), gate, tenant, roles)
