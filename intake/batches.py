"""Records in batches: what is written in one transaction."""

from datetime import datetime, timedelta

from msgspec import Struct

from intake.accounting import Record, size_of
from model.log_volume import LogPiece

# A transaction has at most so much, and is written after so long at the latest.
MOST_BYTES, MOST_RECORDS, LONGEST = 4 * 2**20, 5_000, timedelta(seconds=1)


class PiecePart(Struct):
    """Records on end of one piece of a source, from the place on that the piece says; with the last ones it `ended`."""

    piece: LogPiece
    records: list[Record]
    ended: bool = False


class Batch:
    """Records of pieces of one source that are written together: of at most 4 MB and a second.

    A larger record is a batch of its own. It has at most so many records (`most`).
    """

    def __init__(self, most: int = MOST_RECORDS) -> None:
        self.parts: list[PiecePart] = []
        self._since: datetime | None = None
        self._most = most
        self._records, self._bytes = 0, 0

    def __len__(self) -> int:
        """Return how many records it has."""
        return self._records

    def wait_from(self, now: datetime) -> None:
        """Say that records are added from now on; only the first time counts."""
        self._since = self._since or now

    def begin(self, piece: LogPiece) -> None:
        """Let what is added from now on be of another piece, from where that is."""
        self.parts.append(PiecePart(piece, []))

    def add(self, record: Record) -> bool:
        """Add a record of the piece that was begun last; return False, and add nothing, where it does not fit."""
        length = self._bytes + size_of(record)
        if self._records and (length > MOST_BYTES or self._records >= self._most):
            return False
        self.parts[-1].records.append(record)
        self._records += 1
        self._bytes = length
        return True

    def end(self) -> None:
        """Say that there is nothing more of the piece that was begun last."""
        self.parts[-1].ended = True

    def is_late(self, now: datetime) -> bool:
        """Return whether it has to be written by now."""
        return self._since is not None and now - self._since >= LONGEST
