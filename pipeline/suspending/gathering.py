"""What came of a tenant in a minute, what it goes by, and what is on record of its suspensions."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from contract.records import Book
from contract.suspension_settings import PREFIX, is_new, settings_of
from contract.suspensions import suspended_until
from model.canonical import instant, parse_instant
from model.log_stage import LogAdmission
from model.log_volume import LogCount, minute_of
from pipeline.suspending.minutes import TenantCame
from pipeline.tenants.applied import book_of
from pipeline.tenants.log_rates import committed_by
from store.tenant import TenantStore

MINUTE = timedelta(minutes=1)
# So many minutes are counted again of whom one was massive: the causes of what waited are known later.
_AGAIN = 60
_SAVED = f"{PREFIX}saved_minutes"


class OnRecord(Struct, frozen=True):
    """What is on record of a tenant's suspensions: until when logs are not taken in, and how the last case stands.

    By that the tenant `is_suspended` now, or it `is_lifted`: a lead has ended it.
    """

    until: datetime | None = None
    is_suspended: bool = False
    is_lifted: bool = False


class Gathered(Struct, frozen=True):
    """A tenant in a minute: its contract's book, what came, what is on record of suspensions, and what is let in."""

    book: Book
    came: TenantCame
    on_record: OnRecord
    admission: LogAdmission


class MinuteAsked(Struct, frozen=True):
    """Of which minute it is asked, the rate of those whose own is not known yet, and whether anything is `automatic`.

    The equal part is in records a minute.
    """

    minute: datetime
    equal: float
    automatic: bool


def gathered(store: TenantStore, asked: MinuteAsked, *, again: bool) -> Gathered:
    """Return what came of a tenant in a minute, by its store, and what it goes by at the minute's end.

    What is `asked` says of which minute; the hour before it is counted `again`, or not. Nothing is automatic in a
    customer's first days. Raises `Refused` where the contract's records do not hold.
    """
    minute = asked.minute
    until, earliest = minute + MINUTE, minute - (_AGAIN - 1) * MINUTE if again else minute
    book = book_of(store)
    rate = committed_by(book, store, until)
    with store.read() as reader:
        counts = reader.logs.counts(instant(earliest), instant(until))
        backlog, first, admission = reader.logs.waiting(), reader.logs.first_slot(), reader.stages.admission()
    heard = parse_instant(first) if first else None
    settings = replace(settings_of(book, until), automatic=asked.automatic and not is_new(heard, book, until))
    by_minute = _by_minute(counts)
    now = by_minute.pop(instant(minute), [])
    earlier = [_caused(by_minute.get(instant(minute - n * MINUTE), [])) for n in range(_AGAIN - 1, 0, -1)]
    saved = book.setting(_SAVED, until)
    came = TenantCame(
        records=_caused(now),
        committed=asked.equal if rate is None else rate,
        settings=settings,
        earlier=tuple(earlier),
        left_out=_left_out(now),
        refused=sum(one.records for one in now if one.what == "refused"),
        refusing_us=sum(one.cpu_us for one in now if one.what == "refused"),
        backlog=backlog,
        saved_minutes=saved if isinstance(saved, int) else 0,
    )
    return Gathered(book, came, on_record(book, until), admission)


def on_record(book: Book, at: datetime) -> OnRecord:
    """Return what is on record of suspensions `at` an instant, by a contract's book."""
    floods = (one for one in book.suspensions if one.what.flood)
    last = max(floods, key=lambda one: one.begins, default=None)
    until = suspended_until(book.suspensions, at)
    if last is None:
        return OnRecord(until)
    return OnRecord(until, last.holds(at), last.is_lifted and last.ends <= at)


def _by_minute(counts: list[LogCount]) -> dict[str, list[LogCount]]:
    found: defaultdict[str, list[LogCount]] = defaultdict(list)
    for one in counts:
        found[minute_of(one.slot)].append(one)
    return dict(found)


def _caused(counts: list[LogCount]) -> int:
    return sum(one.records for one in counts if one.what in ("offered", "not fetched") and one.cause == "customer")


def _left_out(counts: list[LogCount]) -> Counter[str]:
    found = Counter[str]()
    for one in counts:
        if one.what == "offered" and one.cause != "customer" and one.records:
            found[one.cause] += one.records
    return found
