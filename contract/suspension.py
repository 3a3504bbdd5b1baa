"""Article 11 as stages: from the volume of each minute to watching, limiting, suspending and probing. Pure.

Each tenant has a stage. At the end of a minute it changes at most once, by what was measured: nobody hands in whether
others are affected, which is computed here. Massive is a minute with more than `hot` times the committed records, calm
one with less than `cool` times. Windows are the last whole minutes, and count in every stage.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Stage = Literal["normal", "watch", "limited", "suspended", "probing"]
Became = Literal["normal", "watch", "limited", "suspended", "probing", "proposed"]
Impact = Literal["waiting", "disk", "intake"]
Reason = Literal["rate", "calm", "massive", "period", "waiting", "disk", "intake"]

# Of how many minutes how many have to be massive; how many on end calm.
_WATCH, _LIMITED, _SUSPENDED, _LAST_TEN = (5, 5), (20, 15), (60, 54), (10, 8)
_CALM_RUN = 30
# What all share is affected: others wait in so many minutes on end; the disk is full within so many minutes at the
# growth of the last ones; refusing costs more than this part of the capacity in so many minutes on end.
_WAITING_RUN, _WAITING_TIMES = 5, 1.2
_GROWTH_MINUTES, _FULL_WITHIN, _GROWTH_PART = 30, 240, 0.5
_INTAKE_RUN, _INTAKE_PART = 10, 0.25
# What of the committed rate is taken while the volume is probed: first nothing, then a share each so many minutes.
_SHARES: tuple[tuple[int, float], ...] = ((20, 1.0), (10, 0.5), (0, 0.25))
_PROBED = 30
PROPOSAL_LAPSES = 1440


class StageSettings(Struct, frozen=True):
    """The numbers that stages go by; times in minutes but for `target_s` and `calm_p99_s`, which are seconds.

    `refusal` is what refusing a record costs in parts of processing one. Without `automatic` nobody is suspended: it is
    proposed.
    """

    hot: float = 3
    cool: float = 1.2
    dwell: float = 10
    period: float = 1440
    automatic: bool = True
    target_s: float = 60
    calm_p99_s: float = 0
    refusal: float = 0.05


class TenantMinute(Struct, frozen=True, gc=False):
    """What was measured of a tenant in a minute: records that its environment caused, and the committed ones.

    It is `dry` where records came beyond the rate and beyond what had been saved up. `growth` is by how many records
    the disk has filled; `backlog` waits at the end. `others_p99_s` is how long 99 % of the others' records waited at
    most that were processed in the minute.
    """

    records: float
    committed: float
    is_dry: bool = False
    refused: float = 0
    growth: float = 0
    backlog: float = 0
    others_p99_s: float = 0


class Minute(Struct, frozen=True):
    """What was measured in a minute, by its number: of each tenant, how many records can be processed in one.

    `free` are the records that the disk takes yet, None where it has no limit.
    """

    number: int
    tenants: Mapping[str, TenantMinute]
    capacity: float
    free: float | None = None


class TenantStage(Struct, frozen=True, gc=False):
    """A tenant's stage, since when (a minute's number), and what its last minutes were.

    `massive` has a bit a minute, the newest lowest; `calm`, `waiting` and `intake` are minutes on end. `share` is what
    of the committed rate is taken while probing, since `quarter_at` more than nothing. `proposed_at` is when a
    suspension was proposed last.
    """

    stage: Stage = "normal"
    changed_at: int | None = None
    known: int = 0
    massive: int = 0
    calm: int = 0
    waiting: int = 0
    intake: int = 0
    growth: tuple[float, ...] = ()
    share: float = 0.0
    quarter_at: int | None = None
    proposed_at: int | None = None


class StageChange(Struct, frozen=True):
    """A tenant's stage is another one from a minute on, for a reason; `proposed` is said, and is no stage."""

    minute: int
    tenant: str
    before: Stage
    after: Became
    reason: Reason


def advance(
    state: Mapping[str, TenantStage], minute: Minute, settings: StageSettings
) -> tuple[dict[str, TenantStage], list[StageChange]]:
    """Return the stages after a minute, and what changed by the settings, in the order of the minute's tenants.

    `state` are the stages until then; a tenant without one is new, and normal.
    """
    records = sum(one.records for one in minute.tenants.values())
    seen = {
        name: _seen(state.get(name, _NEW), one, (records - one.records, minute.capacity), settings)
        for name, one in minute.tenants.items()
    }
    filled = _filled(seen)
    after, changes = dict[str, TenantStage](), list[StageChange]()
    for name, one in minute.tenants.items():
        impact = _impact(seen[name], minute, filled)
        standing, became = _moved(seen[name], one, (minute.number, impact), settings)
        after[name] = standing
        if became is not None:
            changes.append(StageChange(minute.number + 1, name, seen[name].stage, *became))
    return after, changes


_NEW = TenantStage()
_Move = tuple[TenantStage, tuple[Became, Reason] | None]


