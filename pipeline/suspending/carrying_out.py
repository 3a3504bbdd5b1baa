"""What was decided is done in the tenant's store, all of it in one transaction, and people are notified of it."""

import hashlib
from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contract.reminders import Reminder
from contract.suspension_texts import change_text, reason_text
from detectors.service.finding import uid_of
from detectors.service.suspension import POLICY, suspension
from model.canonical import encode, instant
from model.contract_record import Evidence, SuspensionRecord
from model.log_stage import RECORDED, Became, Stage, StageRow
from model.person import SCHEDULE
from model.suspension_case import CaseAdvice, SuspensionCase
from model.text import Text
from pipeline.logs import logger
from pipeline.notifying.alone import Alone
from pipeline.notifying.reminding import Office, remind_of
from pipeline.suspending.advice import advice
from pipeline.suspending.cases import changes_of
from pipeline.suspending.standing import JudgedBy
from pipeline.tenants.applied import filed_tenant
from pipeline.tenants.contracts import recorded
from pipeline.world import World
from store.log_stages import LogDecision
from store.rows import Fence
from store.tenant import TenantStore
from store.writer import Writer

_LOG = logger()
# Of these changes the provider's people are notified: somebody may have to do something, or they end what was notified.
_CALLED = frozenset({"suspended", "proposed", "probing"})
# These change nothing of what the customer was notified of: that logs are not taken in, or are.
_AS_BEFORE = frozenset({"proposed", "probing"})


class Decided(Struct, frozen=True):
    """A change of a tenant's stage for a reason, with the case where it suspends or proposes that.

    That holds, or may be confirmed, for so many `minutes`.
    """

    before: Stage
    after: Became
    reason: str
    case: SuspensionCase | None
    minutes: float


def evidence_of(id_: str, document: str) -> Evidence:
    """Return a case, by its id and as it is kept, as what a suspension on record rests on."""
    return Evidence(f"suspension-{id_}.json", hashlib.sha256(document.encode()).hexdigest())


def carry_out(world: World, store: TenantStore, decision: LogDecision, by: JudgedBy) -> str:
    """Do a decision on a tenant in its store, and notify the world's people; return what keeps that from being through.

    Done again, it changes nothing. Nobody is suspended without a standing judgement now, whatever was decided or stands
    in the service's store (`by`). Raises `Refused` where the tenant's records do not hold.
    """
    decided = msgspec.json.decode(decision.document, type=Decided)
    if decision.state == "decided":
        if decided.case and decided.case.outcome == "suspended" and by.edition is None:
            return f"nobody is suspended: {by.why.en if by.why else 'nobody has judged so'}"
        _do(world, store, decision, decided)
        decision = replace(decision, state="done")
        with world.home.service.observe(world.now, SCHEDULE) as session:
            session.log_stages.decide([decision])
    if problem := _notify(world, store, decision, decided):
        return problem
    with world.home.service.observe(world.now, SCHEDULE) as session:
        session.log_stages.end(decision)
    return ""


def _do(world: World, store: TenantStore, decision: LogDecision, decided: Decided) -> None:
    with store.read() as reader:
        if reader.stages.one(decision.id):
            return
    case = _complete(world, store, decision, decided)
    now = world.clock.now()
    with store.write(instant(now), SCHEDULE) as writer:
        document = encode(case).decode() if case else ""
        row = StageRow(decision.id, decision.at, decided.before, decided.after, decided.reason, document)
        if not writer.stages.add(row):
            return
        writer.record(RECORDED, decision.id, id=row.id, row=row.digest, after=row.after, reason=row.reason)
        if case and case.outcome == "suspended":
            _suspend(writer, case)
        if decided.after not in _AS_BEFORE:
            said = change_text("suspended", case, decided.reason) if decided.after == "suspended" else None
            put_finding(writer, said, instant(now))


def _suspend(writer: Writer, case: SuspensionCase) -> None:
    """Record the suspension in the contract: the gate goes by it from now on."""
    what = SuspensionRecord(case.since, reason_text(case).en, case.until, case.scope, case.id)
    recorded(writer, what, case.since, SCHEDULE, evidence_of(case.id, encode(case).decode()))


def _complete(world: World, store: TenantStore, decision: LogDecision, decided: Decided) -> SuspensionCase | None:
    """Return a case with the moment of now, the way there, and advice to the customer."""
    if decided.case is None:
        return None
    now = world.clock.now()
    with store.read() as reader:
        changes = changes_of(reader.stages.all())
    found = CaseAdvice(0)
    if world.segments:
        found = advice(store, world.segments(decision.tenant), now)
    until = now + timedelta(minutes=decided.minutes)
    return replace(
        decided.case,
        decided_at=instant(now),
        since=instant(now),
        until=instant(until),
        changes=changes,
        advice=found,
    )


def put_finding(writer: Writer, said: Text | None, at: str) -> None:
    """Write what the customer is notified of: what is `said` of a suspension, or None once logs are taken in again.

    The writer of the store writes it `at` a moment; what stands there already stays as it is.
    """
    before = next(iter(writer.findings(None, [uid_of(POLICY, "")])), None)
    if found := suspension(said, before, at):
        finding, fact = found
        writer.put_findings([finding])
        writer.put_facts([fact], f"stages/{at}")


def _notify(world: World, store: TenantStore, decision: LogDecision, decided: Decided) -> str:
    """Notify the provider's people where somebody may have to do something; return why one did not arrive."""
    if decided.after not in _CALLED and decided.reason not in ("returns", "lifted"):
        return ""
    if not world.staff().channels:
        _LOG.warning("installation.yaml names no contract_channels: nobody is notified", tenant=decision.tenant)
        return ""
    alone = Alone(world, store, SCHEDULE)
    if not alone.comes(world.clock.now()):
        return "somebody else notifies people now"
    try:
        with store.read() as reader:
            row = reader.stages.one(decision.id)
        case = msgspec.json.decode(row.document, type=SuspensionCase) if row and row.document else None
        reminder = Reminder(f"stage:{decision.id}", change_text(decided.after, case, decided.reason), "11")
        name = filed_tenant(world.home, decision.tenant).name
        office = Office(decision.tenant, name, store, SCHEDULE, Fence(f"stages:{decision.tenant}", 0))
        return "; ".join(remind_of(world, office, [reminder]).problems)
    finally:
        alone.ends()
