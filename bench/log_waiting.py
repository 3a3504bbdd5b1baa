"""How long pushed logs wait until they are written, by the clock, while one customer floods the real intake process.

A process of its own sends, as the API does it but for reading the bodies: it seals, writes the file, and notes the
piece in the tenant's store. Another one is the intake process of `hinomi serve`. 50 customers send 200 records in a
piece each two seconds; then one of them offers 100 times as much. A piece has waited from `taken_at` until its file is
removed, which is done once it is written; the kernel says when (inotify). What else the machine does shows in how long
the intake process was ready and had no core.
"""

import ctypes
import gzip
import multiprocessing
import multiprocessing.connection
import os
import random
import select
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from heapq import heapify, heapreplace
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from bench.log_home import SOURCE, Door, door, home_of, intake_process, lines, volume
from bench.measured import high_water_mb

_CUSTOMERS, _TIMES = 50, 100
_RECORDS, _LOUD_RECORDS = 200, 1_000  # in a piece
_EVERY = 2.0  # seconds from a piece to the next
_CALM, _FLOOD = 20.0, 40.0
_SETTLE = 5.0  # seconds at the beginning of each that are not looked at
_ROUNDS = 3
_NAMES = [f"tenant-{number:02}" for number in range(_CUSTOMERS)]
_LOUD = _NAMES[0]
_IN_DELETE, _EVENT = 0x200, struct.Struct("iIII")  # inotify(7)


class Bodies(Struct, frozen=True):
    """What is sent: bodies of one customer in calm times, each other's the same, and those of the flood."""

    calm: list[bytes]
    loud: list[bytes]


class Sent(Struct, frozen=True):
    """A piece that was sent: whose, its id, when it came and when it was known (seconds since the epoch)."""

    tenant: str
    id: str
    came: float
    known: float


