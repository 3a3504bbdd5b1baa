"""Whose logs are processed next: start-time fair queueing by the time that processing really took, by colours.

Each customer has a clock of their own that advances by what their chunks took, divided by their weight; whoever's clock
is behind is next (Goyal, Vin and Cheng, Start-Time Fair Queueing, SIGCOMM 1996). What a chunk takes has to be known
only afterwards, nobody saves up time while nothing of theirs waits, and nobody pays later for time that nobody else
wanted.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Generic, Literal, TypeVar, get_args

from msgspec import Struct

C = TypeVar("C")
Colour = Literal["green", "yellow", "idle"]
# Whoever processes a chunk stops after so long (and one record at least), however dear its records are.
MOST_SECONDS = 0.0005
COLOURS: tuple[Colour, ...] = get_args(Colour)


class Turn(Struct, Generic[C], frozen=True):
    """A chunk that is to be processed now, whose it is and of which colour."""

    customer: str
    colour: Colour
    chunk: C


class Turns(Generic[C]):
    """The chunks that wait, and in which order they are processed, one at a time."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """`weights` are the customers' committed rates; they may change, and customers may come."""
        self._queues: dict[Colour, _Queue[C]] = {colour: _Queue(weights) for colour in COLOURS}

    def add(self, customer: str, colour: Colour, chunk: C, *, first: bool = False) -> None:
        """Let a customer's chunk of a colour wait, behind their others or as the `first` of them."""
        self._queues[colour].add(customer, chunk, first=first)

    def withdraw(self, customer: str, colour: Colour) -> C | None:
        """Return a customer's next chunk of a colour, which does not wait any more; None where none does."""
        return self._queues[colour].withdraw(customer)

    def next(self) -> Turn[C] | None:
        """Return what is to be processed now, None where nothing waits; what it took has to be said afterwards."""
        for colour, queue in self._queues.items():
            if (found := queue.next()) is not None:
                return Turn(found[0], colour, found[1])
        return None

    def took(self, turn: Turn[C], seconds: float) -> None:
        """Let a customer's clock advance by what the chunk of a turn took, in seconds."""
        self._queues[turn.colour].advance(turn.customer, seconds)

    def charge(self, customer: str, colour: Colour, seconds: float) -> None:
        """Let a customer's clock of a colour advance by what was done for them beside the turns, in seconds."""
        self._queues[colour].charge(customer, seconds)


class _Queue(Generic[C]):
    """What waits of one colour. The heap has whose chunks wait, by their clocks; but not whose is being processed."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._chunks: defaultdict[str, deque[C]] = defaultdict(deque)
        self._clocks: defaultdict[str, float] = defaultdict(float)
        self._heap: list[tuple[float, int, str]] = []
        self._waiting: set[str] = set()  # who is in the heap
        self._arrivals = 0  # of equal clocks the earlier one is next
        self._now = 0.0
        self._processed = ""

    def add(self, customer: str, chunk: C, *, first: bool) -> None:
        chunks = self._chunks[customer]
        if first:
            chunks.appendleft(chunk)
        else:
            chunks.append(chunk)
        if customer not in self._waiting and customer != self._processed:
            self._clocks[customer] = max(self._clocks[customer], self._now)
            self._push(customer)

    def withdraw(self, customer: str) -> C | None:
        chunks = self._chunks[customer]
        return chunks.popleft() if chunks else None

    def next(self) -> tuple[str, C] | None:
        while self._heap:
            clock, _, customer = heappop(self._heap)
            self._waiting.discard(customer)
            if not self._chunks[customer]:  # withdrawn
                continue
            if self._clocks[customer] > clock:  # charged meanwhile
                self._push(customer)
                continue
            self._now, self._processed = clock, customer
            return customer, self._chunks[customer].popleft()
        return None

    def advance(self, customer: str, seconds: float) -> None:
        self.charge(customer, seconds)
        self._processed = ""
        if self._chunks[customer]:
            self._push(customer)
        elif not self._heap:  # nobody waits: what anybody has had is nobody's loss
            self._now = max(self._clocks.values())

    def charge(self, customer: str, seconds: float) -> None:
        self._clocks[customer] += seconds / self._weights[customer]

    def _push(self, customer: str) -> None:
        self._arrivals += 1
        self._waiting.add(customer)
        heappush(self._heap, (self._clocks[customer], self._arrivals, customer))
