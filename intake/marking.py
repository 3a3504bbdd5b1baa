"""Records within the committed rate are green, those beyond it yellow: a token bucket, as of RFC 2697."""

from msgspec import Struct

# So many seconds of the committed rate may come at once.
BURST_SECONDS = 60.0


class Bucket(Struct, frozen=True):
    """How many records may come within the committed rate at a moment: `rate` a second, `tokens` now, `at` seconds."""

    rate: float
    tokens: float
    at: float


def full(rate: float, at: float) -> Bucket:
    """Return the bucket of a customer of whom nothing came lately, at a committed rate (records a second)."""
    return Bucket(rate, rate * BURST_SECONDS, at)


def mark(bucket: Bucket, records: int, at: float) -> tuple[int, Bucket]:
    """Return how many of the records that came `at` a moment (seconds) are green, and the bucket afterwards."""
    there = min(bucket.rate * BURST_SECONDS, bucket.tokens + bucket.rate * max(0.0, at - bucket.at))
    green = min(records, int(there))
    return green, Bucket(bucket.rate, there - green, max(at, bucket.at))
