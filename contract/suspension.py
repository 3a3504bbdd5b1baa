"""Article 11 as stages: from the volume of each minute to watching, limiting, suspending and probing. Pure.

Each tenant has a stage. At the end of a minute it changes at most once, by what was measured: nobody hands in whether
others are affected, which is computed here. Massive is a minute with more than `hot` times the committed records, calm
one with less than `cool` times. Windows are the last whole minutes, and count in every stage.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from model.log_stage import Became, Stage

Impact = Literal["waiting", "disk", "intake", "backlog"]
Reason = Literal[
    "rate", "calm", "massive", "period", "waiting", "disk", "intake", "backlog", "returns", "confirmed", "lifted"
]

# A window: so many of so many minutes.
Window = tuple[int, int]
# What of the committed rate is taken while the volume is probed: first nothing, then a share in each of three parts.
_SHARES = (0.25, 0.5, 1.0)
_DAY = 1440


class StageSettings(Struct, frozen=True):
    """The numbers that stages go by; times in minutes but for `target_s` and `calm_p99_s`, which are seconds.

    `refusal` is what refusing a record costs in parts of processing one. Without `automatic` nobody is suspended: it is
    proposed, also where somebody is massive again while probed; and so is it because of the customer's own backlog
    alone where that is more than so many minutes of the committed rate (`backlog`, 0 for never). Who has returned to
    normal so often within a day (`returns`, 0 for never) is limited at once when it begins again.
    """

    hot: float = 3
    cool: float = 1.2
    dwell: float = 10
    period: float = _DAY
    automatic: bool = True
    target_s: float = 60
    calm_p99_s: float = 0
    refusal: float = 0.05
    watch: Window = (5, 5)
    limited: Window = (15, 20)
    suspended: Window = (54, 60)
    lately: Window = (8, 10)
    calm_run: int = 30
    waiting_run: int = 5
    waiting_times: float = 1.2
    growth_minutes: int = 30
    full_within: float = 240
    growth_part: float = 0.5
    intake_run: int = 10
    intake_part: float = 0.25
    share_minutes: int = 10
    lapses: float = _DAY
    backlog: float = 0
    returns: int = 0


class TenantMinute(Struct, frozen=True, gc=False):
    """What was measured of a tenant in a minute: records that its environment caused, and the committed ones.

    It is `dry` where records came beyond the rate and beyond what had been saved up. `growth` is by how many records
    the disk has filled; `backlog` waits at the end. `refusing` is what refusing cost, in records that could have been
    processed; where it was not measured, it follows from `refused`. `others_p99_s` is how long 99 % of the others'
    records waited at most that were processed in the minute.
    """

    records: float
    committed: float
    is_dry: bool = False
    refused: float = 0
    growth: float = 0
    backlog: float = 0
    others_p99_s: float = 0
    refusing: float | None = None


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
    suspension was proposed last, for what reason. `until` is the minute with which a suspension ends, where the
    contract says another one than the period. `returned` are the minutes of the last day in which it became normal.
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
    proposed_for: Impact | None = None
    until: int | None = None
    returned: tuple[int, ...] = ()


class StageChange(Struct, frozen=True):
    """A tenant's stage is another one from a minute on, for a reason; `proposed` is said, and is no stage."""

    minute: int
    tenant: str
    before: Stage
    after: Became
    reason: Reason


def advance(
    state: Mapping[str, TenantStage],
    minute: Minute,
    settings: StageSettings,
    own: Mapping[str, StageSettings] = MappingProxyType({}),
) -> tuple[dict[str, TenantStage], list[StageChange]]:
    """Return the stages after a minute, and what changed by the settings, in the order of the minute's tenants.

    `state` are the stages until then; a tenant without one is new, and normal. Where a tenant has settings of its `own`
    (individual conditions), it goes by these.
    """
    records = sum(one.records for one in minute.tenants.values())
    by = {name: own.get(name, settings) for name in minute.tenants}
    seen = {
        name: _seen(state.get(name, _NEW), one, (records - one.records, minute.capacity), by[name])
        for name, one in minute.tenants.items()
    }
    filled = {one: _filled(seen, one) for one in {*by.values()}}
    after, changes = dict[str, TenantStage](), list[StageChange]()
    for name, one in minute.tenants.items():
        impact = _impact(seen[name], minute, filled[by[name]], by[name])
        standing, became = _moved(seen[name], one, (minute.number, impact), by[name])
        after[name] = standing
        if became is not None:
            changes.append(StageChange(minute.number + 1, name, seen[name].stage, *became))
    return after, changes


