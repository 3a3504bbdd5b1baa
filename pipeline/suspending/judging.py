"""What people judge on a suspension: proposals are confirmed within their window, suspensions are lifted."""

from datetime import timedelta

import msgspec
from msgspec import Struct

from contract.suspension_settings import PREFIX
from contract.suspension_texts import change_text
from model.canonical import instant
from model.clock import Clock
from model.contract_record import ContractRecord, JudgementRecord, SuspensionRecord
from model.fault import Refused
from model.log_stage import LogAdmission
from model.person import HOST, SCHEDULE
from model.suspension_case import SuspensionCase, SuspensionScope
from pipeline.access.authorization import Authorizer
from pipeline.suspending.carrying_out import evidence_of, put_finding
from pipeline.suspending.listing import open_proposal
from pipeline.suspending.standing import JUDGES
from pipeline.tenants.applied import book_of
from pipeline.tenants.contracts import recorded
from store.implied import stages_fault
from store.tenant import TenantStore

_MOST_HOURS, _MOST_REASON = 30 * 24, 400


class Confirmation(Struct, frozen=True):
    """What a lead says to a proposal: for which reason, of which scope, and for how many hours (0: as it is set)."""

    reason: str
    scope: SuspensionScope = "logs"
    hours: int = 0
    proposal: str = ""


def confirm(authorizer: Authorizer, tenant: str, wanted: Confirmation, clock: Clock) -> ContractRecord:
    """Suspend a tenant as it was proposed, by somebody who may judge and did not propose it; return the record.

    The authorizer knows who, what is `wanted` says why, the clock gives the time. Raises `NotAllowed`, and `Refused`
    where no proposal is open: of another tenant, after its window, or confirmed already.
    """
    store, person = _judging(authorizer, tenant, wanted.reason)
    if not 0 <= wanted.hours <= _MOST_HOURS:
        raise Refused(f"a suspension lasts between 1 and {_MOST_HOURS} hours; 0 for as long as it is set")
    now = clock.now()
    with store.write(instant(now), person) as writer:
        if fault := stages_fault(writer):
            raise Refused(f"{fault}; see `hinomi audit verify`")
        row = open_proposal(writer.stages.all(), writer.contract.all(), now, wanted.proposal)
        case = msgspec.json.decode(row.document, type=SuspensionCase)
        until = instant(now + timedelta(hours=wanted.hours or _period(case)))
        what = SuspensionRecord(instant(now), wanted.reason, until, wanted.scope, row.id)
        made = recorded(writer, what, instant(now), person, evidence_of(row.id, row.document))
        writer.stages.admit(LogAdmission("suspended", 0, instant(now)))
        held = msgspec.structs.replace(case, since=what.since, until=until, scope=wanted.scope)
        put_finding(writer, change_text("suspended", held), instant(now))
    return made


def lift(authorizer: Authorizer, tenant: str, reason: str, clock: Clock) -> list[ContractRecord]:
    """End the suspensions of a tenant that hold now, by somebody who may judge; return the judgements.

    The authorizer knows who, the reason stands on record, the clock gives the time. Raises `NotAllowed`, and `Refused`
    where nothing is suspended.
    """
    store, person = _judging(authorizer, tenant, reason)
    now, book = clock.now(), book_of(store)
    holding = [one.record for one in book.suspensions if one.holds(now)]
    if not holding:
        raise Refused(f"{tenant} is not suspended")
    with store.write(instant(now), person) as writer:
        made = [
            recorded(writer, JudgementRecord(one.number, "lifted", reason), instant(now), person) for one in holding
        ]
        writer.stages.admit(LogAdmission("normal", None, instant(now)))
        put_finding(writer, None, instant(now))
    return made


def _judging(authorizer: Authorizer, tenant: str, reason: str) -> tuple[TenantStore, str]:
    """Return a tenant's store for somebody who may judge, and who that is: never the host's shell."""
    store = authorizer.tenant(JUDGES, tenant)
    if authorizer.actor.name in (HOST.name, SCHEDULE):
        raise Refused("a person judges who has signed in (`hinomi login`)")
    if not 0 < len(reason.strip()) <= _MOST_REASON:
        raise Refused(f"--reason: say why, in {_MOST_REASON} characters at most")
    book_of(store)  # refuses records that do not hold
    return store, authorizer.actor.name


def _period(case: SuspensionCase) -> int:
    return next(one.value for one in case.settings if one.key == f"{PREFIX}period_hours")
