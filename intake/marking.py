"""Records within the committed rate are green, those beyond it yellow: a token bucket, as of RFC 2697."""

from msgspec import Struct

# So many seconds of the committed rate are green at once. With more, floods that begin together keep others waiting
# (bench/log_fairness.py); whoever sends once a minute is green as the rate goes on, and is yellow until then.
BURST_SECONDS = 20.0


class Bucket(Struct, frozen=True):
    """How many records may come within the committed rate at a moment: `rate` a second, `tokens` now, `at` seconds."""

    rate: float
    tokens: float
    at: float


def full(rate: float, at: float) -> Bucket:
    """Return the bucket of a customer of whom nothing came lately, at a committed rate (records a second)."""
    return Bucket(rate, rate * BURST_SECONDS, at)


def there(bucket: Bucket, at: float) -> int:
    """Return how many records of those that come `at` a moment (seconds) are within the rate."""
    return int(_filled(bucket, at))


def spent(bucket: Bucket, records: int, at: float) -> Bucket:
    """Return the bucket once so many records came within the rate `at` a moment (seconds)."""
    return Bucket(bucket.rate, _filled(bucket, at) - records, max(at, bucket.at))


def at_rate(bucket: Bucket, rate: float, at: float) -> Bucket:
    """Return the bucket once the committed rate is another one (records a second), `at` a moment and from then on."""
    return Bucket(rate, min(rate * BURST_SECONDS, _filled(bucket, at)), max(at, bucket.at))


def _filled(bucket: Bucket, at: float) -> float:
    return min(bucket.rate * BURST_SECONDS, bucket.tokens + bucket.rate * max(0.0, at - bucket.at))
