"""The port to one account, subscription, project or cluster that was entered."""

from collections.abc import Iterator
from typing import Protocol

from model.asset import Asset, Listing, Place


class Collector(Protocol):
    """What can be seen of one place."""

    @property
    def place(self) -> Place:
        """Return where it is."""
        ...

    def collect(self) -> Iterator[Asset | Listing]:
        """Yield everything in it while it is read, and one `Listing` for each listing that ended.

        A failed listing says its cause; a failed detail stands in `Asset.unknown`.
        """
        ...
