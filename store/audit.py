"""The audit chain: each record carries the hash of the one before, the last one's hash stands in another store too."""

import hashlib
from collections.abc import Iterable

from msgspec import Struct

from model.canonical import encode

GENESIS = "0" * 64


class Record(Struct, frozen=True):
    """One record; `seq` counts from 1, `at` is RFC 3339."""

    seq: int
    at: str
    person: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


class Head(Struct, frozen=True):
    """The last record's number and hash."""

    seq: int
    hash: str


class Entry(Struct, frozen=True):
    """What is to be recorded: who did what to what; `detail` is canonical JSON."""

    action: str
    subject: str
    detail: str = "{}"


def sealed(head: Head, entry: Entry, at: str, person: str) -> Record:
    """Return the record that follows the head: the entry, the moment `at` which, and the person who did it."""
    unsealed = Record(head.seq + 1, at, person, entry.action, entry.subject, entry.detail, head.hash, "")
    return Record(*_values(unsealed), _hash(unsealed))


def first_fault(records: Iterable[Record], head: Head | None) -> str:
    """Return what is wrong with the chain, the empty text where nothing is.

    `head` is the copy in the service store; the chain may be one transaction ahead of it, never behind.
    """
    last, reached = Head(0, GENESIS), head is None
    for record in records:
        if record.seq != last.seq + 1:
            return f"record {last.seq + 1} is missing (found {record.seq} in its place)"
        if record.previous != last.hash:
            return f"record {record.seq} does not follow record {last.seq}: one of them was swapped or replaced"
        if record.hash != _hash(record):
            return f"record {record.seq} was changed"
        last = Head(record.seq, record.hash)
        if head is not None and record.seq == head.seq:
            if record.hash != head.hash:
                return f"record {record.seq} differs from the copy of its hash in the service store"
            reached = True
    if head is None and last.seq:
        return "the service store has no copy of this chain's last hash: it was removed there"
    if not reached and head is not None:
        return f"the chain ends at record {last.seq}; the service store knows {head.seq}: the end was cut off"
    return ""


def _hash(record: Record) -> str:
    return hashlib.sha256(encode(_values(record))).hexdigest()


def _values(record: Record) -> tuple[int, str, str, str, str, str, str]:
    r = record
    return (r.seq, r.at, r.person, r.action, r.subject, r.detail, r.previous)
