"""Records of a contract in both stores, with others who record at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from catalog.yaml_reader import parse
from model.canonical import instant
from model.contract_record import ItemRecord, SuspensionRecord
from model.fault import Refused
from pipeline.tenants.contracts import Recorder, RecordFile
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known

DOCUMENT = parse(b"a: b\n", "record.yaml")


def suspension(number: int) -> RecordFile:
    since = (date(2026, 7, 1) + timedelta(days=number)).isoformat()
    return RecordFile(DOCUMENT, SuspensionRecord(since, f"flood {number}"), since)


def test_two_who_record_at_once_lose_nothing(home: Home, clock: MovingClock) -> None:
    known(home, "aozora", instant(clock.now()))
    store = home.tenant("aozora")

    def record(number: int) -> int:
        try:
            return Recorder(home.tenant("aozora"), clock, "rin").add(suspension(number)).number
        except Refused:  # somebody was faster: nothing of it is there
            return 0

    with ThreadPoolExecutor(4) as pool:
        made = [number for number in pool.map(record, range(12)) if number]
    with store.read(whole=True) as reader:
        records = reader.contract.all()
        fault = reader.contract.fault(reader.recorded("contract.recorded"))
    assert sorted(made) == [one.number for one in records if isinstance(one.what, SuspensionRecord)]
    assert [one.number for one in records] == list(range(1, len(records) + 1))
    assert (fault, store.audit_fault()) == ("", "")


def test_what_does_not_fit_is_refused_and_leaves_nothing(home: Home, clock: MovingClock) -> None:
    known(home, "aozora", instant(clock.now()))
    store, odd = home.tenant("aozora"), ItemRecord("base", date(2026, 8, 1))
    with pytest.raises(Refused, match="overlaps with the record 3"):
        Recorder(store, clock, "mori").add(RecordFile(DOCUMENT, odd, "2026-08-01"))
    with store.read() as reader:
        assert len(reader.contract.all()) == 4
        assert len(list(reader.recorded("contract.recorded"))) == 4
