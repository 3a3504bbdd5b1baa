"""Stages by what was measured in a minute: where exactly each kind of impact begins."""

from typing import Any

import pytest
from msgspec.structs import replace

from contract.suspension import Minute, StageSettings, TenantMinute, TenantStage, advance, forgotten, judged, recounted

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


def stages_of(
    minutes: list[TenantMinute], settings: StageSettings, capacity: float = 1_000
) -> list[tuple[int, str, str]]:
    """Return the changes of a customer's stage with these minutes, each with the minute, what it became and why."""
    state: dict[str, TenantStage] = {}
    found = []
    for number, minute in enumerate(minutes):
        state, changes = advance(state, Minute(number, {"a": minute}, capacity), settings)
        found += [(one.minute, str(one.after), str(one.reason)) for one in changes]
    return found


def test_ones_own_backlog_proposes_and_never_decides() -> None:
    behind = replace(FLOOD, backlog=100 * 1440 + 1)
    settings = StageSettings(backlog=1440)
    assert stages_of([behind] * 200, settings)[2:] == [(60, "proposed", "backlog")]
    assert stages_of([replace(behind, backlog=100 * 1440)] * 200, settings)[2:] == []
    # That others are affected is another thing: it suspends, or is proposed, whatever was proposed before.
    waiting = [*[behind] * 100, *[replace(behind, others_p99_s=61)] * 5]
    assert stages_of(waiting, settings)[3:] == [(105, "suspended", "waiting")]
    assert stages_of(waiting, replace(settings, automatic=False))[3:] == [(105, "proposed", "waiting")]


def test_who_returns_three_times_a_day_is_limited_at_once() -> None:
    wave = [*[FLOOD] * 6, *[CALM] * 35]
    found = stages_of(wave * 5, StageSettings(returns=3))
    assert [(after, reason) for _, after, reason in found if after in ("watch", "limited")] == [
        ("watch", "rate"),
        ("watch", "rate"),
        ("watch", "rate"),
        ("limited", "returns"),
        ("limited", "returns"),
    ]
    assert {after for _, after, _ in stages_of(wave * 5, StageSettings())} == {"watch", "normal"}
    rare = [*wave, *[CALM] * 1440]
    assert {after for _, after, _ in stages_of(rare * 5, StageSettings(returns=3))} == {"watch", "normal"}


def test_a_leads_word_begins_extends_and_ends_a_suspension() -> None:
    limited = TenantStage("limited", changed_at=10, known=60)
    suspended, became = judged(limited, 99, is_lifted=False, until=200)
    assert (suspended.stage, suspended.changed_at, became) == ("suspended", 99, ("suspended", "confirmed"))
    assert judged(limited, 99, is_lifted=False, until=None) == (limited, None)
    longer, became = judged(suspended, 150, is_lifted=False, until=400)
    assert (longer.stage, longer.until, became) == ("suspended", 400, None)
    lifted, became = judged(longer, 160, is_lifted=True, until=None)
    assert (lifted.stage, became) == ("normal", ("normal", "lifted"))
    for number, after in ((398, "suspended"), (399, "probing")):
        state, _ = advance({"a": longer}, Minute(number, {"a": FLOOD}, 1_000), SETTINGS)
        assert state["a"].stage == after


def test_minutes_are_counted_again_once_the_causes_are_known() -> None:
    flooded, _ = advance({}, Minute(0, {"a": FLOOD}, 1_000), SETTINGS)
    assert flooded["a"].massive == 1
    assert recounted(flooded["a"], [50], 100, SETTINGS).massive == 0
    assert recounted(flooded["a"], [301, 300, 119, 50], 100, SETTINGS) == replace(flooded["a"], massive=0b1000, calm=2)
    assert recounted(TenantStage(calm=100), [50, 50], 100, SETTINGS).calm == 100


def test_who_has_numbers_of_their_own_goes_by_these() -> None:
    minute = Minute(0, {"a": replace(FLOOD, is_dry=True), "b": replace(FLOOD, is_dry=True)}, 1_000)
    state, _ = advance({}, minute, SETTINGS, {"b": StageSettings(hot=20)})
    assert {name: one.stage for name, one in state.items()} == {"a": "watch", "b": "normal"}


@pytest.mark.parametrize(("changed_at", "minute", "after"), [(100, 50, 50), (100, 300, 100), (None, 50, None)])
def test_where_the_clock_was_put_back_a_stage_is_as_old_as_it_can_be(
    changed_at: int | None, minute: int, after: int | None
) -> None:
    standing = forgotten(TenantStage("limited", changed_at, 60, (1 << 60) - 1, 3, 4, 5, (1.0,)), minute)
    assert standing == TenantStage("limited", after)
