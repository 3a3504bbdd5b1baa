"""What it takes to take in CloudTrail's files that wait: unsealed, read, counted, sealed as segments and committed.

By the line of the intake process, in its batches, into SQLite; beside `orjson.loads` alone on the same packed files in
the same run. Processor time of the one thread that does all of it.
"""

import gzip
import tempfile
import time
import zlib
from pathlib import Path
from statistics import median

import orjson

from bench.log_home import door, home_of, intake_of, lines
from intake.writes import MOST_RECORDS
from pipeline.intake.taking import LogLine
from pipeline.process import begin

_ROUNDS, _FILES, _EVENTS = 7, 20, 1_000
_BATCHES = {"of 1,000, as the intake process": MOST_RECORDS, "of 5,000, as a person's": 5_000}


def main() -> None:
    """Print events a second, medians of rounds, each with events that nobody has seen, and the ratio to orjson's."""
    begin()
    with tempfile.TemporaryDirectory() as root:
        home_of(Path(root) / "home", ["bench"], 60_000)
        for what, most in _BATCHES.items():
            rates: tuple[list[float], list[float]] = ([], [])
            for number in range(_ROUNDS):
                first = (number + _ROUNDS * (most == MOST_RECORDS)) * _FILES
                files = [_file(place) for place in range(first, first + _FILES)]
                for rate, took in zip(rates, (_taken(Path(root) / "home", files, most), _parsed(files)), strict=True):
                    rate.append(_FILES * _EVENTS / took)
            mine, other = map(median, rates)
            print(
                f"batches {what}: {mine:,.0f} events/s ({min(rates[0]):,.0f} to {max(rates[0]):,.0f}), "
                f"orjson alone {other:,.0f}/s, ratio {mine / other:.2f}"
            )


def _file(number: int) -> bytes:
    return gzip.compress(b'{"Records":[' + b",".join(lines(number)) + b"]}", 6)


def _taken(folder: Path, files: list[bytes], most: int) -> float:
    """Return the processor time in which files are taken in, once they wait."""
    door_, intake = door(folder, "bench"), intake_of(folder, "bench")
    line, processed = LogLine(intake, [door_.waiting(file, _EVENTS, len(file)) for file in files], most), 0
    with door_.store.held():
        began = time.thread_time()
        while not line.is_read:
            line.read(100)
            if line.is_due:
                processed += sum(one.records for one in line.write() if one.what == "processed")
        took = time.thread_time() - began
    assert processed == _FILES * _EVENTS, "an event was lost"
    return took


def _parsed(files: list[bytes]) -> float:
    began = time.thread_time()
    for file in files:
        orjson.loads(zlib.decompress(file, 31))
    return time.thread_time() - began


if __name__ == "__main__":
    main()
