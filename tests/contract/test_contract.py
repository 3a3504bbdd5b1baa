"""The term: start and last day both count, in Japan's days."""

from datetime import date

import pytest

from contract.term import decide
from model.tenant import Contract, Suspension


@pytest.mark.article(7)
@pytest.mark.parametrize(
    ("day", "last_day", "allowed", "clause"),
    [
        (date(2026, 3, 31), None, False, "7(1)"),
        (date(2026, 4, 1), None, True, "7(1)"),
        (date(2036, 4, 1), None, True, "7(1)"),  # renews year by year
        (date(2027, 3, 31), date(2027, 3, 31), True, "7(1)"),
        (date(2027, 4, 1), date(2027, 3, 31), False, "7(2)"),
    ],
)
def test_term(day: date, last_day: date | None, allowed: bool, clause: str) -> None:
    decision = decide(Contract(start=date(2026, 4, 1), last_day=last_day), day)
    assert (decision.allowed, decision.clause) == (allowed, clause)
    assert str(day) in decision.reason.ja or allowed


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("day", "allowed", "clause"),
    [
        (date(2026, 5, 9), True, "7(1)"),
        (date(2026, 5, 10), False, "11"),
        (date(2026, 5, 12), False, "11"),
        (date(2026, 5, 13), True, "7(1)"),
        (date(2026, 6, 1), False, "11"),
        (date(2027, 3, 31), False, "11"),
        (date(2027, 4, 1), False, "7(2)"),  # an end ends a suspension too
    ],
)
def test_suspension(day: date, allowed: bool, clause: str) -> None:
    short = Suspension(date(2026, 5, 10), "logs flood the service", date(2026, 5, 12))
    open_ended = Suspension(date(2026, 6, 1), "logs flood the service")
    contract = Contract(date(2026, 4, 1), date(2027, 3, 31), suspended=[short, open_ended])
    decision = decide(contract, day)
    assert (decision.allowed, decision.clause) == (allowed, clause)
    for text in (decision.reason.en, decision.reason.ja):
        assert ("logs flood the service" in text) == (clause == "11")
    assert ("until further notice" in decision.reason.en) == (clause == "11" and day >= open_ended.first_day)
