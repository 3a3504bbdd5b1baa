"""How checkov wants the values of a program's flags written, where it goes by that."""

import re
from collections.abc import Callable
from fractions import Fraction

# Go, package time, ParseDuration.
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
_NO_LIMIT = 2**31 - 1


def _as_time(value: str) -> str:
    """Return a duration in hours, minutes and seconds, as `1h0m30s`; no time at all is `0`.

    Fractions of a second are left out; less than one, and what is no duration, stays as it is.
    """
    parts = _PART.findall(value)
    seconds = sum(Fraction(number) * _SECONDS[unit.replace("µ", "u").replace("μ", "u")] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != value or not value or 0 < seconds < 1:
        return value
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    reported = ((hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{number}{unit}" for number, unit in reported if number) or "0"


def _as_pem(value: str) -> str:
    """Return a name that ends in `.pem`, where a file is named: Kubernetes takes PEM by whatever name."""
    return "file.pem" if value else "file.none"


def _as_limit(value: str) -> str:
    """Return a limit, of which 0 means that there is none, as one that is far away."""
    return str(_NO_LIMIT) if value == "0" else value


WRITTEN: dict[str, Callable[[str], str]] = {"time": _as_time, "pem": _as_pem, "limit": _as_limit}
