"""Stages by what was measured in a minute: where exactly each kind of impact begins."""

from typing import Any

import pytest
from msgspec.structs import replace

from contract.suspension import Minute, StageSettings, TenantMinute, TenantStage, advance

SETTINGS = StageSettings()
FLOOD = TenantMinute(1_000, 100)
CALM = TenantMinute(50, 100)


def after_an_hour(last: int, **more: Any) -> TenantStage:
    """Return the stage of a tenant after an hour of flood, with what was measured in its last minutes."""
    state: dict[str, TenantStage] = {}
    free = more.pop("free", None)
    for number in range(60):
        flood = replace(FLOOD, **more) if number >= 60 - last else FLOOD
        state, _ = advance(state, Minute(number, {"a": flood, "b": CALM}, 1_000, free), SETTINGS)
    assert state["b"].stage == "normal"
    return state["a"]


@pytest.mark.parametrize(
    ("last", "measured", "ends_in"),
    [
        (60, {}, "limited"),
        (5, {"others_p99_s": 61}, "suspended"),
        (4, {"others_p99_s": 61}, "limited"),
        (5, {"others_p99_s": 60}, "limited"),
        (10, {"refused": 5_001}, "suspended"),  # 5,001 × 0.05 of the 1,000 that can be processed
        (9, {"refused": 5_001}, "limited"),
        (10, {"refused": 5_000}, "limited"),
        (30, {"growth": 10, "free": 2_399}, "suspended"),  # full within four hours
        (30, {"growth": 10, "free": 2_400}, "limited"),
        (30, {"growth": 10}, "limited"),  # no limit
        (30, {"growth": -10, "free": 0}, "limited"),
    ],
)
def test_a_flood_ends_in_a_suspension_once_others_are_affected(
    last: int, measured: dict[str, Any], ends_in: str
) -> None:
    assert after_an_hour(last, **measured).stage == ends_in


def test_who_fills_half_of_the_disk_or_less_is_not_who_fills_it() -> None:
    for others, stage in ((9.9, "suspended"), (10, "limited")):
        state: dict[str, TenantStage] = {}
        for number in range(60):
            tenants = {"a": replace(FLOOD, growth=10), "b": replace(CALM, growth=others)}
            state, _ = advance(state, Minute(number, tenants, 1_000, 100.0), SETTINGS)
        assert state["a"].stage == stage


def test_others_who_would_not_find_room_anyway_do_not_wait_because_of_the_flood() -> None:
    for records, stage in ((900, "suspended"), (901, "limited")):
        state: dict[str, TenantStage] = {}
        for number in range(60):
            tenants = {"a": replace(FLOOD, others_p99_s=600), "b": TenantMinute(records, 1_000)}
            state, _ = advance(state, Minute(number, tenants, 1_000), SETTINGS)
        assert state["a"].stage == stage
