"""What waits of one source of a customer, on its way through the schedule, the reading and the writing."""

import time
from collections import deque
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from intake.turns import Colour
from intake.writes import MOST_RECORDS
from pipeline.intake.taking import Incoming, Intake, LogLine


class Backlog:
    """What waits of one source of a customer: pieces with critical events in them, or the others.

    It is `queued` while it waits for a turn, `busy` while a batch of it is written, and `is_broken` where that is the
    last that could be read of a damaged piece.
    """

    def __init__(self, intake: Intake, *, is_critical: bool) -> None:
        self.customer = intake.tenant
        self.intake = intake
        self.colour: Colour = "green"  # as which it was read last
        self.is_critical = is_critical
        self.queued = self.busy = self.is_broken = False
        self.resting_until = 0.0
        self.pieces: deque[Incoming] = deque()
        self._begun: list[Incoming] = []
        self._line: LogLine | None = None

    @property
    def line(self) -> LogLine:
        """Return the line in which the pieces are taken in."""
        if self._line is None:
            self._line = LogLine(self.intake, self._coming(), MOST_RECORDS)
        return self._line

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return self._line is None and not self.pieces

    def next_line(self) -> None:
        """Go on in a new line, with the pieces that have come."""
        self._line = None

    def begin_again(self, seconds: float) -> None:
        """Begin again, after some seconds, with what is not written yet."""
        self.pieces.extendleft(reversed(self._begun))
        self._begun, self._line, self.is_broken = [], None, False
        self.resting_until = time.monotonic() + seconds

    def put_last_behind(self) -> None:
        """Begin again, but for the piece that was read last: the others come before it."""
        if self._begun:
            last = self._begun.pop()
            self.begin_again(0)
            self.pieces.append(last)

    def give_up_last(self) -> Incoming:
        """Return the piece that was begun last, which is left out from now on; what stands before it is read again."""
        given_up = self._begun.pop()
        self.begin_again(0)
        return given_up

    def _coming(self) -> Iterator[Incoming]:
        while self.pieces:
            incoming = self.pieces.popleft()
            self._begun.append(incoming)
            yield replace(incoming, done=self._end(incoming))

    def _end(self, incoming: Incoming) -> Callable[[], None]:
        def done() -> None:
            self._begun.remove(incoming)
            incoming.done()

        return done
