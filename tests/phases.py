"""Phases of a contract, as tests bring a tenant into them, and what the terms of service allow in each."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from model.canonical import instant
from model.clock import CONTRACT_ZONE
from model.contract_action import Action
from model.contract_record import (
    AcceptanceRecord,
    ItemRecord,
    LicenceRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from pipeline.tenants.applied import book_of
from store.home import Home
from tests.contracts import on_record

# In which phases each action is allowed, written down from the terms of service once more (config/terms/actions.yaml):
# what is done in the customer's clouds, from acceptance on or within the term; what we changed can be rolled back after
# it; the contract's own matters always go on. For some days after a licence has lapsed collection and alerts go on, and
# nothing is changed (Article 3).
ALLOWED: dict[Action, str] = {
    "onboard": "not begun, running, grace",
    "look": "running, grace",
    "plan": "running",
    "change": "running",
    "rollback": "running, grace, unlicensed, suspended, ended",
    "notify": "running, grace, suspended",
    "notice": "not ordered, not begun, running, grace, unlicensed, suspended, ended",
    "report": "running, grace, unlicensed, suspended, ended",
    "read": "not ordered, not begun, running, grace, unlicensed, suspended, ended",
    "export": "not ordered, not begun, running, grace, unlicensed, suspended, ended",
    "policies": "not begun, running, grace, suspended",
    "orders": "not begun, running, grace, suspended",
    "logs.take": "running, grace",
    "logs.process": "running, grace, suspended",
}
# What needs nothing of the menu: the contract's own matters, what is on record, and the way back.
FREE: tuple[Action, ...] = ("onboard", "rollback", "notice", "report", "read", "export")
# What an option gives, each by the item that has to be agreed on beside the base.
OPTIONAL: dict[Action, str] = {"policies": "own-policies", "orders": "standing-orders"}
# While it runs: with no item of the menu, and with its base alone.
NOTHING_BOUGHT, NO_OPTION = "nothing bought", "no option"


def allowed(action: Action, phase: str) -> bool:
    """Return whether an action is allowed in a phase, or while it runs with less bought."""
    if phase == NOTHING_BOUGHT:
        return action in FREE
    return action not in OPTIONAL if phase == NO_OPTION else phase in ALLOWED[action].split(", ")


class Row(NamedTuple):
    """What is on record in a phase, and the clause that a refusal names then."""

    records: tuple[What, ...]
    clause: str = ""


def rows(today: date) -> dict[str, Row]:
    """Return what brings a tenant of which nothing is on record into each phase, or lets it run with less bought."""
    before, after, yesterday = (today + timedelta(days=days) for days in (-60, 60, -1))
    lapsed = LicenceRecord("cloud-security-product", before, yesterday, before)
    stop = SettingRecord("licence.on_lapse", "stop")
    return {
        "not ordered": Row((), "5(1)"),
        "not begun": Row(_ordered(after), "7(1)"),
        "running": Row(_ordered(before)),
        "grace": Row((*_ordered(before), lapsed), "3(2)"),
        "unlicensed": Row((*_ordered(before), lapsed, stop), "3(2)"),
        "suspended": Row((*_ordered(before), SuspensionRecord(before.isoformat(), "a flood")), "11"),
        "ended": Row(_ordered(before, today - timedelta(days=2)), "7(2)"),
        NOTHING_BOUGHT: Row(_accepted(OrderRecord(before)), "2"),
        NO_OPTION: Row(_accepted(OrderRecord(before), ItemRecord("base", before)), "2"),
    }


def _ordered(start: date, last_day: date | None = None) -> tuple[What, ...]:
    items = (ItemRecord(name, start) for name in ("base", *OPTIONAL.values()))
    return _accepted(OrderRecord(start, last_day), *items)


def _accepted(*whats: What) -> tuple[What, ...]:
    return tuple(one for number, what in enumerate(whats) for one in (what, AcceptanceRecord(2 * number + 1)))


def put_into(home: Home, tenant: str, phase: str, now: datetime) -> str:
    """Bring a tenant of which nothing is on record into a phase; return the clause that a refusal names in it."""
    today = now.astimezone(CONTRACT_ZONE).date()
    row, before = rows(today)[phase], today - timedelta(days=90)
    for what in row.records:
        on_record(home, tenant, what, instant(now), before.isoformat())
    ran = phase in (NOTHING_BOUGHT, NO_OPTION)
    assert book_of(home.tenant(tenant)).term(now).phase == ("running" if ran else phase)
    return row.clause
