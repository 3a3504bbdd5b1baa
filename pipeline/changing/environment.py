"""The clients for one plan's changes."""

import threading
from typing import Self

from model.call import WriteCloud
from model.fault import Refused
from model.plan import Plan
from model.tenant import Tenant
from pipeline.providers.provider import Scope, opening_of
from pipeline.tenants.scopes import scopes_of
from pipeline.world import World


class WriteClients:
    """The clients for one plan's changes, opened as they are needed, closed at the end; threads may share them."""

    def __init__(self, world: World, tenant: Tenant, plan: Plan) -> None:
        self._world = world
        self._tenant = tenant
        self._needs = plan.needs
        self._lock = threading.Lock()
        self._scopes: dict[str, Scope] = {}
        self._open: dict[str, WriteCloud] = {}

    def of(self, scope: str) -> WriteCloud:
        """Return the client of a scope; raises `Refused` where there is none."""
        with self._lock:
            if scope not in self._open:
                place = self._place(scope)
                opening = opening_of(place, self._world.providers)
                self._open[scope] = opening.connect_write(place, self._needs, self._world.clock)
            return self._open[scope]

    def _place(self, scope: str) -> Scope:
        """Return a scope as the tenant's file enters it now; organisations are listed once for all scopes."""
        if not self._scopes:
            self._scopes = {one.id: one for one in scopes_of(self._world, self._tenant).found}
        if scope not in self._scopes:
            raise Refused(f"{scope} is none of the places of {self._tenant.tenant} any more")
        return self._scopes[scope]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._open.values():
            client.close()
