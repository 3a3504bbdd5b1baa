"""The days of a contract's terms, of its invoices and of notices. Pure.

A period of months or years that begins at the start of a day counts that day (Civil Code, Article 140). It ends on the
day before the corresponding day, and on the last day of the month where the month has no such day (Article 143(2)).
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct

from model.fault import Refused

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_DAY = timedelta(days=1)
_TERM_MONTHS, _NOTICE_MONTHS = 12, 1


class Term(Struct, frozen=True):
    """One year of a contract, both days counted, with the days of its invoice and of the notice that ends it."""

    first_day: date
    last_day: date
    invoice_by: date
    due: date
    notice_safe_by: date
    notice_latest: date


def term(first_day: date) -> Term:
    """Return the term that begins on a day, with its days under Articles 7 and 8.

    Raises `Refused` where one of them is outside the years of this service.
    """
    last = last_day(first_day)
    return Term(first_day, last, invoice_by(first_day), due(first_day), notice_safe_by(last), notice_latest(last))


def next_term(before: Term) -> Term:
    """Return the term that renews another: it begins on the day after that one's last day (Article 7(2)).

    Raises `Refused` where it ends after the years of this service.
    """
    return term(before.last_day + _DAY)


def terms(start: date) -> Iterator[Term]:
    """Yield the terms of a contract that renews each time, each chained from the one before it (Article 7(2)).

    There is no last one: `Refused` is raised where the years of this service end.
    """
    one = term(start)
    while True:
        yield one
        one = next_term(one)


def term_on(start: date, day: date) -> Term:
    """Return the term in which a day lies, of a contract that renews each time from its start (Article 7(2)).

    Raises `Refused` for a day before the start, and outside the years of this service.
    """
    if _known(day) < _known(start):
        raise Refused(f"{day.isoformat()} lies before the contract's start, {start.isoformat()}")
    first_last = last_day(start)
    if day <= first_last:
        return term(start)
    # From the second on, terms begin on the same day of each year: it is never 29 February, because the first ends in
    # the year after one that has that day.
    second = first_last + _DAY
    begins = second.replace(year=day.year)
    return term(begins if begins <= day else second.replace(year=day.year - 1))


def last_day(first_day: date) -> date:
    """Return the last day of the one year that begins on a day (Article 7(1); Civil Code, Articles 140 and 143).

    Raises `Refused` for days outside the years of this service.
    """
    return _last_day_of_months(_known(first_day), _TERM_MONTHS)


def invoice_by(first_day: date) -> date:
    """Return the day by which a term is invoiced: the end of the month of start or renewal (Article 8(2)).

    Raises `Refused` for a first day outside the years of this service.
    """
    return date(*_month(_known(first_day), 0))


def due(first_day: date) -> date:
    """Return the day by which a term is paid: the end of the month after that of start or renewal (Article 8(2)).

    Raises `Refused` for days outside the years of this service.
    """
    return _known(date(*_month(_known(first_day), 1)))


def notice_safe_by(last_day: date) -> date:
    """Return the safe day for notice that a contract is not renewed after a term's last day (Article 7(2)).

    It is the day before the corresponding day one month before the last day; where that month has no such day, its end
    counts as one. Raises `Refused` for days outside the years of this service.
    """
    return _day_before_the_month_before(_known(last_day))


def notice_latest(last_day: date) -> date:
    """Return the latest day for notice that a contract is not renewed after a term's last day (Article 7(2)).

    The month counted from the day after it ends by the last day (Civil Code, Articles 140 and 143), and that of no
    later day does. Raises `Refused` for days outside the years of this service.
    """
    return _day_before_the_month_before(_known(last_day) + _DAY)


def earliest_last_day(notice_on: date) -> date:
    """Return the earliest last day of a contract that notice ends in mid-term (Article 9(1); Civil Code, Article 143).

    One month is counted from the day after the notice, which does not count (Article 140). Raises `Refused` for days
    outside the years of this service.
    """
    return _last_day_of_months(_known(notice_on) + _DAY, _NOTICE_MONTHS)


def _last_day_of_months(first_day: date, months: int) -> date:
    """Return the last day of a period of months whose first day counts."""
    year, month, length = _month(first_day, months)
    if first_day.day > length:
        return _known(date(year, month, length))
    return _known(date(year, month, first_day.day) - _DAY)


def _day_before_the_month_before(day: date) -> date:
    year, month, length = _month(day, -_NOTICE_MONTHS)
    return _known(date(year, month, min(day.day, length)) - _DAY)


def _month(day: date, later: int) -> tuple[int, int, int]:
    """Return the year and the month that lie so many months after a day's own, and the number of that month's days."""
    years, before = divmod(day.month - 1 + later, 12)
    year, month = day.year + years, before + 1
    return year, month, monthrange(year, month)[1]


def _known(day: date) -> date:
    """Return a day of this service; raises `Refused` for one outside its years."""
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise Refused(f"{day.isoformat()} is no day of this service; its years are {_FIRST_YEAR} to {_LAST_YEAR}")
    return day
