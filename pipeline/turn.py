"""One worker's turn at one job."""

from collections.abc import Callable

from msgspec import Struct

from model.canonical import digest
from store.home import Home
from store.rows import Fence


class Turn(Struct, frozen=True):
    """One worker's turn at a job: who asked, for which slot, the lease, and a word at each batch that may end it."""

    job: str
    slot: str
    person: str
    fence: Fence
    go_on: Callable[[], None] = lambda: None

    @property
    def run(self) -> str:
        """Return the run's id: the same for each turn at the same slot."""
        return digest(self.job, self.slot)


def take_turn(home: Home, job: str, slot: str, person: str) -> Turn:
    """Return a turn at a job's slot that nobody else has to agree to: earlier ones at the same job are fenced off.

    The home numbers them; what is done in it is the person's.
    """
    return Turn(job, slot, person, home.take(job, digest(job, slot)))
