"""What a decision rests on, put together as one document: the case (Article 11)."""

from collections.abc import Sequence

from contract.settings import explain
from contract.suspension import StageChange
from contract.suspension_criteria import numbers
from model.canonical import digest, parse_instant
from model.log_stage import StageRow
from model.suspension_case import CaseChange, CaseMinute, CaseSetting, SuspensionCase
from model.text import Text
from pipeline.suspending.gathering import Gathered
from pipeline.suspending.minutes import KeptMinute, MinuteTenant
from pipeline.suspending.standing import JudgedBy
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from pipeline.tenants.terms import texts_of_settings

# So many minutes are shown, of which the last hour counts.
SHOWN_MINUTES = 120
_OWN_BACKLOG = Text(
    en="only the customer's own logs wait: that affects nobody else, and never decides by itself",
    ja="待ちが生じているのは当該のお客様のログのみで、他のお客様への影響は確認されていないため",
)
_FIRST_DAYS = Text(
    en="the customer is in the first days, in which a suspension is only proposed",
    ja="利用開始直後の期間は、停止を提案にとどめるため",
)


def id_of(change: StageChange, minute: str) -> str:
    """Return the id of a change after a minute: whoever decides the same again means the same."""
    return digest("stage", change.tenant, minute, change.before, change.after)[:16]


def case_of(change: StageChange, found: Gathered, minutes: Sequence[KeptMinute], by: JudgedBy) -> SuspensionCase:
    """Return the case of a change to suspended or proposed, with what was `found` and the minutes until then.

    `by` is what lets it be automatic, or why nothing does.
    """
    name, last = change.tenant, minutes[-1]
    is_automatic = change.after == "suspended"
    edition = by.edition if is_automatic else None
    return SuspensionCase(
        id=id_of(change, last.at),
        tenant=name,
        decided_at="",
        outcome="suspended" if is_automatic else "proposed",
        reason=change.reason,
        since="",
        until="",
        committed=round(found.came.committed),
        settings=_settings(found, last.at),
        minutes=[_minute(name, one) for one in minutes],
        calm_p99_s=last.calm_p99_s,
        edition=edition.edition if edition else "",
        judgement=edition.judgement if edition else None,
        why_proposed=None if is_automatic else _why_proposed(change, by),
    )


def _why_proposed(change: StageChange, by: JudgedBy) -> Text:
    if change.reason == "backlog":
        return _OWN_BACKLOG
    return by.why or _FIRST_DAYS  # else it would have been automatic


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
    moment, texts = parse_instant(at), texts_of_settings()
    rate = explain(RECORDS_PER_MINUTE, found.book.terms.settings, found.book.records, moment)
    layer = rate.layer if isinstance(rate.value, int) else "observed"
    committed = round(found.came.committed)
    of_rate = CaseSetting(RECORDS_PER_MINUTE, texts[RECORDS_PER_MINUTE], committed, rate.unit, layer, rate.clause)
    return [of_rate, *numbers(found.book, moment, texts)]
