"""Who notifies people of a tenant is alone: two would send them the same."""

import os
import socket
import uuid
from datetime import datetime, timedelta

from model.canonical import instant
from pipeline.world import World
from store.tenant import TenantStore
from store.writer import Writer

_LEASE = "notifying"
# Longer than one attempt in any channel takes.
_HELD_FOR = timedelta(minutes=2)
_LOOK_SECONDS = 0.2


class Alone:
    """The lease of one who notifies people of a tenant, by its store.

    A process of this machine that has died holds nothing; whoever died elsewhere does until their time is over.
    """

    def __init__(self, world: World, store: TenantStore, person: str) -> None:
        """What is noted of it is the person's."""
        self._world = world
        self._store = store
        self._person = person
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"

    def comes(self, until: datetime) -> bool:
        """Return whether the lease was free `until` a moment; it is held from then on."""
        clock = self._world.clock
        while not self.goes_on():
            if clock.now() >= until:
                return False
            clock.sleep(_LOOK_SECONDS)
        return True

    def goes_on(self) -> bool:
        """Hold the lease for longer; False where somebody else has it."""
        now = self._world.clock.now()
        with self._store.observe(instant(now), self._person) as writer:
            _let_dead_go(writer)
            return writer.leases.hold(_LEASE, self._holder, instant(now), instant(now + _HELD_FOR))

    def ends(self) -> None:
        """Let others notify people."""
        with self._store.observe(self._world.now, self._person) as writer:
            writer.leases.let_go(_LEASE, self._holder)


def _let_dead_go(writer: Writer) -> None:
    holder = writer.leases.holder(_LEASE)
    host, _, rest = holder.partition(":")
    if host == socket.gethostname() and not _is_alive(rest.partition(":")[0]):
        writer.leases.let_go(_LEASE, holder)


def _is_alive(process: str) -> bool:
    """Return whether a process of this machine, by its id, is there; whatever else is found there since counts too."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError, OverflowError):
        return True
    return True