def main() -> None:
    """Print the others' 99th percentile of waiting, calm and beside a flood, and their ratio, round by round."""
    bodies, ratios = _bodies(), list[float]()
    for number in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as root:
            ratios.append(_round(Path(root), number, bodies))
    ratios.sort()
    print(f"ratio, median of {_ROUNDS}: {ratios[_ROUNDS // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def _bodies() -> Bodies:
    pieces = int((_CALM + _FLOOD) / _EVERY) + 1
    calm, loud = list[bytes](), list[bytes]()
    for number in range(-(-pieces * _RECORDS // 1_000)):
        some = lines(number)
        calm += [b"\n".join(some[at : at + _RECORDS]) for at in range(0, 1_000, _RECORDS)]
    for number in range(int(_FLOOD * _TIMES * _RECORDS / _EVERY / _LOUD_RECORDS)):
        loud.append(gzip.compress(b"\n".join(lines(1_000 + number)), 1))
    return Bodies([gzip.compress(one, 1) for one in calm], loud)


def _round(root: Path, number: int, bodies: Bodies) -> float:
    folder = root / "home"
    home_of(folder, _NAMES, int(2 * 60 * _RECORDS / _EVERY))
    folders = [folder / "spool" / "pushed" / name / SOURCE for name in _NAMES]
    for one in folders:
        one.mkdir(mode=0o700, parents=True)
    with intake_process(folder, root / "log") as pid, _Removals(folders) as removals:
        time.sleep(2)
        ours, theirs = multiprocessing.Pipe(duplex=False)
        sender = multiprocessing.Process(target=_send, args=(folder, bodies, theirs, number))
        sender.start()
        gone, began = dict[str, float](), time.time()
        used = [_used(pid)]
        while not ours.poll():
            gone |= removals.seen(0.2)
            if len(used) == 1 and time.time() - began > _CALM:
                used.append(_used(pid))
        used.append(_used(pid))
        sent: list[Sent] = ours.recv()
        sender.join()
        until = time.time() + 3
        while time.time() < until:
            gone |= removals.seen(0.2)
        peak = high_water_mb(pid)
    said = (root / "log").read_text(encoding="utf-8")
    calm, flood = ((late[0] - soon[0], late[1] - soon[1]) for soon, late in pairwise(used))
    used_ = f"CPU {calm[0]:.0f} and {flood[0]:.0f} s, without a core {calm[1]:.0f} and {flood[1]:.0f} s, {peak:.0f} MB"
    return _told(folder, sent, gone, f"{used_} {said[:300]}")


def _used(pid: int) -> tuple[float, float]:
    """Return the processor time that a process took, and how long its threads were ready and had no core: seconds."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    fields = [file.read_text(encoding="ascii").split() for file in files]
    return sum(int(one[0]) for one in fields) / 1e9, sum(int(one[1]) for one in fields) / 1e9


def _told(folder: Path, sent: list[Sent], gone: dict[str, float], used: str) -> float:
    start = min(one.came for one in sent)
    waits: dict[str, list[float]] = {"calm": [], "flood": []}
    lost = 0
    for one in sent:
        at = one.came - start
        place = "calm" if _SETTLE < at < _CALM else "flood" if at > _CALM + _SETTLE else ""
        if one.tenant == _LOUD or not place:
            continue
        if (when := gone.get(f"{one.tenant}/{one.id}")) is None:
            lost += 1
        else:
            waits[place].append(when - one.came)
    calm, flood = (_percentiles(waits[place]) for place in ("calm", "flood"))
    loud = volume(folder, _LOUD)
    print(
        f"others' waiting, ms (median, p90, p99, most): calm {_ms(calm)} of {len(waits['calm']):,} pieces, "
        f"flood {_ms(flood)} of {len(waits['flood']):,}: × {flood[2] / calm[2]:.2f}; {lost} of theirs not written; "
        f"the loud one's {loud.processed:,} of {loud.offered:,} records; {used}",
        flush=True,
    )
    return flood[2] / calm[2]


def _percentiles(waits: list[float]) -> list[float]:
    waits.sort()
    return [waits[min(len(waits) - 1, int(len(waits) * part))] for part in (0.5, 0.9, 0.99, 1)]


def _ms(waits: list[float]) -> str:
    return ", ".join(f"{one * 1_000:.0f}" for one in waits)


def _send(folder: Path, bodies: Bodies, pipe: multiprocessing.connection.Connection, seed: int) -> None:
    """Send at the rates, calm and then with the flood; at the end say what was sent."""
    doors = {name: door(folder, name) for name in _NAMES}
    began, sent = time.monotonic(), list[Sent]()
    for at, name, body, records in _due(bodies, seed):
        time.sleep(max(0.0, began + at - time.monotonic()))
        sent.append(_put(doors[name], name, body, records))
    late = time.monotonic() - began - _CALM - _FLOOD
    if late > 1:
        print(f"the sender was late by {late:.1f} s", file=sys.stderr)
    pipe.send(sent)


def _put(door_: Door, name: str, body: bytes, records: int) -> Sent:
    came = time.time()
    id_ = door_.put(body, records, records * 1_300)
    return Sent(name, id_, came, time.time())


def _due(bodies: Bodies, seed: int) -> Iterator[tuple[float, str, bytes, int]]:
    """Yield when whose piece is due, the piece, and its records."""
    chosen = random.Random(seed)  # noqa: S311 - arrivals
    queue = [(_EVERY * chosen.random(), name, 0) for name in _NAMES]
    every = _EVERY * _LOUD_RECORDS / _RECORDS / _TIMES
    queue += [(_CALM + every * chosen.random(), "", 0)]
    heapify(queue)
    while queue[0][0] < _CALM + _FLOOD:
        at, name, number = queue[0]
        if name:
            yield at, name, bodies.calm[number], _RECORDS
        elif number < len(bodies.loud):
            yield at, _LOUD, bodies.loud[number], _LOUD_RECORDS
        heapreplace(queue, (at + (_EVERY if name else every), name, number + 1))


class _Removals:
    """Which files of folders are removed, and when, as the kernel says."""

    def __init__(self, folders: list[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK)
        self._names = {
            self._libc.inotify_add_watch(self._fd, bytes(one), _IN_DELETE): one.parent.name for one in folders
        }
        assert -1 not in self._names

    def __enter__(self) -> "_Removals":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def seen(self, seconds: float) -> dict[str, float]:
        """Return when which piece was removed (`tenant/id`), waiting for the first one for so long."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return {}
        data, found, at, now = os.read(self._fd, 2**16), dict[str, float](), 0, time.time()
        while at < len(data):
            watch, _, _, length = _EVENT.unpack_from(data, at)
            name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0").decode()
            found[f"{self._names[watch]}/{name.partition('.')[0]}"] = now
            at += _EVENT.size + length
        return found


if __name__ == "__main__":
    main()
