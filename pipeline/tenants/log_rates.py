"""The committed rate of a tenant's logs: as it is agreed, else as it was observed, else an equal part."""

from datetime import datetime

from contract.records import Book
from contract.suspension_criteria import Criteria, criteria
from intake.rates import FIRST, observed
from model.canonical import instant, parse_instant
from model.log_volume import LogRate
from pipeline.tenants.applied import book_of
from pipeline.tenants.terms import texts_of_settings
from store.tenant import TenantStore
from store.writer import Writer

RECORDS_PER_MINUTE = "logs.committed_records_per_minute"


def committed(store: TenantStore, now: datetime) -> int | None:
    """Return the committed rate of a tenant in records a minute; None until its first 14 days are known.

    Raises `Refused` where the contract's records do not hold.
    """
    return committed_by(book_of(store), store, now)


def committed_by(book: Book, store: TenantStore, now: datetime) -> int | None:
    """Return the same by a contract's book, and what was observed in the tenant's store until now."""
    agreed = book.setting(RECORDS_PER_MINUTE, now)
    if isinstance(agreed, int) and agreed:
        return agreed
    with store.read() as reader:
        rate = reader.logs.rate()
    return rate.records_per_minute if rate else None


def criteria_of(tenant: str, store: TenantStore, now: datetime) -> Criteria:
    """Return by what a tenant's logs would be suspended now, by what is on record in its store.

    Raises `Refused` where the contract's records do not hold.
    """
    return criteria(tenant, book_of(store), now, committed(store, now), texts_of_settings())


def observe(writer: Writer, now: datetime) -> None:
    """Write what was observed of a tenant, once its first 14 days are over: later the minutes are gone."""
    first = writer.logs.first_slot()
    if not first or writer.logs.rate():
        return
    since = parse_instant(first).replace(second=0)
    until = since + FIRST
    if now >= until:
        heard = writer.logs.minutes(instant(since), instant(until)).values()
        minutes = int(FIRST.total_seconds()) // 60
        writer.logs.put_rate(LogRate(instant(since), instant(until), observed(list(heard), minutes)))
