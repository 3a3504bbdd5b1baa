"""What Article 11's stages make of volumes: by the very stages that the service goes by, and the scheduler's rule."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from catalog.csv_reader import Cell, Sheet, read_csv
from catalog.json_reader import parse_json
from catalog.yaml_reader import content
from contract.suspension import StageChange, StageSettings, TenantStage, advance
from intake.fluid import Fluid, Plant
from model.fault import Fault, Refused

_MOST_BYTES = 1024 * 2**20
_COLUMNS = (["minute", "tenant", "records", "bytes"], ["minute", "tenant", "records", "bytes", "cause"])
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[0-9]{1,18}")
_CUSTOMER = "customer"
_SHOWN = 40
_MOST_RECORDS = 1e15

_More = Annotated[float, Meta(gt=0, le=1e15)]
_NotLess = Annotated[float, Meta(ge=0, le=1e15)]
# Beyond this nothing would ever be massive, or never calm, and a stage could not begin, or not end.
_Times = Annotated[float, Meta(gt=0, le=1e6)]
Records = Mapping[str, float]


class SimulationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a simulation goes by, a JSON object: committed records a minute by tenant, and what there is for all.

    Times are minutes, but for `target_s` and `calm_p99_s`, which are seconds; a disk of 0 records has no limit.
    """

    committed: Annotated[dict[str, _More], Meta(min_length=1)]
    capacity: _More
    disk: _NotLess = 0
    spool: _NotLess = 1440
    refusal: _NotLess = 0.05
    keep: _NotLess = 1
    target_s: _NotLess = 60
    calm_p99_s: _NotLess = 0
    hot: _Times = 3
    cool: _Times = 1.2
    bucket: _NotLess = 5
    dwell: _NotLess = 10
    period: _NotLess = 1440
    automatic: bool = True

    @property
    def plant(self) -> Plant:
        """Return what there is to process logs with."""
        disk = self.disk or None
        return Plant(self.committed, self.capacity, disk, self.spool, self.bucket, self.refusal, self.keep)

    @property
    def stages(self) -> StageSettings:
        """Return what stages go by."""
        numbers = (self.hot, self.cool, self.dwell, self.period, self.automatic)
        return StageSettings(*numbers, self.target_s, self.calm_p99_s, self.refusal)


def settings_in(file: Path) -> SimulationSettings:
    """Return the settings in a file; raises `Refused` where it has another form."""
    return parse_json(content(file), str(file), SimulationSettings)


def volumes_in(file: Path, tenants: Sequence[str]) -> list[Records]:
    """Return the records that these tenants' environments caused in each minute of a CSV file, from minute 0 on.

    What has another cause is left out. Raises `Refused` for a row that is none, or comes twice or in another order, for
    another tenant, for a minute without any row, and for a file without any.
    """
    minutes = list(_minutes(read_csv(str(file), content(file, most=_MOST_BYTES)), frozenset(tenants)))
    if not minutes:
        raise Refused([Fault(str(file), 0, 0, "has no row; write one for each minute and tenant")])
    return minutes


def changes(minutes: Iterable[Records], settings: SimulationSettings) -> Iterator[StageChange]:
    """Yield how the stages change with these minutes' records, by minute, and in the order of `committed`."""
    fluid, stages = Fluid(settings.plant), settings.stages
    state: Mapping[str, TenantStage] = {}
    for number, records in enumerate(minutes):
        state, found = advance(state, fluid.minute(number, records, state), stages)
        yield from found


def _minutes(sheet: Sheet, tenants: frozenset[str]) -> Iterator[Records]:
    """Yield the records of each minute, by tenant."""
    rows, number = sheet.rows(), 0
    header = [cell.text for cell in next(rows, [])]
    if header not in _COLUMNS:
        raise sheet.refused(0, "begins with another line than minute,tenant,records,bytes or these and cause")
    there: set[tuple[str, str]] = set()
    records: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        minute, tenant, amount, cause = _row(sheet, row, header, tenants)
        if minute != number:
            if not there or minute != number + 1:
                raise sheet.refused(row[0].at, _out_of_order(minute, number + bool(there)))
            yield records
            number, there, records = minute, set(), defaultdict(float)
        if (tenant, cause) in there:
            raise sheet.refused(row[0].at, f"minute {minute} of {tenant!r} stands twice; remove one")
        there.add((tenant, cause))
        if cause == _CUSTOMER:
            records[tenant] += amount
    if there:
        yield records


def _out_of_order(minute: int, wanted: int) -> str:
    if minute < wanted:
        return f"minute {minute} comes after later ones; sort the rows by minute"
    return f"there is no row of minute {wanted}; write one for each minute from 0 on"


def _row(sheet: Sheet, row: list[Cell], header: list[str], tenants: frozenset[str]) -> tuple[int, str, float, str]:
    """Return a row's minute, tenant, records and cause; raises `Refused` where it is no such row."""
    if len(row) != len(header):
        raise sheet.refused(row[0].at, f"has {len(row)} cells, and line 1 names {len(header)}")
    minute, tenant, records, size = row[:4]
    if not _WHOLE.fullmatch(minute.text):
        raise sheet.refused(minute.at, f"{minute.text[:_SHOWN]!r} is no minute; write a whole number from 0 on")
    if tenant.text not in tenants:
        raise sheet.refused(tenant.at, f"{tenant.text[:_SHOWN]!r} is none of the tenants in 'committed'")
    for cell in (records, size):
        if not _NUMBER.fullmatch(cell.text) and (cell is records or cell.text):
            raise sheet.refused(cell.at, f"{cell.text[:_SHOWN]!r} is no number; write one that is not negative")
    if float(records.text) > _MOST_RECORDS:
        raise sheet.refused(records.at, f"{records.text[:_SHOWN]!r} is more than {_MOST_RECORDS:.0e} records")
    cause = row[4].text if len(row) > len(_COLUMNS[0]) else ""
    return int(minute.text), tenant.text, float(records.text), cause or _CUSTOMER
