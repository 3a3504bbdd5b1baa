"""Time is passed in."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

CONTRACT_ZONE = ZoneInfo("Asia/Tokyo")


class Clock(Protocol):
    """Gives the time and waits."""

    def now(self) -> datetime:
        """Return the aware moment, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
