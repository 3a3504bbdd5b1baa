"""The table of what is allowed when: by phase, with the clause and until when."""

from datetime import date, datetime
from pathlib import Path
from typing import get_args

import pytest

from catalog.folder import config_folder
from catalog.terms import load_actions, load_menus
from contract.days import NEVER
from contract.gate import decide
from contract.records import Book
from contract.suspensions import suspended_until
from contract.taking_over import records_of
from model.contract_action import Action, Phase
from model.contract_record import ContractRecord, LicenceRecord, SuspensionRecord
from model.fault import Refused
from model.tenant import Contract, Suspension
from pipeline.tenants.terms import terms
from tests.contracts import EVIDENCE
from tests.phases import ALLOWED

CONTRACT = Contract(
    date(2026, 4, 1),
    date(2027, 3, 31),
    options=["own-policies", "standing-orders"],
    suspended=[Suspension(date(2026, 5, 10), "a flood", date(2026, 5, 12))],
)
RECORDS = records_of(CONTRACT, terms().menus, "2026-03-01T00:00:00.000000Z", "p", EVIDENCE)
LICENCE = LicenceRecord("cloud-security-product", date(2026, 4, 1), date(2026, 5, 31), date(2026, 3, 1))
LICENSED = [*RECORDS, ContractRecord(len(RECORDS) + 1, LICENCE, "2026-04-01", "2026-03-02T00:00:00.000000Z", "p")]
# A moment in each phase, the clause that a refusal has then, and until when it holds.
PHASES: dict[Phase, tuple[list[ContractRecord], str, str, str]] = {
    "not ordered": ([], "2026-04-15T00:00:00Z", "5(1)", ""),
    "not begun": (RECORDS, "2026-03-31T14:59:59Z", "7(1)", "2026-03-31T15:00:00.000000Z"),
    "running": (RECORDS, "2026-03-31T15:00:00Z", "7(1)", ""),
    "grace": (LICENSED, "2026-05-31T15:00:00Z", "3(2)", "2026-06-30T15:00:00.000000Z"),
    "unlicensed": (LICENSED, "2026-06-30T15:00:00Z", "3(2)", ""),
    "suspended": (RECORDS, "2026-05-11T00:00:00Z", "11", "2026-05-12T15:00:00.000000Z"),
    "ended": (RECORDS, "2027-03-31T15:00:00Z", "7(2)", ""),
}


def test_every_action_and_phase_is_decided_here() -> None:
    assert tuple(ALLOWED) == get_args(Action) == tuple(terms().actions.actions)
    assert tuple(PHASES) == get_args(Phase)


@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("phase", PHASES)
def test_the_gate(action: Action, phase: Phase) -> None:
    records, moment, clause, until = PHASES[phase]
    at = datetime.fromisoformat(moment)
    book = Book(records, terms())
    assert book.state(at).phase == phase
    decision = decide(action, book, at)
    assert decision.allowed == (phase in ALLOWED[action].split(", "))
    assert (decision.clause, decision.until) == (clause, until)
    assert decision.reason.en != decision.reason.ja


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("  plan:\n", "  plot:\n"), "plot"),
        (lambda text: text[: text.index("  logs.process:")], "has no row for logs.process"),
        (lambda text: text.replace("in: [running]", "in: [sleeping]", 1), "sleeping"),
        (lambda text: text.replace("in: [running]", "in: []", 1), "non-empty"),
        (lambda text: text.replace("capability: detection", "capability: divination", 1), "'divination' is no cap"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, change: object, problem: str) -> None:
    text = (config_folder() / "terms" / "actions.yaml").read_text(encoding="utf-8")
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "actions.yaml").write_text(change(text), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(Refused, match=problem) as refused:
        load_actions(tmp_path, load_menus(config_folder()))
    assert refused.value.faults[0].line > 0


@pytest.mark.article(11)
@pytest.mark.parametrize("action", ALLOWED)
def test_while_logs_are_suspended_all_but_taking_them_in_goes_on(action: Action) -> None:
    at = datetime.fromisoformat("2026-04-15T00:00:00Z")
    flood = SuspensionRecord("2026-04-14", "a flood", "2026-04-16T03:00:00.000000Z", "logs")
    record = ContractRecord(len(RECORDS) + 1, flood, "2026-04-14", "2026-04-14T00:00:00.000000Z", "p")
    book = Book([*RECORDS, record], terms())
    decision = decide(action, book, at)
    assert decision.allowed == (action != "logs.take" and "running" in ALLOWED[action].split(", "))
    assert book.state(at).phase == "running"
    if action == "logs.take":
        assert (decision.clause, decision.until) == ("11", "2026-04-16T03:00:00.000000Z")
        assert "2026-04-16 12:00" in decision.reason.en
        assert "4月16日 12:00" in decision.reason.ja


@pytest.mark.article(11)
def test_suspensions_that_follow_on_each_other_are_one() -> None:
    spans = [("2026-04-14", "2026-04-15"), ("2026-04-16", "2026-04-16T03:00:00.000000Z"), ("2026-04-20", None)]
    records = [
        ContractRecord(
            len(RECORDS) + n, SuspensionRecord(since, "a", until, "logs"), since, "2026-04-01T00:00:00Z", "p"
        )
        for n, (since, until) in enumerate(spans, start=1)
    ]
    book = Book([*RECORDS, *records], terms())
    ends = datetime.fromisoformat("2026-04-16T03:00:00Z")
    for at, until in (("2026-04-13T14:59:59Z", None), ("2026-04-13T15:00:00Z", ends), ("2026-04-16T03:00:00Z", None)):
        assert suspended_until(book.suspensions, datetime.fromisoformat(at)) == until
    assert suspended_until(book.suspensions, datetime.fromisoformat("2026-04-30T00:00:00Z")) == NEVER
