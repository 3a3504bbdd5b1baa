"""The audit chain in a store: appended last in a transaction, read from its first record on."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, TextClause, select

from model.canonical import encode
from store.audit import NOTHING, UNKEYED, Entry, Head, Record, Sealer, first_fault

SEALED = "audit.sealed"


class Records:
    """What a transaction will leave in the chain."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, action: str, subject: str, **detail: object) -> None:
        """Note that an action was done to a subject, with what else there is to say in `detail`."""
        self.entries.append(Entry(action, subject, encode(detail).decode()))

    def add_to_last(self, action: str, subject: str, **more: object) -> None:
        """Say more in the last entry; where there is none yet, that an action was done to a subject."""
        last = self.entries.pop() if self.entries else Entry(action, subject)
        self.entries.append(Entry(last.action, last.subject, encode(msgspec.json.decode(last.detail) | more).decode()))


class Chain:
    """A store's chain of records, on one connection."""

    def __init__(self, connection: Connection, table: Table, sealer: Sealer) -> None:
        self._connection = connection
        self._table = table
        self.sealer = sealer

    def append(self, entries: Sequence[Entry], at: str, person: str) -> Head | None:
        """Append entries as one session; return the new head, None where nothing was appended.

        They are of the moment `at` and of the person, in the connection's transaction.
        """
        if not entries:
            return None
        last = self.last()
        session = last.session + 1 if last else 1
        for entry in entries:
            last = self.sealer.sealed(last, entry, at, person, session)
            self._connection.execute(self._table.insert().values(msgspec.structs.asdict(last)))
        return Head(last.seq, last.hash) if last else None

    def last(self) -> Record | None:
        """Return the last record, None where there is none."""
        row = self._connection.execute(_last(self._table)).first()
        return Record(**row._mapping) if row else None

    def newest(self, condition: ColumnElement[bool] | TextClause) -> Record | None:
        """Return the last record that meets a condition, None where there is none."""
        query = select(self._table).where(condition).order_by(self._table.c.seq.desc()).limit(1)
        row = self._connection.execute(query).first()
        return Record(**row._mapping) if row else None

    def records(self, after: int = 0) -> Iterator[Record]:
        """Yield the records, oldest first, those behind a number."""
        query = select(self._table).where(self._table.c.seq > after).order_by(self._table.c.seq)
        for row in self._connection.execute(query):
            yield Record(**row._mapping)

    def has(self, head: Head | None) -> bool:
        """Return whether the chain holds a head as it is known; an empty one holds the head of nothing."""
        table = self._table
        if head is None or head.seq == 0:
            return head == NOTHING
        found = self._connection.execute(select(table.c.hash).where(table.c.seq == head.seq)).scalar()
        return bool(found == head.hash)

    def vouches_for(self, head: Head) -> bool:
        """Return whether a record says that the chain held a head when it was sealed."""
        found = (msgspec.json.decode(one.detail) for one in self.records() if one.action == SEALED)
        return any((one.get("seq"), one.get("hash")) == (head.seq, head.hash) for one in found)

    def seal_anew(self) -> None:
        """Seal every record by the key of now; whoever calls has verified them as they are."""
        last: Record | None = None
        for record in list(self.records()):
            last = self.sealer.anew(last, record)
            values = {"previous": last.previous, "hash": last.hash, "key": last.key}
            self._connection.execute(self._table.update().where(self._table.c.seq == last.seq).values(values))


@cache
def _last(table: Table) -> Select[Any]:
    """Return what finds the last record, which is asked before every call to a cloud."""
    return select(table).order_by(table.c.seq.desc()).limit(1)


def seal_older(chain: Chain, head: Head | None) -> None:
    """Seal a chain of before there were keys, where it holds the head that is known of it; record what it was."""
    records = list(chain.records())
    if not records or all(record.key for record in records):
        return
    last = records[-1]
    known = head or Head(last.seq, last.hash)
    if first_fault(records, known, UNKEYED):
        return
    chain.seal_anew()
    detail = encode({"seq": known.seq, "hash": known.hash}).decode()
    chain.append([Entry(SEALED, "chain", detail)], last.at, last.person)
