"""Phases of a contract, as tests bring a tenant into them, and what the terms of service allow in each."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from contract.records import Book
from model.canonical import instant
from model.clock import CONTRACT_ZONE
from model.contract_action import Action, Phase
from model.contract_record import AcceptanceRecord, ItemRecord, OrderRecord, SuspensionRecord, What
from pipeline.tenants.applied import contract_records
from store.home import Home
from tests.contracts import on_record

# In which phases each action is allowed, written down from the terms of service once more (config/terms/actions.yaml).
ALLOWED: dict[Action, str] = {
    "onboard": "not begun, running",
    "look": "running",
    "plan": "running",
    "change": "running",
    "rollback": "running, suspended, ended",
    "notify": "running",
    "notice": "not ordered, not begun, running, suspended, ended",
    "report": "running, suspended, ended",
    "read": "not ordered, not begun, running, suspended, ended",
    "export": "not ordered, not begun, running, suspended, ended",
    "logs.take": "running",
    "logs.process": "running",
}


def allowed(action: Action, phase: Phase) -> bool:
    return phase in ALLOWED[action].split(", ")


class Row(NamedTuple):
    """What is on record in a phase, and the clause that a refusal names then."""

    records: tuple[What, ...]
    clause: str = ""


def rows(today: date) -> dict[Phase, Row]:
    """Return what brings a tenant of which nothing is on record into each phase."""
    before, after = today - timedelta(days=60), today + timedelta(days=60)
    return {
        "not ordered": Row((), "5(1)"),
        "not begun": Row(_ordered(after), "7(1)"),
        "running": Row(_ordered(before)),
        "suspended": Row((*_ordered(before), SuspensionRecord(before.isoformat(), "a flood")), "11"),
        "ended": Row(_ordered(before, today - timedelta(days=2)), "7(2)"),
    }


def _ordered(start: date, last_day: date | None = None) -> tuple[What, ...]:
    return OrderRecord(start, last_day), AcceptanceRecord(1), ItemRecord("base", start), AcceptanceRecord(3)


def put_into(home: Home, tenant: str, phase: Phase, now: datetime) -> str:
    """Bring a tenant of which nothing is on record into a phase; return the clause that a refusal names in it."""
    today = now.astimezone(CONTRACT_ZONE).date()
    row, before = rows(today)[phase], today - timedelta(days=90)
    for what in row.records:
        on_record(home, tenant, what, instant(now), before.isoformat())
    assert Book(contract_records(home.tenant(tenant))).term(now).phase == phase
    return row.clause
