"""What is read of a tenant's suspensions: the list, one case with what came of it, and the criteria."""

import hashlib
from collections import Counter
from datetime import datetime

from msgspec import Struct

from contract.days import NEVER, begins
from contract.records import Book
from contract.suspensions import suspended_until
from detectors.service.finding import uid_of
from detectors.service.suspension import POLICY
from model.canonical import instant, parse_instant
from model.contract_record import JudgementRecord, SuspensionRecord
from model.fault import Refused
from model.log_stage import LogAdmission, StageRow
from model.log_volume import slot_of
from model.suspension_case import CaseGap, CaseJudgement, CaseNotice, SuspensionCase, SuspensionStory
from model.text import Language, Text
from pipeline.suspending.listing import SuspensionView, case_of, views
from pipeline.tenants.applied import book_of
from reports.suspension_page import render
from store.implied import stages_fault
from store.reader import Reader
from store.tenant import TenantStore

_PAGE = "suspension.page"


class Suspensions(Struct, frozen=True):
    """How a tenant's logs stand: what is let in now, and its suspensions and proposals, the newest first."""

    tenant: str
    admission: LogAdmission
    suspensions: list[SuspensionView]


class Case(Struct, frozen=True):
    """A case as it was decided, what came of it, and how it stands now."""

    view: SuspensionView
    case: SuspensionCase
    story: SuspensionStory


class PageWanted(Struct, frozen=True):
    """In which language a page is made, by whom, `at` a moment."""

    language: Language
    person: str
    at: str


class NoSuchCase(Refused):
    """There is no such case of this tenant."""


def suspensions(tenant: str, store: TenantStore, now: datetime) -> Suspensions:
    """Return how a tenant's logs stand now, by its store; raises `Refused` where its records do not hold."""
    book = book_of(store)
    with store.read() as reader:
        return Suspensions(tenant, reader.stages.admission(), views(reader.stages.all(), book, now))


def case(store: TenantStore, id_: str, now: datetime) -> Case:
    """Return a case in a tenant's store by its id, with what came of it until now.

    Raises `NoSuchCase`, and `Refused` where it is not the one that was recorded.
    """
    book = book_of(store)
    with store.read() as reader:
        if fault := stages_fault(reader):
            raise Refused(f"{fault}; see `hinomi audit verify`")
        row, rows = reader.stages.one(id_), reader.stages.all()
        if row is None or not row.document:
            raise NoSuchCase(f"there is no case {id_!r}; `hinomi suspension list` has the ids")
        found = case_of(row)
        view = next(one for one in views(rows, book, now) if one.id == id_)
        return Case(view, found, _story(_Read(reader, view, row), book, now))


class _Read(Struct, frozen=True):
    """A case in a store that is read: how it stands, and its change of stage."""

    reader: Reader
    view: SuspensionView
    row: StageRow


def page(store: TenantStore, found: Case, provider: Text | None, wanted: PageWanted) -> str:
    """Return the evidence of a case that was found as one HTML page; the store's records get the SHA-256 of a new one.

    It names the provider where there is one; in which language it is made, by whom and when is `wanted`.
    """
    made = render(found.case, found.story, provider, wanted.language)
    sha256 = hashlib.sha256(made.encode()).hexdigest()
    with store.read() as reader:
        is_recorded = any(one["sha256"] == sha256 for one in reader.recorded(_PAGE))
    if not is_recorded:
        with store.observe(wanted.at, wanted.person) as writer:
            writer.record(_PAGE, found.case.id, language=wanted.language, sha256=sha256)
    return made


def _story(read: "_Read", book: Book, now: datetime) -> SuspensionStory:
    """Return what came of a case until now, by the contract's book."""
    reader, view, row = read.reader, read.view, read.row
    until, ended = _end(view, book, now)
    judgements = sorted([*_confirmed(view, row), *_judgements(view, book)], key=lambda one: one.at)
    notices = [*_to_customer(reader, row), *_to_staff(reader, row)]
    return SuspensionStory(view.scope or "logs", until, ended, judgements, notices, _gaps(reader, view))


def _end(view: SuspensionView, book: Book, now: datetime) -> tuple[str, str]:
    """Return until when a case holds, and when it ended; empty for no end, and for none yet.

    What a lead has recorded to follow on a suspension makes it longer.
    """
    if view.record is None:
        return view.until, view.until if view.state == "lapsed" else ""
    ends = suspended_until(book.suspensions, parse_instant(view.since))
    if ends is None:  # lifted in the moment in which it began
        return view.until, view.until
    until = "" if ends == NEVER else instant(ends)
    return until, until if ends <= now else ""


def _confirmed(view: SuspensionView, row: StageRow) -> list[CaseJudgement]:
    if row.after != "proposed" or view.record is None:
        return []
    return [CaseJudgement(view.since, view.by, "confirmed", "")]


def _judgements(view: SuspensionView, book: Book) -> list[CaseJudgement]:
    """Return what people have judged since: that it is lifted, or longer, by another suspension on record."""
    found = list[CaseJudgement]()
    for one in book.records if view.record else ():
        match one.what:
            case JudgementRecord(of=view.record):
                found.append(CaseJudgement(one.recorded_at, one.person, one.what.decision, one.what.reason))
            case SuspensionRecord(flood="") if view.since <= instant(begins(one.what.since)) <= view.until:
                found.append(CaseJudgement(one.recorded_at, one.person, "extended", one.what.reason))
    return found


def _to_customer(reader: Reader, row: StageRow) -> list[CaseNotice]:
    """Return the deliveries of what the customer was notified of since the case."""
    uid, found = uid_of(POLICY, ""), list[CaseNotice]()
    alerts = {alert for fact, alert in reader.facts() if fact.finding == uid and fact.at >= row.at}
    for one in reader.deliveries():
        if one.alert in alerts:
            found.append(CaseNotice("customer", one.channel, one.state, one.sent_at or "", one.problem))
    return found


def _to_staff(reader: Reader, row: StageRow) -> list[CaseNotice]:
    return [
        CaseNotice("staff", channel, "sent", at)
        for id_, channel, at in reader.reminders.sent()
        if id_ == f"stage:{row.id}"
    ]


def _gaps(reader: Reader, view: SuspensionView) -> list[CaseGap]:
    """Return what was not taken in since a suspension began, and what was filled back: of pushes the bytes."""
    if not view.since:
        return []
    missed, filled = Counter[str](), Counter[str]()
    for one in reader.logs.counts(slot_of(parse_instant(view.since)), "9999"):
        if one.what == "not fetched":
            missed[one.source] += one.bytes
        elif (one.what, one.cause) == ("processed", "back-fill"):
            filled[one.source] += one.records
    found = sorted(missed.keys() | filled.keys())
    # Of a queue only the number of its messages is known meanwhile.
    return [CaseGap(source, None, missed[source] or None, filled[source]) for source in found]