def _seen(before: TenantStage, one: TenantMinute, of: tuple[float, float], settings: StageSettings) -> TenantStage:
    """Return a standing once a minute is among its windows, of which others' records and the capacity are known."""
    others, capacity = of
    waits = one.others_p99_s > max(_WAITING_TIMES * settings.calm_p99_s, settings.target_s)
    fits = others + one.committed <= capacity
    costs = one.refused * settings.refusal / capacity > _INTAKE_PART
    return replace(
        before,
        known=before.known + 1,
        massive=(before.massive << 1 | (one.records > settings.hot * one.committed)) & (1 << _SUSPENDED[0]) - 1,
        calm=before.calm + 1 if one.records < settings.cool * one.committed else 0,
        waiting=before.waiting + 1 if waits and fits else 0,
        intake=before.intake + 1 if costs else 0,
        growth=(*before.growth[1 - _GROWTH_MINUTES :], one.growth),
    )


def _filled(seen: Mapping[str, TenantStage]) -> tuple[float, int]:
    """Return by how many records the disk filled in the last minutes, and how many minutes these are."""
    minutes = max((len(one.growth) for one in seen.values()), default=0)
    return sum(sum(one.growth) for one in seen.values()), minutes


def _impact(seen: TenantStage, minute: Minute, filled: tuple[float, int]) -> Impact | None:
    """Return what of that which all share a tenant affects, None where it affects nothing."""
    if seen.waiting >= _WAITING_RUN:
        return "waiting"
    total, minutes = filled
    is_filling = minute.free is not None and total > 0 and minute.free * minutes / total < _FULL_WITHIN
    if is_filling and sum(seen.growth) > _GROWTH_PART * total:
        return "disk"
    return "intake" if seen.intake >= _INTAKE_RUN else None


def _moved(seen: TenantStage, one: TenantMinute, now: tuple[int, Impact | None], settings: StageSettings) -> _Move:
    """Return the standing after a minute, and what it became."""
    number, _ = now
    dwelt = seen.changed_at is None or number - seen.changed_at >= settings.dwell
    match seen.stage:
        case "normal":
            begins = _is_massive(seen, _WATCH) or (seen.massive & 1 and one.is_dry)
            return _to(seen, "watch", number, "rate") if begins else (seen, None)
        case "watch":
            return _watched(seen, number) if dwelt else (seen, None)
        case "limited":
            return _limited(seen, one, now, settings) if dwelt else (seen, None)
        case "suspended":
            assert seen.changed_at is not None, "it was suspended once"
            is_over = number >= seen.changed_at + settings.period
            return _to(seen, "probing", number, "period") if is_over else (seen, None)
    return _probed(seen, number)


def _watched(seen: TenantStage, number: int) -> _Move:
    if seen.calm >= _CALM_RUN:
        return _to(seen, "normal", number, "calm")
    return _to(seen, "limited", number, "rate") if _is_massive(seen, _LIMITED) else (seen, None)


def _limited(seen: TenantStage, one: TenantMinute, now: tuple[int, Impact | None], settings: StageSettings) -> _Move:
    number, impact = now
    if seen.calm >= _CALM_RUN and not one.backlog:
        return _to(seen, "normal", number, "calm")
    return _suspend(seen, number, impact, settings) if impact and _lasts(seen) else (seen, None)


def _suspend(seen: TenantStage, number: int, impact: Impact, settings: StageSettings) -> _Move:
    if settings.automatic:
        return _to(seen, "suspended", number, impact)
    if seen.proposed_at is not None and number < seen.proposed_at + PROPOSAL_LAPSES:
        return seen, None
    return replace(seen, proposed_at=number), ("proposed", impact)


def _probed(seen: TenantStage, number: int) -> _Move:
    if seen.massive & 1:
        return _to(seen, "suspended", number, "massive")
    if seen.quarter_at is None:
        if seen.calm < _CALM_RUN:
            return seen, None
        return replace(seen, quarter_at=number, share=_SHARES[-1][1]), None
    passed = number - seen.quarter_at
    if passed >= _PROBED:
        return _to(seen, "normal", number, "calm")
    return replace(seen, share=next(share for minutes, share in _SHARES if passed >= minutes)), None


def _to(seen: TenantStage, stage: Stage, number: int, reason: Reason) -> _Move:
    moved = replace(seen, stage=stage, changed_at=number, share=0.0, quarter_at=None, proposed_at=None)
    return moved, (stage, reason)


def _lasts(seen: TenantStage) -> bool:
    """Return whether a flood has lasted so long, and goes on."""
    return seen.known >= _SUSPENDED[0] and _is_massive(seen, _SUSPENDED) and _is_massive(seen, _LAST_TEN)


def _is_massive(seen: TenantStage, of: tuple[int, int]) -> bool:
    """Return whether so many of the last minutes are massive: (of how many, how many)."""
    minutes, least = of
    return (seen.massive & (1 << minutes) - 1).bit_count() >= least
