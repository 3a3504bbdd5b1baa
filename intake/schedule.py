"""Which backlog is read next, and how much of it at once: the marking and the turns together. Pure: time is passed in.

A backlog is marked when it comes to the head of what its customer has waiting: what is within the committed rate by
then is green and comes before anything that is yellow (intake/marking.py, intake/turns.py). Of one customer, backlogs
in which a critical event may be come first; up to a tenth of the rate they are green even where the rest of it is used
up. What waits as yellow ripens: it is green as soon as it is within the rate. What would be yellow of a customer who is
held back is read only where nothing of anybody's waits (`idle`).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from intake.marking import Bucket, at_rate, full, spent, there
from intake.turns import Colour, Turn, Turns

# A chunk has at most so many records; one that waits for others' green ones is small.
MOST: Mapping[Colour, int] = {"green": 100, "yellow": 10, "idle": 10}
_CRITICAL_PART = 0.1


class Waits(Protocol):
    """A backlog as the schedule sees it: whose it is, and whether a critical event may be in it."""

    @property
    def customer(self) -> str:
        """Return the customer's name."""

    @property
    def is_critical(self) -> bool:
        """Return whether a critical event may be in it."""


B = TypeVar("B", bound=Waits)


class ReadTurn(Struct, Generic[B], frozen=True):
    """A backlog that is to be read now: up to so many records (`most`), and for `intake.turns.MOST_SECONDS`."""

    turn: Turn[B]
    most: int

    @property
    def backlog(self) -> B:
        """Return whose turn it is."""
        return self.turn.chunk


class LogSchedule(Generic[B]):
    """The backlogs that wait. Moments (`now`) and what something took are in seconds, rates in records a second.

    A backlog waits at most once at a time.
    """

    def __init__(self) -> None:
        self._rates: dict[str, float] = {}
        self._allowances: dict[str, _Allowance] = {}
        self._turns: Turns[B] = Turns(self._rates)
        self._yellow: set[str] = set()  # whose backlogs may turn green
        self._held_back: set[str] = set()

    def commit(self, customer: str, rate: float, now: float) -> None:
        """Let a customer's committed rate be another one from now on."""
        self._rates[customer] = rate
        if customer in self._allowances:
            self._allowances[customer].commit(rate, now)
        else:
            self._allowances[customer] = _Allowance(rate, now)

    def hold_back(self, customer: str, *, is_limited: bool) -> None:
        """Let what a customer sends beyond the rate wait for what all others have waiting, or no longer."""
        if is_limited:
            self._held_back.add(customer)
        else:
            self._held_back.discard(customer)

    def rate(self, customer: str) -> float:
        """Return a customer's committed rate."""
        return self._rates[customer]

    def wait(self, backlog: B, now: float) -> None:
        """Let a backlog, of a customer whose rate is known, wait for its turn."""
        colour = self._colour(backlog, now)
        if colour != "green":
            self._yellow.add(backlog.customer)
        self._turns.add(backlog.customer, colour, backlog, first=backlog.is_critical)

    def next(self, now: float) -> ReadTurn[B] | None:
        """Return what is to be read now, None where nothing waits; what it took has to be said afterwards."""
        turn = self._turns.next()
        if turn is None:
            return None
        most = MOST[turn.colour]
        if turn.colour == "green":
            most = max(1, min(most, self._green(turn.chunk, now)))
        return ReadTurn(turn, most)

    def took(self, grant: ReadTurn[B], records: int, seconds: float, now: float) -> None:
        """Count the records that were read by a grant until now; the customer's clock advances by the seconds."""
        allowance = self._allowances[grant.turn.customer]
        if records:
            allowance.unwritten[grant.turn.colour] += records
        if grant.turn.colour == "green":
            allowance.spend(grant.backlog.is_critical, records, now)
        self._turns.took(grant.turn, seconds)

    def charge(self, customer: str, seconds: float) -> None:
        """Let a customer's clocks advance by what was done beside the turns for what was read since the last time.

        Each colour pays its part: whose yellow records are dear to write pays for it among those who are yellow.
        """
        unwritten = self._allowances[customer].unwritten or Counter[Colour]({"green": 1})
        records = unwritten.total()
        for colour, number in unwritten.items():
            self._turns.charge(customer, colour, seconds * number / records)
        unwritten.clear()

    def ripen(self, now: float) -> None:
        """Let what waits and is within the rate by now be green."""
        for customer in list(self._yellow):
            backlog = self._turns.withdraw(customer, "yellow") or self._turns.withdraw(customer, "idle")
            if backlog is None:
                self._yellow.discard(customer)
                continue
            colour = self._colour(backlog, now)
            # An ordinary one that turns green stays behind the critical ones that are green already.
            self._turns.add(customer, colour, backlog, first=colour != "green" or backlog.is_critical)

    def _colour(self, backlog: B, now: float) -> Colour:
        if self._green(backlog, now):
            return "green"
        return "idle" if backlog.customer in self._held_back else "yellow"

    def _green(self, backlog: B, now: float) -> int:
        return self._allowances[backlog.customer].green(backlog.is_critical, now)


class _Allowance:
    """What of a customer's may be green (the committed rate, and a part of it for what is critical), and what was."""

    def __init__(self, rate: float, now: float) -> None:
        self.unwritten = Counter[Colour]()  # records that were read, by as which colour
        self._bucket = full(rate, now)
        self._critical = full(rate * _CRITICAL_PART, now)

    def commit(self, rate: float, now: float) -> None:
        self._bucket = at_rate(self._bucket, rate, now)
        self._critical = at_rate(self._critical, rate * _CRITICAL_PART, now)

    def green(self, is_critical: bool, now: float) -> int:
        """Return how many records are within the rate now."""
        return there(self._bucket, now) + (there(self._critical, now) if is_critical else 0)

    def spend(self, is_critical: bool, records: int, now: float) -> None:
        """Count records that were green."""
        own = min(records, there(self._critical, now)) if is_critical else 0
        self._critical = _spent(self._critical, own, now)
        self._bucket = _spent(self._bucket, records - own, now)


def _spent(bucket: Bucket, records: int, now: float) -> Bucket:
    return spent(bucket, records, now) if records else bucket
