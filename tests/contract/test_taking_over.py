"""What a tenant's file said of its contract, the records of it say: on every day, and nothing else."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from contract.records import Book, decide_term
from contract.taking_over import records_of, same, taken_over
from model.clock import CONTRACT_ZONE
from model.contract_record import ContractRecord, Evidence
from model.tenant import Contract, Suspension
from pipeline.tenants.terms import terms

OPTIONS: list[str] = ["function-code", "own-policies", "standing-orders"]
EVIDENCE = Evidence("tenant.yaml", "0" * 64)
FILES = 200
BASE = {"detection", "notification", "remediation", "vulnerabilities", "improvement"}


def made(seed: int) -> Contract:
    """Return a contract as old files had it: any start, now and then an end, options, suspensions, some overlapping."""
    draw = random.Random(seed)
    start = date(2024, 1, 1) + timedelta(days=draw.randrange(1000))
    last_day = start + timedelta(days=draw.randrange(900)) if draw.random() < 0.4 else None
    suspended = []
    for _ in range(draw.randrange(4)):
        first = start + timedelta(days=draw.randrange(-40, 800))
        end = first + timedelta(days=draw.randrange(60)) if draw.random() < 0.8 else None
        suspended.append(Suspension(first, f"logs flood the service ({draw.randrange(9)})", end))
    options = draw.sample(OPTIONS, draw.randrange(4))
    return Contract(start, last_day, options, draw.random() < 0.3, suspended)


def as_file(contract: Contract, day: date) -> tuple[bool, str]:
    """Return what the service decided by the days of a file, before there were records: kept as it was."""
    if day < contract.start:
        return False, "7(1)"
    if contract.last_day is not None and day > contract.last_day:
        return False, "7(2)"
    for one in contract.suspended:
        if one.first_day <= day and (one.last_day is None or day <= one.last_day):
            return False, "11"
    return True, "7(1)"


def days(contract: Contract, seed: int) -> Iterator[date]:
    """Yield each day on which something changes, with the one before and after it, and twenty others."""
    turns = [contract.start, contract.last_day]
    turns += [day for one in contract.suspended for day in (one.first_day, one.last_day)]
    for day in turns:
        if day is not None:
            yield from (day + timedelta(days=by) for by in (-1, 0, 1))
    draw = random.Random(seed)
    yield from (contract.start + timedelta(days=draw.randrange(-200, 1500)) for _ in range(20))


def recorded(contract: Contract) -> list[ContractRecord]:
    return records_of(contract, terms().menus, "2026-11-30T00:00:00.000000Z", "operator@host", EVIDENCE)


def compare(contract: Contract, book: Book, day: date) -> None:
    wanted = as_file(contract, day)
    first = datetime.combine(day, time(0), CONTRACT_ZONE)
    for at in (first, first + timedelta(days=1) - timedelta(microseconds=1)):
        found = book.state(at)
        decision = decide_term(found)
        assert (decision.allowed, decision.clause) == wanted, (contract, at)
        if day >= contract.start:
            assert found.items == {"base", *contract.options}
            assert (book.setting("changes.customer_approves", at) is True) == contract.customer_approves
            assert book.bought(at) - BASE == {*contract.options}, "each option gives what it is called by"
        shown = book.view(at)
        assert shown is not None
        assert as_file(shown, day) == wanted
        assert set(shown.options) == set(contract.options)


@pytest.mark.parametrize("tenth", range(10))
def test_the_records_of_a_file_decide_as_the_file_did(tenth: int) -> None:
    for seed in range(tenth * FILES // 10, (tenth + 1) * FILES // 10):
        contract = made(seed)
        book = Book(recorded(contract), terms())
        for day in days(contract, seed):
            compare(contract, book, day)


@pytest.mark.soak
def test_they_do_on_every_day_of_ten_years() -> None:
    for seed in range(FILES):
        contract = made(seed)
        book = Book(recorded(contract), terms())
        for number in range(3653):
            compare(contract, book, date(2023, 6, 1) + timedelta(days=number))


@pytest.mark.parametrize("seed", range(0, FILES, 10))
def test_what_was_taken_over_is_found_again(seed: int) -> None:
    contract = made(seed)
    found = taken_over(recorded(contract))
    assert found is not None
    assert same(found, contract)
    assert not same(found, Contract(contract.start + timedelta(days=1)))
    assert taken_over([]) is None


def test_the_whole_first_and_last_day_count_in_japan() -> None:
    book = Book(recorded(Contract(date(2026, 4, 1), date(2027, 3, 31))), terms())
    moments = {
        datetime(2026, 3, 31, 14, 59, 59, tzinfo=UTC): False,
        datetime(2026, 3, 31, 15, 0, 0, tzinfo=UTC): True,
        datetime(2027, 3, 31, 14, 59, 59, tzinfo=UTC): True,
        datetime(2027, 3, 31, 15, 0, 0, tzinfo=UTC): False,
    }
    assert {at: decide_term(book.state(at)).allowed for at in moments} == moments
