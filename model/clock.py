"""Time is passed in."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

CONTRACT_ZONE = ZoneInfo("Asia/Tokyo")


def in_japan(at: datetime) -> str:
    """Return a moment as people read it: of Asia/Tokyo, to the minute, as 2026-06-01 09:00."""
    return f"{at.astimezone(CONTRACT_ZONE):%Y-%m-%d %H:%M}"


class Clock(Protocol):
    """Gives the time and waits."""

    def now(self) -> datetime:
        """Return the aware moment, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
