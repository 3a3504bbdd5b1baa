"""The clients for one plan's changes."""

import threading
from typing import Self

from model.call import WriteCloud
from model.fault import Refused
from model.plan import Plan
from pipeline.providers.provider import Scope
from pipeline.tenants.entrance import Entrance


class WriteClients:
    """The clients for one plan's changes, opened as they are needed, closed at the end; threads may share them."""

    def __init__(self, entrance: Entrance, plan: Plan) -> None:
        self._entrance = entrance
        self._needs = plan.needs
        self._lock = threading.Lock()
        self._scopes: dict[str, Scope] = {}
        self._open: dict[str, WriteCloud] = {}

    def of(self, scope: str) -> WriteCloud:
        """Return the client of a scope; raises `Refused` where there is none, or the contract does not allow it."""
        with self._lock:
            if scope not in self._open:
                place = self._place(scope)
                opening = self._entrance.opening(place)
                self._open[scope] = opening.connect_write(place, self._needs, self._entrance.world.clock)
            return self._open[scope]

    def _place(self, scope: str) -> Scope:
        """Return a scope as the tenant's file enters it now; organisations are listed once for all scopes."""
        if not self._scopes:
            self._scopes = {one.id: one for one in self._entrance.scopes().found}
        if scope not in self._scopes:
            raise Refused(f"{scope} is none of the places of {self._entrance.tenant.tenant} any more")
        return self._scopes[scope]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._open.values():
            client.close()
