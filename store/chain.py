"""The audit chain in a store: appended last in a transaction, read from its first record on."""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Table, select

from model.canonical import encode
from model.fault import Refused
from store.audit import GENESIS, Entry, Head, Record, sealed


class Records:
    """What a transaction will leave in the chain."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, action: str, subject: str, **detail: object) -> None:
        """Note that an action was done to a subject, with what else there is to say in `detail`."""
        self.entries.append(Entry(action, subject, encode(detail).decode()))


def seal(connection: Connection, table: Table, entries: Sequence[Entry], at: str, person: str) -> Head | None:
    """Append entries to the chain in a table; return its new head, None where nothing was appended.

    They are of the moment `at` and of the person, in the connection's transaction.
    """
    if not entries:
        return None
    head = last(connection, table) or Head(0, GENESIS)
    for entry in entries:
        record = sealed(head, entry, at, person)
        connection.execute(table.insert().values(msgspec.structs.asdict(record)))
        head = Head(record.seq, record.hash)
    return head


def last(connection: Connection, table: Table) -> Head | None:
    """Return the number and the hash of the last record in a table, None where there is none."""
    row = connection.execute(select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row else None


def check_head(connection: Connection, table: Table, known: Head | None) -> None:
    """Refuse to append to a chain that does not hold its known head: going on would cover up what was cut off.

    The connection reads the chain's table. Raises `Refused` where the head is not there as it is known.
    """
    if known:
        found = connection.execute(select(table.c.hash).where(table.c.seq == known.seq)).scalar()
        whole = found == known.hash
    else:  # a crash before the first copy leaves the first transaction's one record
        whole = not connection.execute(select(table.c.seq).where(table.c.seq > 1).limit(1)).first()
    if not whole:
        raise Refused("the audit chain was changed; nothing is written until `hinomi audit verify` says ok again")


def records(connection: Connection, table: Table) -> Iterator[Record]:
    """Yield the chain's records, oldest first."""
    for row in connection.execute(select(table).order_by(table.c.seq)):
        yield Record(**row._mapping)
