"""People with tokens for what is measured: added, enrolled and signed in as anybody is."""

from collections.abc import Mapping
from pathlib import Path

from catalog import access
from catalog.folder import config_folder
from model.person import HOST
from people.local import Passwords
from pipeline.clock import SystemClock
from pipeline.demo_change import enlist
from pipeline.desk import Authorizer
from pipeline.installation import open_home, service_key
from pipeline.people import Register
from pipeline.sign_in import Gate


def tokens(home: Path, tenant: str, roles: Mapping[str, str], passwords: Passwords | None = None) -> dict[str, str]:
    """Return a token for each person, added with the role beside their name."""
    stores, table, clock = open_home(home), access.load(config_folder()), SystemClock()
    gate = Gate(stores.service, lambda: service_key(home), clock, passwords)
    return enlist(Register(Authorizer(stores, table, HOST), table, clock), gate, tenant, roles)
