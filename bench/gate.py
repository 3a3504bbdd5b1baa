"""What the gate takes: a decision over 300 records, sorted out anew and already sorted out."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median

from contract.gate import decide
from contract.records import Book
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    ItemRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from pipeline.tenants.terms import terms

_RECORDS, _ROUNDS, _AT_ONCE = 300, 15, 200
_START = date(2020, 1, 1)


def main() -> None:
    """Print microseconds of processor time a decision, medians of rounds."""
    at, found = datetime(2026, 6, 1, tzinfo=UTC), _records()
    book = Book(found, terms())
    anew = [_microseconds(lambda: decide("look", Book(found, terms()), at)) for _ in range(_ROUNDS)]
    again = [_microseconds(lambda: decide("look", book, at)) for _ in range(_ROUNDS)]
    print(f"{_RECORDS} records: {median(anew):.0f} µs a decision with sorting out, {median(again):.1f} µs without")


def _records() -> list[ContractRecord]:
    whats: list[What] = [OrderRecord(_START), AcceptanceRecord(1), ItemRecord("base", _START), AcceptanceRecord(3)]
    while len(whats) < _RECORDS:
        day = _START + timedelta(days=7 * len(whats))
        if len(whats) % 3:
            whats.append(SettingRecord("changes.customer_approves", bool(len(whats) % 2)))
        else:
            whats.append(SuspensionRecord(day.isoformat(), "a flood", (day + timedelta(days=2)).isoformat()))
    at = "2020-01-01T00:00:00.000000Z"
    return [ContractRecord(number, what, _START.isoformat(), at, "p") for number, what in enumerate(whats, start=1)]


def _microseconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(_AT_ONCE):
        do()
    return (time.process_time() - began) * 1_000_000 / _AT_ONCE


if __name__ == "__main__":
    main()
