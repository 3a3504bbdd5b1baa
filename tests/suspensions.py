"""A proposed suspension in a tenant's store, as the service would have written it."""

from datetime import timedelta

from catalog.folder import config_folder
from catalog.terms import load_settings
from contract.suspension_settings import PREFIX
from model.canonical import encode, instant, parse_instant
from model.log_stage import RECORDED, StageRow
from model.person import SCHEDULE
from model.suspension_case import CaseMinute, CaseSetting, SuspensionCase
from model.text import Text
from store.home import Home

_SETTINGS = load_settings(config_folder()).settings


def case_of(tenant: str, at: str, until: str, id_: str) -> SuspensionCase:
    """Return a case of a tenant that was proposed at a moment, by the program's own numbers."""
    return SuspensionCase(
        id=id_,
        tenant=tenant,
        decided_at=at,
        outcome="proposed",
        reason="waiting",
        since=at,
        until=until,
        committed=100,
        settings=[
            CaseSetting(key, one.text, one.default, one.unit, "default", one.clause)
            for key, one in _SETTINGS.items()
            if key.startswith(PREFIX) and isinstance(one.default, int)
        ],
        minutes=[CaseMinute(at, 1_000, others_p99_s=61)],
        why_proposed=Text(en="no standing judgement", ja="包括的な判断がないため"),
    )


def proposed(home: Home, tenant: str, at: str, id_: str = "a" * 16) -> str:
    """Write that a suspension of a tenant was proposed at a moment; return the id of its case."""
    until = instant(parse_instant(at) + timedelta(hours=24))
    case = case_of(tenant, at, until, id_)
    row = StageRow(id_, at, "limited", "proposed", "waiting", encode(case).decode())
    with home.tenant(tenant).write(at, SCHEDULE) as writer:
        if writer.stages.add(row):
            writer.record(RECORDED, id_, id=id_, row=row.digest, after=row.after, reason=row.reason)
    return id_
