"""The memory of the intake process at its height while it processes what is made to be too much, each in a new one.

The peak is the process's own by the kernel (VmHWM). An ordinary load beside shows what the process takes anyway.
"""

import gzip
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.log_home import door, home_of, intake_process, recent, volume, wait_until_empty
from bench.measured import high_water_mb

_GOAL_MB = 200
_TENANT = "bench"
_MIB = 2**20
_LINE = b'{"eventID":"%d"}'


def main() -> None:
    """Print for each what became of it, and the peak; at last whether all were within the goal."""
    peaks = {name: _measured(name, make()) for name, make in LOADS.items()}
    most = max(peaks, key=lambda name: peaks[name])
    print(f"the most is {peaks[most]:.0f} MB ({most}), the goal {_GOAL_MB} MB: {peaks[most] / _GOAL_MB:.2f} times it")


def _ordinary() -> bytes:
    return gzip.compress(b"\n".join(recent(number) for number in range(5)), 1)


def _bomb() -> bytes:
    return gzip.compress(b"[" + b" " * (1_024 * _MIB), 9)


def _lines() -> bytes:
    line = b'{"eventID":"' + b"x" * (100 * 10**6) + b'"}\n'
    return line * 3 + _LINE % 1


def _document() -> bytes:
    return b'{"Records":[' + b",".join([_LINE % 1 + b" " * 100] * (64 * _MIB // 120)) + b"]}"


def _just_within() -> bytes:
    """Return a document as large as may be read: 47 MB of events of 1.3 KB."""
    inner = b",".join(recent(number)[len(b'{"Records":[') : -len(b"]}")] for number in range(35))
    return b'{"Records":[' + inner + b"]}"


def _small() -> bytes:
    return b"\n".join(_LINE % number for number in range(2_000_000))


def _small_list(number: int) -> bytes:
    return b"[" + b",".join(_LINE % one for one in range(number)) + b"]"


def _bare_list(number: int) -> bytes:
    return b"[" + b",".join([b"{}"] * number) + b"]"


def _levels() -> bytes:
    deep = b'{"eventID":"a","other":' + b"[" * 10_000 + b"]" * 10_000 + b"}\n"
    return deep * 200 + _LINE % 1


def _nuls() -> bytes:
    return (b"\0" * 1_000_000 + b"\n") * 30 + (_LINE % 1).replace(b"1", b"\\u0000") + b"\n" + _LINE % 1


def _broken_texts() -> bytes:
    return (b'{"eventID":"' + b"\xff" * 900_000 + b'"}\n') * 30 + b'{"other":"' + "é".encode() * 23_000_000 + b'\xff"}'


LOADS: dict[str, Callable[[], bytes]] = {
    "an ordinary load": _ordinary,
    "a gzip bomb of 1 GiB": _bomb,
    "three lines of 100 MB": _lines,
    "a document of 64 MB": _document,
    "a document of 47 MB": _just_within,
    "2,000,000 small records": _small,
    "the same in one list": lambda: _small_list(2_000_000),
    "690,000 of them in one list": lambda: _small_list(690_000),
    "2,000,000 empty ones in one list": lambda: _bare_list(2_000_000),
    "690,000 of them": lambda: _bare_list(690_000),
    "10,000 levels": _levels,
    "NULs": _nuls,
    "broken UTF-8": _broken_texts,
}


def _measured(name: str, body: bytes) -> float:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "home"
        home_of(folder, [_TENANT], 60_000)
        size = len(body)
        door(folder, _TENANT).put(body, 1, size)
        del body
        with intake_process(folder, Path(root) / "log") as pid:
            began = time.monotonic()
            wait_until_empty(folder, _TENANT, 600)
            took, peak = time.monotonic() - began, high_water_mb(pid)
        said = (Path(root) / "log").read_text(encoding="utf-8").strip()
        became = volume(folder, _TENANT)
    print(
        f"{name:32} {size / 1e6:6.1f} MB: {became.processed:,} processed, {became.malformed:,} malformed, "
        f"{took:5.1f} s, {peak:4.0f} MB{' ' + said[:200] if said else ''}",
        flush=True,
    )
    return peak


if __name__ == "__main__":
    main()
