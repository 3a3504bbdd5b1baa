"""What came in of monitoring logs, and what became of it: no decisions, so no records of the audit chain."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Row, cast, func, select

from model.coverage import Unfetched
from model.log_volume import (
    WHOLE_MINUTE,
    Aside,
    LogCount,
    LogHeard,
    LogPiece,
    LogRate,
    Segment,
    What,
    by_minute,
    minute_of,
)
from store import damage, schema
from store.statements import INSERTS, put

_IDS_AT_ONCE = 500  # as store/reader.py says


class Logs:
    """What can be asked, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sums(self, since: str = "") -> list[LogCount]:
        """Return what was counted from a moment on, or at all, together by source, outcome and cause.

        The slot of each is the newest of those in it.
        """
        table = schema.log_count
        key = (table.c.source, func.max(table.c.slot).label("slot"), table.c.what, table.c.cause)
        sums = (cast(func.sum(table.c[name]), BigInteger).label(name) for name in ("records", "bytes", "cpu_us"))
        query = select(*key, *sums).where(table.c.slot >= since).group_by(table.c.source, table.c.what, table.c.cause)
        return list(damage.each(self._connection, query, table, _count))

    def hours(self, since: str, until: str) -> list[LogCount]:
        """Return what was counted between two moments, together by source, outcome, cause and hour of UTC.

        The slot of each is the first of those in it.
        """
        table = schema.log_count
        key = (table.c.source, func.min(table.c.slot).label("slot"), table.c.what, table.c.cause)
        sums = (cast(func.sum(table.c[name]), BigInteger).label(name) for name in ("records", "bytes", "cpu_us"))
        query = select(*key, *sums).where((table.c.slot >= since) & (table.c.slot < until))
        by_hour = query.group_by(table.c.source, _hour(table.c.slot), table.c.what, table.c.cause)
        return list(damage.each(self._connection, by_hour, table, _count))

    def kept(self, since: str, until: str) -> list[tuple[str, str, int]]:
        """Return of how many records that came between two moments the events are kept.

        A row has the source, the first slot of an hour of UTC, and their number.
        """
        table = schema.log_segment
        number = cast(func.sum(table.c.records), BigInteger)
        query = select(table.c.source, func.min(table.c.slot), number)
        within = query.where((table.c.slot >= since) & (table.c.slot < until))
        rows = self._connection.execute(within.group_by(table.c.source, _hour(table.c.slot)))
        return [(source, slot, records) for source, slot, records in rows]

    def counts(self, since: str, until: str) -> list[LogCount]:
        """Return what was counted in the slots `since` a moment, and before another (`until`)."""
        table = schema.log_count
        query = select(table).where((table.c.slot >= since) & (table.c.slot < until))
        return list(damage.each(self._connection, query.order_by(*table.primary_key.columns), table, _count))

    def piece(self, source: str, id_: str) -> LogPiece | None:
        """Return a piece of a source that came in before, by its id."""
        table = schema.log_piece
        query = select(table).where((table.c.source == source) & (table.c.id == id_))
        row = self._connection.execute(query).first()
        return damage.one(row, table, _piece) if row else None

    def known(self, source: str, keys: Iterable[str], since: str) -> set[str]:
        """Return which of these keys of events of a source came in `since` a moment."""
        table, wanted, found = schema.log_event, list(keys), set[str]()
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            some = wanted[start : start + _IDS_AT_ONCE]
            of_source = (table.c.source == source) & (table.c.at >= since)
            query = select(table.c.id).where(of_source & table.c.id.in_(some))
            found.update(id_ for (id_,) in self._connection.execute(query))
        return found

    def waiting_since(self) -> str:
        """Return when the oldest piece came that waits still, empty where none does."""
        table = schema.log_piece
        waits = (table.c.state == "open") & (table.c.offered > 0)
        return self._connection.execute(select(func.min(table.c.taken_at)).where(waits)).scalar() or ""

    def fetched(self, source: str, begins: str) -> set[str]:
        """Return the names of the pieces of a source that were taken in whole: those that begin so (`begins`)."""
        table = schema.log_piece
        query = select(table.c.name).where((table.c.source == source) & (table.c.state == "done"))
        return set(self._connection.execute(query.where(table.c.name.startswith(begins, autoescape=True))).scalars())

    def unfetched(self, first: str, last: str) -> list[Unfetched]:
        """Return what was not fetched of the days from the first to the last, as far as anybody asked."""
        table = schema.log_unfetched
        query = select(table).where((table.c.day >= first) & (table.c.day <= last))
        return list(damage.each(self._connection, query.order_by(*table.primary_key.columns), table, _unfetched))

    def waiting_by_source(self) -> dict[str, int]:
        """Return how many records wait now, by source; sources of which none does are left out."""
        table = schema.log_piece
        left = cast(func.sum(table.c.offered - table.c.records), BigInteger)
        waits = (table.c.state == "open") & (table.c.offered > 0)
        rows = self._connection.execute(select(table.c.source, left).where(waits).group_by(table.c.source))
        return {source: number for source, number in rows if number}

    def asides(self, source: str, piece: str, limit: int) -> list[Aside]:
        """Return what was set aside of a piece of a source, the first rows up to a limit."""
        table = schema.log_aside
        query = select(table).where((table.c.source == source) & (table.c.piece == piece))
        query = query.order_by(table.c.at, table.c.first).limit(limit)
        return list(damage.each(self._connection, query, table, _aside))

    def reasons(self, since: str = "") -> dict[str, dict[str, int]]:
        """Return how many records were set aside from a moment on, or at all: by source, and by reason."""
        table, found = schema.log_aside, defaultdict[str, dict[str, int]](dict)
        sums = select(table.c.source, table.c.reason, cast(func.sum(table.c.records), BigInteger))
        for source, reason, number in self._connection.execute(
            sums.where(table.c.at >= since).group_by(table.c.source, table.c.reason)
        ):
            found[source][reason] = number
        return dict(found)

    def segments(self, source: str, since: str, until: str) -> list[Segment]:
        """Return the segments of a source that may hold events `since` a moment, and before another (`until`)."""
        table = schema.log_segment
        query = select(table).where(
            (table.c.source == source) & (table.c.last_at >= since) & (table.c.first_at < until)
        )
        order = query.order_by(table.c.first_at, *table.primary_key.columns)
        return list(damage.each(self._connection, order, table, _segment))

    def first_slot(self) -> str:
        """Return the first slot in which a source was heard, empty for none; what was filled back is not heard."""
        table = schema.log_count
        came = (table.c.what == "offered") & (table.c.cause != "back-fill")
        return self._connection.execute(select(func.min(table.c.slot)).where(came)).scalar() or ""

    def minutes(self, since: str, until: str) -> dict[str, int]:
        """Return the records that the customer caused in the minutes between two moments, by the minute's first slot.

        Those that were not taken in are among them. Minutes in which none came are left out.
        """
        table = schema.log_count
        minute = func.substr(table.c.slot, 1, len("2026-06-01T00:00"))
        caused = table.c.what.in_(("offered", "not fetched")) & (table.c.cause == "customer")
        within = caused & (table.c.slot >= since) & (table.c.slot < until)
        query = select(func.min(table.c.slot), cast(func.sum(table.c.records), BigInteger)).where(within)
        return {minute_of(slot): number for slot, number in self._connection.execute(query.group_by(minute)) if number}

    def mean_bytes(self, source: str, since: str) -> float:
        """Return how many bytes a record of a source had on average since a moment, 0 where none came."""
        table = schema.log_count
        came = (table.c.source == source) & (table.c.what == "offered") & (table.c.slot >= since)
        sums = select(func.sum(table.c.bytes), func.sum(table.c.records)).where(came)
        size, records = self._connection.execute(sums).one()
        return float(size) / float(records) if records else 0.0

    def mean_records(self, source: str, since: str) -> float:
        """Return how many records a piece of a source had on average that was done since a moment, 0 for none."""
        table = schema.log_piece
        done = (table.c.source == source) & (table.c.state == "done") & (table.c.taken_at >= since)
        return float(self._connection.execute(select(func.avg(table.c.records)).where(done)).scalar() or 0)

    def waiting(self) -> int:
        """Return how many records wait that were counted when they came."""
        table = schema.log_piece
        waits = (table.c.state == "open") & (table.c.offered > 0)
        left = func.sum(table.c.offered - table.c.records)
        return int(self._connection.execute(select(left).where(waits)).scalar() or 0)

    def heard(self) -> dict[str, LogHeard]:
        """Return when each source was heard, by source."""
        table = schema.log_heard
        rows = damage.each(self._connection, select(table), table, _heard)
        return {one.source: one for one in rows}

    def slots(self, source: str, after: str) -> list[str]:
        """Return the slots after one in which a source was heard, in order; what was filled back is not heard."""
        table = schema.log_count
        came = (table.c.source == source) & (table.c.what == "offered") & (table.c.cause != "back-fill")
        query = select(table.c.slot).where(came & (table.c.slot > after)).distinct().order_by(table.c.slot)
        return [slot for (slot,) in self._connection.execute(query)]

    def rate(self) -> LogRate | None:
        """Return the committed rate that was observed, once it is."""
        row = self._connection.execute(select(schema.log_rate)).first()
        return damage.one(row, schema.log_rate, _rate) if row else None


