"""What a decision rests on, put together as one document: the case (Article 11)."""

from collections.abc import Sequence
from datetime import datetime

from contract.settings import explain
from contract.suspension import StageChange
from contract.suspension_settings import InForce, explained
from model.canonical import digest
from model.log_stage import StageRow
from model.suspension_case import CaseChange, CaseMinute, CaseSetting, SuspensionCase
from model.text import Text
from pipeline.suspending.gathering import Gathered
from pipeline.suspending.minutes import KeptMinute, MinuteTenant
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from pipeline.tenants.terms import texts_of_settings

# So many minutes are shown, of which the last hour counts.
SHOWN_MINUTES = 120


def id_of(change: StageChange, minute: str) -> str:
    """Return the id of a change after a minute: whoever decides the same again means the same."""
    return digest("stage", change.tenant, minute, change.before, change.after)[:16]


def case_of(
    change: StageChange, found: Gathered, minutes: Sequence[KeptMinute], standing: InForce | None, why: Text | None
) -> SuspensionCase:
    """Return the case of a change to suspended or proposed, with what was `found` and the minutes until then.

    `standing` is the edition of the specification that lets it be automatic; `why` a person has to decide otherwise.
    """
    name, last = change.tenant, minutes[-1].at
    return SuspensionCase(
        id=id_of(change, last),
        tenant=name,
        decided_at="",
        outcome="suspended" if change.after == "suspended" else "proposed",
        reason=change.reason,
        since="",
        until="",
        committed=round(found.came.committed),
        settings=_settings(found, last),
        minutes=[_minute(name, one) for one in minutes],
        calm_p99_s=minutes[-1].calm_p99_s,
        edition=standing.edition if standing else "",
        judgement=standing.judgement if standing else None,
        why_proposed=why,
    )


def changes_of(rows: Sequence[StageRow]) -> list[CaseChange]:
    """Return the changes on the way there, since the tenant was normal last."""
    found = list[CaseChange]()
    for row in rows:
        found.append(CaseChange(row.at, row.before, row.after, row.reason))
        if row.after == "normal":
            found.clear()
    return found


def _minute(name: str, one: KeptMinute) -> CaseMinute:
    tenant = one.tenants.get(name) or MinuteTenant(0)
    return CaseMinute(
        at=one.at,
        records=tenant.records,
        left_out=tenant.left_out,
        others_p99_s=tenant.others_p99_s,
        others_records=one.records - tenant.records,
        capacity=one.capacity,
        backlog=tenant.backlog,
        refused=tenant.refused,
        refusing_percent=tenant.refusing_percent,
        growth_bytes=tenant.growth,
        total_growth_bytes=one.growth,
        free_bytes=one.free,
    )


def _settings(found: Gathered, at: str) -> list[CaseSetting]:
    moment = datetime.fromisoformat(at)
    said = explained(found.book, moment)
    texts = texts_of_settings()
    shown = [
        CaseSetting(key, texts[key], one.value, one.unit, one.layer, one.clause)
        for key, one in said.items()
        if isinstance(one.value, int)
    ]
    rate = explain(RECORDS_PER_MINUTE, found.book.terms.settings, found.book.records, moment)
    layer = rate.layer if isinstance(rate.value, int) else "observed"
    return [
        CaseSetting(
            RECORDS_PER_MINUTE, texts[RECORDS_PER_MINUTE], round(found.came.committed), rate.unit, layer, rate.clause
        ),
        *shown,
    ]
