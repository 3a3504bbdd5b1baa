"""The term: start and last day both count, in Japan's days."""

from datetime import date

import pytest

from contract.term import decide
from model.tenant import Contract


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