class LogsWriter(Logs):
    """What can be asked and written."""

    def add(self, counts: Iterable[LogCount]) -> None:
        """Add counts to those of the same source, slot, outcome and cause."""
        if rows := [msgspec.structs.asdict(one) for one in counts]:
            self._connection.execute(_adding(self._connection.dialect.name), rows)

    def put_piece(self, piece: LogPiece) -> None:
        """Write how far a piece is."""
        put(self._connection, schema.log_piece, msgspec.structs.asdict(piece))

    def remember(self, source: str, keys: Iterable[str], at: str) -> None:
        """Remember that events of a source came in `at` a moment, by their keys."""
        if rows := [{"source": source, "id": id_, "at": at} for id_ in keys]:
            put(self._connection, schema.log_event, rows)

    def forget_before(self, at: str) -> None:
        """Forget the keys of events that came in before a moment."""
        self._connection.execute(schema.log_event.delete().where(schema.log_event.c.at < at))

    def roll_up(self, since: str, until: str) -> None:
        """Add the counts of the slots between two moments up to those of minutes; done again, it changes nothing."""
        table = schema.log_count
        finer = [one for one in self.counts(since, until) if not one.slot.endswith(WHOLE_MINUTE)]
        of_these = table.c.slot.not_like(f"%{WHOLE_MINUTE}") & (table.c.slot >= since) & (table.c.slot < until)
        self._connection.execute(table.delete().where(of_these))
        self.add(by_minute(finer))

    def purge_before(self, at: str) -> None:
        """Delete what was counted and set aside before a moment, and which pieces came in then."""
        for column in (schema.log_count.c.slot, schema.log_aside.c.at, schema.log_piece.c.taken_at):
            self._connection.execute(column.table.delete().where(column < at))
        days = schema.log_unfetched
        self._connection.execute(days.delete().where(days.c.day < at[: len("2026-06-01")]))

    def put_heard(self, heard: Iterable[LogHeard]) -> None:
        """Write when sources were heard."""
        put(self._connection, schema.log_heard, [msgspec.structs.asdict(one) for one in heard])

    def put_rate(self, rate: LogRate) -> None:
        """Write the committed rate that was observed."""
        put(self._connection, schema.log_rate, msgspec.structs.asdict(rate))

    def put_unfetched(self, unfetched: Iterable[Unfetched]) -> None:
        """Write what was not fetched, in the place of what was found out before."""
        put(self._connection, schema.log_unfetched, [msgspec.structs.asdict(one) for one in unfetched])

    def keep(self, segment: Segment) -> None:
        """Write that a segment is kept."""
        put(self._connection, schema.log_segment, msgspec.structs.asdict(segment))

    def expire(self, day: str) -> None:
        """Delete the segments of the days before a day: what was processed then has expired."""
        table = schema.log_segment
        sums = select(table.c.source, table.c.slot, func.sum(table.c.records)).where(table.c.day < day)
        for source, slot, number in self._connection.execute(sums.group_by(table.c.source, table.c.slot)).all():
            # Whose it was is as it was: both together are nothing.
            moved: dict[What, int] = {"processed": -int(number), "expired": int(number)}
            self.add(LogCount(source, minute_of(slot), what, "customer", records) for what, records in moved.items())
        self._connection.execute(table.delete().where(table.c.day < day))

    def give_up_before(self, at: str) -> None:
        """End the pieces that came before a moment and wait still: what is left of them has expired."""
        table = schema.log_piece
        query = select(table).where((table.c.state == "open") & (table.c.offered > 0) & (table.c.taken_at < at))
        for piece in damage.each(self._connection, query, table, _piece):
            slot, left = minute_of(piece.taken_at), piece.offered - piece.records
            self.add([LogCount(piece.source, slot, "expired", "customer", left)])
            self.put_piece(msgspec.structs.replace(piece, state="done"))

    def set_aside(self, records: Iterable[Aside]) -> None:
        """Write which records were set aside."""
        put(self._connection, schema.log_aside, [msgspec.structs.asdict(one) for one in records])


def _hour(slot: Any) -> Any:
    return func.substr(slot, 1, len("2026-06-01T00"))


@cache
def _adding(dialect: str) -> Any:
    table = schema.log_count
    made = INSERTS[dialect](table)
    sums = {name: table.c[name] + made.excluded[name] for name in ("records", "bytes", "cpu_us")}
    return made.on_conflict_do_update(index_elements=[*table.primary_key.columns], set_=sums)


def _count(row: Row[Any]) -> LogCount:
    return msgspec.convert(damage.values(row), LogCount)


def _piece(row: Row[Any]) -> LogPiece:
    return msgspec.convert(damage.values(row), LogPiece)


def _heard(row: Row[Any]) -> LogHeard:
    return msgspec.convert(damage.values(row), LogHeard)


def _rate(row: Row[Any]) -> LogRate:
    return msgspec.convert(damage.values(row), LogRate)


def _unfetched(row: Row[Any]) -> Unfetched:
    return msgspec.convert(damage.values(row), Unfetched)


def _segment(row: Row[Any]) -> Segment:
    return msgspec.convert(damage.values(row), Segment)


def _aside(row: Row[Any]) -> Aside:
    return msgspec.convert(damage.values(row), Aside)