def recounted(
    standing: TenantStage, earlier: Sequence[float], committed: float, settings: StageSettings
) -> TenantStage:
    """Return a standing once the records of the minutes until now are other ones: the causes of some are known later.

    `earlier` are the records that the customer caused in the last minutes, the newest last; massive and calm are they
    by the `committed` ones of a minute and the settings.
    """
    massive, calm = 0, 0
    for records in earlier:
        massive = massive << 1 | (records > settings.hot * committed)
        calm = calm + 1 if records < settings.cool * committed else 0
    longer = standing.calm - len(earlier) if calm == len(earlier) else 0  # it was calm before these, too
    return replace(standing, massive=massive, calm=calm + max(0, longer))


def judged(
    standing: TenantStage, minute: int, *, is_lifted: bool, until: int | None
) -> tuple[TenantStage, tuple[Became, Reason] | None]:
    """Return a standing by what is on record of the contract at the end of a minute, and what it became.

    A suspension `is_lifted`, or the contract is suspended until a minute (`until`): who was proposed for it is from now
    on, and who is suspended is until then.
    """
    if standing.stage == "suspended":
        if is_lifted:
            return _to(standing, "normal", minute, "lifted")
        return replace(standing, until=until or standing.until), None
    if until is None:
        return standing, None
    moved, became = _to(standing, "suspended", minute, "confirmed")
    return replace(moved, until=until), became


def forgotten(standing: TenantStage, minute: int) -> TenantStage:
    """Return a standing whose windows begin anew with a minute: nothing is known of those right before it."""
    changed = standing.changed_at if standing.changed_at is None else min(standing.changed_at, minute)
    windows = replace(standing, known=0, massive=0, calm=0, waiting=0, intake=0, growth=())
    return replace(windows, changed_at=changed)


def admitted(standing: TenantStage, committed: float) -> int | None:
    """Return how many records a minute are let in by a standing, with so many committed ones; None for no limit."""
    match standing.stage:
        case "limited":
            return int(committed)
        case "suspended" | "probing":
            return int(committed * standing.share)
    return None


_NEW = TenantStage()
_Move = tuple[TenantStage, tuple[Became, Reason] | None]


def _seen(before: TenantStage, one: TenantMinute, of: tuple[float, float], settings: StageSettings) -> TenantStage:
    """Return a standing once a minute is among its windows, of which others' records and the capacity are known."""
    others, capacity = of
    waits = one.others_p99_s > max(settings.waiting_times * settings.calm_p99_s, settings.target_s)
    fits = others + one.committed <= capacity
    refusing = one.refused * settings.refusal if one.refusing is None else one.refusing
    costs = refusing / capacity > settings.intake_part
    return replace(
        before,
        known=before.known + 1,
        massive=(before.massive << 1 | (one.records > settings.hot * one.committed)) & (1 << _longest(settings)) - 1,
        calm=before.calm + 1 if one.records < settings.cool * one.committed else 0,
        waiting=before.waiting + 1 if waits and fits else 0,
        intake=before.intake + 1 if costs else 0,
        growth=(*before.growth[1 - settings.growth_minutes :], one.growth),
    )


def _longest(settings: StageSettings) -> int:
    return max(of for _, of in (settings.watch, settings.limited, settings.suspended, settings.lately))


def _filled(seen: Mapping[str, TenantStage], settings: StageSettings) -> tuple[float, int]:
    """Return by how many records the disk filled in the last minutes, and how many minutes these are."""
    grown = [one.growth[-settings.growth_minutes :] for one in seen.values()]
    return sum(map(sum, grown)), max(map(len, grown), default=0)


def _impact(seen: TenantStage, minute: Minute, filled: tuple[float, int], settings: StageSettings) -> Impact | None:
    """Return what of that which all share a tenant affects, None where it affects nothing."""
    if seen.waiting >= settings.waiting_run:
        return "waiting"
    total, minutes = filled
    is_filling = minute.free is not None and total > 0 and minute.free * minutes / total < settings.full_within
    if is_filling and sum(seen.growth) > settings.growth_part * total:
        return "disk"
    return "intake" if seen.intake >= settings.intake_run else None


