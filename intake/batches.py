"""Records in batches: what is written in one transaction."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from intake.accounting import Record, size_of

# A transaction has at most so much, and is written after so long at the latest.
MOST_BYTES, MOST_RECORDS, LONGEST = 4 * 2**20, 5_000, timedelta(seconds=1)


def batches(
    records: Iterable[Record], moment: Callable[[], datetime], most: int = MOST_RECORDS
) -> Iterator[list[Record]]:
    """Yield records in batches of at most so many, 4 MB and a second; what gives the `moment` is asked at each record.

    A larger record is a batch of its own.
    """
    batch: list[Record] = []
    size, since = 0, moment()
    for record in records:
        more = size_of(record)
        if batch and (size + more > MOST_BYTES or len(batch) == most):
            yield batch
            batch, size, since = [], 0, moment()
        batch.append(record)
        size += more
        if moment() - since >= LONGEST:
            yield batch
            batch, size, since = [], 0, moment()
    if batch:
        yield batch
