"""Who notifies people of a tenant is alone: two would send them the same."""

import uuid
from datetime import datetime, timedelta

from model.canonical import instant
from pipeline.world import Task, World

_LEASE = "notifying"
# Longer than one attempt in any channel takes.
_HELD_FOR = timedelta(minutes=2)
_LOOK_SECONDS = 0.2


class Alone:
    """The lease of one who notifies people of a task's tenant."""

    def __init__(self, world: World, task: Task) -> None:
        self._world = world
        self._task = task
        self._holder = uuid.uuid4().hex

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
        with self._task.store.observe(instant(now), self._task.person) as writer:
            return writer.leases.hold(_LEASE, self._holder, instant(now), instant(now + _HELD_FOR))

    def ends(self) -> None:
        """Let others notify people."""
        with self._task.store.observe(self._world.now, self._task.person) as writer:
            writer.leases.let_go(_LEASE, self._holder)
