"""What a minute makes of all stages: by what came, what was measured, and what people have said since. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from contract.days import day_of
from contract.suspension import (
    Reason,
    StageChange,
    StageSettings,
    TenantStage,
    advance,
    forgotten,
    judged,
    recounted,
)
from model.canonical import instant
from model.log_stage import Became
from pipeline.intake.measuring import MachineMinute
from pipeline.suspending.gathering import Gathered
from pipeline.suspending.minutes import KeptMinute, Stages, kept, measured


class WholeMinute(Struct, frozen=True):
    """A minute with what came of each tenant; those are `pending` of whom something decided is not done yet.

    It `is_next` where the one before it was decided on.
    """

    at: datetime
    found: Mapping[str, Gathered]
    pending: set[str]
    is_next: bool

    @property
    def number(self) -> int:
        """Return its number: minutes since 1970."""
        return int(self.at.timestamp()) // 60

    def decided(
        self, before: Stages, machines: Sequence[MachineMinute]
    ) -> tuple[Stages, list[StageChange], KeptMinute]:
        """Return the stages after the minute, what changed, and what is kept of it, by what processes measured."""
        came = {name: one.came for name, one in self.found.items()}
        minute, tokens, ages = measured(self.number, machines, came, before)
        calm = before.calm.p99
        own = {name: msgspec.structs.replace(one.settings, calm_p99_s=calm) for name, one in came.items()}
        words = list(self._words(before, own))
        state = {name: standing_ for name, standing_, _ in words}
        after, changes = advance(state, minute, StageSettings(), own)
        by_people = {name: became for name, _, became in words if became}
        after |= {name: state[name] for name in by_people}  # a tenant changes once in a minute
        is_calm = before.tenants.keys() <= after.keys() and not any(one.massive & 1 for one in after.values())
        days = before.calm.with_minute(day_of(self.at).isoformat(), ages) if is_calm else before.calm
        said = [StageChange(self.number + 1, name, before.tenants[name].stage, *by_people[name]) for name in by_people]
        said += [one for one in changes if one.tenant not in by_people]
        # Of whom nothing could be read in this minute the stage stays.
        stages = Stages({**before.tenants, **after}, {**before.tokens, **tokens}, days)
        return stages, said, kept(instant(self.at), minute, came, calm)

    def _words(
        self, before: Stages, own: Mapping[str, StageSettings]
    ) -> Iterator[tuple[str, TenantStage, tuple[Became, Reason] | None]]:
        """Yield each tenant's standing with what people have said since, and counted again with causes as they are."""
        for name, one in self.found.items():
            standing_ = before.tenants.get(name, TenantStage())
            if not self.is_next:
                standing_ = forgotten(standing_, self.number)
            elif standing_.massive:
                standing_ = recounted(standing_, one.came.earlier, one.came.committed, own[name])
            if name in self.pending:
                yield name, standing_, None
            else:
                yield name, *_with_words(standing_, one, self.number)


def _with_words(standing_: TenantStage, one: Gathered, number: int) -> tuple[TenantStage, tuple[Became, Reason] | None]:
    record = one.on_record
    until = _minute_number(record.until) if record.until else None
    if standing_.stage == "suspended":
        return judged(standing_, number, is_lifted=record.is_lifted and until is None, until=until)
    if standing_.proposed_at is not None and record.is_suspended:
        return judged(standing_, number, is_lifted=False, until=until)
    return standing_, None


def _minute_number(at: datetime) -> int:
    return int(at.timestamp()) // 60
