"""A proposed suspension in a tenant's store, as the service would have written it."""

from datetime import timedelta

from model.canonical import encode, instant, parse_instant
from model.log_stage import RECORDED, StageRow
from model.person import SCHEDULE
from model.suspension_case import CaseMinute, CaseSetting, SuspensionCase
from model.text import Text
from store.home import Home

PERIOD = CaseSetting("suspension.period_hours", Text(en="period", ja="期間"), 24, "hours", "default", "11")


def proposed(home: Home, tenant: str, at: str, id_: str = "a" * 16) -> str:
    """Write that a suspension of a tenant was proposed at a moment; return the id of its case."""
    until = instant(parse_instant(at) + timedelta(hours=24))
    case = SuspensionCase(
        id=id_,
        tenant=tenant,
        decided_at=at,
        outcome="proposed",
        reason="waiting",
        since=at,
        until=until,
        committed=100,
        settings=[PERIOD],
        minutes=[CaseMinute(at, 1_000, others_p99_s=61)],
        why_proposed=Text(en="no standing judgement", ja="包括的な判断がないため"),
    )
    row = StageRow(id_, at, "limited", "proposed", "waiting", encode(case).decode())
    with home.tenant(tenant).write(at, SCHEDULE) as writer:
        if writer.stages.add(row):
            writer.record(RECORDED, id_, id=id_, row=row.digest, after=row.after, reason=row.reason)
    return id_
