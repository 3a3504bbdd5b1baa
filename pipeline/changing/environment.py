"""What changing needs of the world: stores, clients, time, and the kill switch."""

import threading
from collections.abc import Callable, Sequence
from typing import Self

from msgspec import Struct

from model.call import WriteCloud
from model.canonical import instant
from model.clock import Clock
from model.plan import Plan
from model.tenant import Tenant
from pipeline.assembly import Catalog
from store.home import Home
from store.tenant import TenantStore

Enter = Callable[[str, Sequence[str]], WriteCloud]


class Hands(Struct, frozen=True):
    """What changing needs: the stores, what we know, the time, and clients for changes by scope and permissions."""

    home: Home
    store: TenantStore
    tenant: Tenant
    catalog: Catalog
    clock: Clock
    enter: Enter

    @property
    def now(self) -> str:
        """Return the present moment."""
        return instant(self.clock.now())


class WriteClients:
    """The clients for one plan's changes, opened as they are needed, closed at the end; threads may share them."""

    def __init__(self, hands: Hands, plan: Plan) -> None:
        self._hands = hands
        self._needs = plan.needs
        self._lock = threading.Lock()
        self._open: dict[str, WriteCloud] = {}

    def of(self, scope: str) -> WriteCloud:
        """Return the client of a scope; raises `Refused` where there is none."""
        with self._lock:
            if scope not in self._open:
                self._open[scope] = self._hands.enter(scope, self._needs)
            return self._open[scope]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._open.values():
            client.close()


def why_stopped(hands: Hands) -> str:
    """Return who has stopped changes, the empty text where nobody has."""
    with hands.home.service.read() as session:
        halt = session.halts.holding(hands.tenant.tenant)
    if halt is None:
        return ""
    whose = f"of {halt.tenant}" if halt.tenant else "of all tenants"
    return f"{halt.person} has stopped the changes {whose}: {halt.reason}"
