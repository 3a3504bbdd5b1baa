"""The numbers that a contract's stages go by: settings of Article 11 by precedence. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from msgspec import Struct

from contract.days import begins
from contract.records import Book
from contract.settings import Explained, explain
from contract.suspension import StageSettings
from model.suspension_case import StandingJudgement

PREFIX = "suspension."


class InForce(Struct, frozen=True):
    """The standing judgement of an edition of the specification that governs from a day on, None where it has none."""

    edition: str
    effective: date
    judgement: StandingJudgement | None


def explained(book: Book, at: datetime) -> dict[str, Explained]:
    """Return each of the settings of suspensions of a contract `at` an instant, with the layer that says so."""
    known = book.terms.settings
    return {key: explain(key, known, book.records, at) for key in known if key.startswith(PREFIX)}


def settings_of(book: Book, at: datetime) -> StageSettings:
    """Return what a contract's stages go by `at` an instant."""

    def number(key: str) -> int:
        found = book.setting(f"{PREFIX}{key}", at)
        assert isinstance(found, int), f"{key} has a default"
        return found

    return StageSettings(
        hot=number("massive_percent") / 100,
        cool=number("calm_percent") / 100,
        dwell=number("dwell_minutes"),
        period=60 * number("period_hours"),
        target_s=number("waiting_seconds"),
        watch=(number("watch_minutes"), number("watch_minutes")),
        limited=(number("limited_massive_minutes"), number("limited_minutes")),
        suspended=(number("long_massive_minutes"), number("long_minutes")),
        lately=(number("late_massive_minutes"), number("late_minutes")),
        calm_run=number("calm_minutes"),
        waiting_run=number("waiting_minutes"),
        waiting_times=number("waiting_percent") / 100,
        growth_minutes=number("disk_minutes"),
        full_within=60 * number("disk_hours"),
        growth_part=number("disk_percent") / 100,
        intake_run=number("intake_minutes"),
        intake_part=number("intake_percent") / 100,
        share_minutes=number("share_minutes"),
        lapses=60 * number("proposal_hours"),
        backlog=60 * number("backlog_hours"),
        returns=number("returns"),
    )


def why_never(settings: StageSettings) -> str:
    """Return why a stage could never begin or never end by these settings, the empty text where each can."""
    return next(_impossible(settings), "")


def _impossible(settings: StageSettings) -> Iterator[str]:
    for name, (least, minutes) in (
        ("limited", settings.limited),
        ("long", settings.suspended),
        ("late", settings.lately),
    ):
        if least > minutes:
            yield f"{PREFIX}{name}_massive_minutes is {least} of {minutes} minutes: that never happens"
    if settings.cool >= settings.hot:
        yield f"{PREFIX}calm_percent has to be less than {PREFIX}massive_percent: a minute would be both"
    if settings.suspended[0] < settings.limited[0]:
        yield f"{PREFIX}long_massive_minutes has to be {settings.limited[0]} at least, as what limits"


def governing(editions: list[InForce], at: datetime) -> InForce | None:
    """Return the edition of the specification that governs an instant, None where there is none."""
    begun = [one for one in editions if begins(one.effective.isoformat()) <= at]
    return max(begun, key=lambda one: one.effective, default=None)


def is_new(first_heard: datetime | None, book: Book, at: datetime) -> bool:
    """Return whether a customer was heard first so lately (`first_heard`) that a suspension is only proposed.

    How long that is says the book of the contract, `at` an instant.
    """
    days = book.setting(f"{PREFIX}first_days", at)
    return isinstance(days, int) and (first_heard is None or at < first_heard + timedelta(days=days))
