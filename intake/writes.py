"""Which batches are written now: what was read as green at once, what was read as yellow where that keeps nobody up.

A batch cannot be broken off, and shares the processor with what is read and written beside it. Pure.
"""

from collections import deque
from typing import Generic, TypeVar

from intake.turns import COLOURS, Colour

B = TypeVar("B")
# In a batch of the intake process are at most so many records: as long as it is written, others have less of the core.
MOST_RECORDS = 1_000
# What takes longer waits for its store, and takes nothing of the core.
_HELD_UP_SECONDS = 1.0


class BatchQueue(Generic[B]):
    """Batches that are due, and how many are written now."""

    def __init__(self) -> None:
        self._due: dict[Colour, deque[B]] = {colour: deque() for colour in COLOURS}
        self._begun: dict[Colour, list[float]] = {colour: [] for colour in COLOURS}  # when, in seconds

    def due(self, batch: B, colour: Colour) -> None:
        """Let a batch be written, of which the last records were read as a colour."""
        self._due[colour].append(batch)

    def begun(self, *, green_waits: bool, now: float = 0.0) -> list[tuple[B, Colour]]:
        """Return what is to be written from `now` on (seconds), where something green waits to be read or does not.

        Of what is not green it is one at a time, and beside nothing else but what is held up.
        """
        found: list[tuple[B, Colour]] = [(one, "green") for one in self._due["green"]]
        self._due["green"].clear()
        self._begun["green"] += [now] * len(found)
        is_written = any(now - since <= _HELD_UP_SECONDS for times in self._begun.values() for since in times)
        colour = next((one for one in COLOURS if self._due[one]), None)
        if colour and not green_waits and not is_written:
            found.append((self._due[colour].popleft(), colour))
            self._begun[colour].append(now)
        return found

    def ended(self, colour: Colour) -> None:
        """Say that a batch of a colour is written, or could not be."""
        self._begun[colour].pop()  # the newest: what is held up ends last

    @property
    def under_way(self) -> int:
        """Return how many batches are written now."""
        return sum(map(len, self._begun.values()))