def _moved(seen: TenantStage, one: TenantMinute, now: tuple[int, Impact | None], settings: StageSettings) -> _Move:
    """Return the standing after a minute, and what it became."""
    number, _ = now
    dwelt = seen.changed_at is None or number - seen.changed_at >= settings.dwell
    match seen.stage:
        case "normal":
            return _normal(seen, one, number, settings)
        case "watch":
            return _watched(seen, number, settings) if dwelt else (seen, None)
        case "limited":
            return _limited(seen, one, now, settings) if dwelt else (seen, None)
        case "suspended":
            return _to(seen, "probing", number, "period") if _is_over(seen, number, settings) else (seen, None)
    return _probed(seen, number, settings)


def _normal(seen: TenantStage, one: TenantMinute, number: int, settings: StageSettings) -> _Move:
    if not (_is_massive(seen, settings.watch) or (seen.massive & 1 and one.is_dry)):
        return seen, None
    if settings.returns and len(_lately(seen.returned, number)) >= settings.returns:
        return _to(seen, "limited", number, "returns")
    return _to(seen, "watch", number, "rate")


def _watched(seen: TenantStage, number: int, settings: StageSettings) -> _Move:
    if seen.calm >= settings.calm_run:
        return _to(seen, "normal", number, "calm")
    return _to(seen, "limited", number, "rate") if _is_massive(seen, settings.limited) else (seen, None)


def _limited(seen: TenantStage, one: TenantMinute, now: tuple[int, Impact | None], settings: StageSettings) -> _Move:
    number, impact = now
    if seen.calm >= settings.calm_run and not one.backlog:
        return _to(seen, "normal", number, "calm")
    if not _lasts(seen, settings):
        return seen, None
    if impact:
        return _suspend(seen, number, impact, settings)
    is_behind = 0 < settings.backlog * one.committed < one.backlog
    return _propose(seen, number, "backlog", settings) if is_behind else (seen, None)


def _suspend(seen: TenantStage, number: int, impact: Impact, settings: StageSettings) -> _Move:
    if settings.automatic:
        return _to(seen, "suspended", number, impact)
    return _propose(seen, number, impact, settings)


def _propose(seen: TenantStage, number: int, impact: Impact, settings: StageSettings) -> _Move:
    """Propose a suspension where none is proposed yet; that others are affected is more than one's own backlog."""
    is_open = seen.proposed_at is not None and number < seen.proposed_at + settings.lapses
    if is_open and (seen.proposed_for != "backlog" or impact == "backlog"):
        return seen, None
    return replace(seen, proposed_at=number, proposed_for=impact), ("proposed", impact)


def _is_over(seen: TenantStage, number: int, settings: StageSettings) -> bool:
    """Return whether the period of a suspension is over with a minute."""
    if seen.until is not None:
        return number + 1 >= seen.until
    assert seen.changed_at is not None, "it was suspended once"
    return number >= seen.changed_at + settings.period


def _probed(seen: TenantStage, number: int, settings: StageSettings) -> _Move:
    if seen.massive & 1:
        return _to(seen, "suspended" if settings.automatic else "limited", number, "massive")
    if seen.quarter_at is None:
        if seen.calm < settings.calm_run:
            return seen, None
        return replace(seen, quarter_at=number, share=_SHARES[0]), None
    part = (number - seen.quarter_at) // settings.share_minutes
    if part >= len(_SHARES):
        return _to(seen, "normal", number, "calm")
    return replace(seen, share=_SHARES[part]), None


def _to(seen: TenantStage, stage: Stage, number: int, reason: Reason) -> _Move:
    returned = (*_lately(seen.returned, number), number) if stage == "normal" else seen.returned
    moved = replace(
        seen,
        stage=stage,
        changed_at=number,
        share=0.0,
        quarter_at=None,
        proposed_at=None,
        proposed_for=None,
        until=None,
        returned=returned,
    )
    return moved, (stage, reason)


def _lately(returned: Sequence[int], number: int) -> tuple[int, ...]:
    return tuple(minute for minute in returned if minute > number - _DAY)


def _lasts(seen: TenantStage, settings: StageSettings) -> bool:
    """Return whether a flood has lasted so long, and goes on."""
    known = seen.known >= settings.suspended[1]
    return known and _is_massive(seen, settings.suspended) and _is_massive(seen, settings.lately)


def _is_massive(seen: TenantStage, window: Window) -> bool:
    """Return whether so many of so many last minutes are massive."""
    least, minutes = window
    return (seen.massive & (1 << minutes) - 1).bit_count() >= least
