"""The two clocks: the machine's, and one that stands still."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class StandingClock(SystemClock):
    """Says always the same moment, for judgements «as of»; waiting takes its time all the same."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """Return the moment that was given."""
        return self._moment
