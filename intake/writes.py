"""Which batches are written now: what was read as green at once, what was read as yellow where that keeps nobody up.

A batch cannot be broken off, and shares the processor with what is read and written beside it. Pure.
"""

from collections import deque
from typing import Generic, TypeVar

from intake.turns import Colour

B = TypeVar("B")
# In a batch of the intake process are at most so many records: as long as it is written, others have less of the core.
MOST_RECORDS = 1_000


class BatchQueue(Generic[B]):
    """Batches that are due, and how many are written now."""

    def __init__(self) -> None:
        self._due: dict[Colour, deque[B]] = {"green": deque(), "yellow": deque()}
        self._under_way: dict[Colour, int] = {"green": 0, "yellow": 0}

    def due(self, batch: B, colour: Colour) -> None:
        """Let a batch be written, of which the last records were read as a colour."""
        self._due[colour].append(batch)

    def begun(self, *, green_waits: bool) -> list[tuple[B, Colour]]:
        """Return what is to be written from now on, where something green waits to be read or does not.

        Of what is yellow it is one at a time, and beside nothing else.
        """
        found: list[tuple[B, Colour]] = [(one, "green") for one in self._due["green"]]
        self._due["green"].clear()
        self._under_way["green"] += len(found)
        if self._due["yellow"] and not green_waits and not self.under_way:
            found.append((self._due["yellow"].popleft(), "yellow"))
            self._under_way["yellow"] += 1
        return found

    def ended(self, colour: Colour) -> None:
        """Say that a batch of a colour is written, or could not be."""
        self._under_way[colour] -= 1

    @property
    def under_way(self) -> int:
        """Return how many batches are written now."""
        return sum(self._under_way.values())

    @property
    def waits(self) -> bool:
        """Return whether a batch is due and not begun."""
        return any(self._due.values())
