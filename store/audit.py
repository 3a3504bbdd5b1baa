"""The audit chain: each record is authenticated by a key that is in no store, together with the one before it.

The last one's hash stands in another store too. A record's hash is a message authentication code (HMAC-SHA-256, RFC
2104), so whoever can write a store cannot write a record of it.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from model.canonical import encode

GENESIS = "0" * 64


class AuditKeys(Protocol):
    """Where the keys are that authenticate records: files, or a service or device that never gives them away."""

    @property
    def current(self) -> str:
        """Return the id of the key that seals now."""
        ...

    def code(self, key: str, data: bytes) -> str:
        """Return the code of data under a key, 64 hex digits; the empty text for a key that is not here."""
        ...


class Record(Struct, frozen=True):
    """One record; `seq` counts from 1, `at` is RFC 3339.

    `key` names what it was sealed by, empty in stores of before there were keys; `session` counts the transactions.
    """

    seq: int
    at: str
    person: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str
    key: str = ""
    session: int = 0


class Head(Struct, frozen=True):
    """The last record's number and hash."""

    seq: int
    hash: str


# What a store's copy says before there is any record: one that was removed later is no such copy.
NOTHING = Head(0, GENESIS)


class Entry(Struct, frozen=True):
    """What is to be recorded: who did what to what; `detail` is canonical JSON."""

    action: str
    subject: str
    detail: str = "{}"


class Sealer(Struct, frozen=True):
    """Seals and checks the records of one store: those of another do not hold here."""

    store: str
    keys: AuditKeys

    def sealed(self, last: Record | None, entry: Entry, at: str, person: str, session: int) -> Record:
        """Return the record of an entry that follows the last one: by a person, at a moment `at`, in a session."""
        seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
        key = self.keys.current
        made = Record(seq, at, person, entry.action, entry.subject, entry.detail, previous, "", key, session)
        return self._with_code(made)

    def anew(self, last: Record | None, record: Record) -> Record:
        """Return a record sealed by the key of now, as the one that follows the last one."""
        previous = last.hash if last else GENESIS
        return self._with_code(replace(record, previous=previous, key=self.keys.current))

    def head(self, head: Head) -> str:
        """Return what authenticates the copy of a head."""
        key = self.keys.current
        return f"{key}:{self._head_code(key, head)}"

    def holds_head(self, head: Head, code: str) -> bool:
        """Return whether the copy of a head is one that was made here."""
        key, _, given = code.partition(":")
        made = self._head_code(key, head)
        return bool(made) and hmac.compare_digest(made, given)

    def fault(self, record: Record) -> str:
        """Return what is wrong with a record by itself, the empty text where nothing is."""
        if not record.key:
            return f"record {record.seq} is not sealed by a key; `hinomi upgrade` seals what was recorded before"
        made = self.keys.code(record.key, self._content(record))
        if not made:
            return f"record {record.seq} was sealed by the key {record.key!r}, which is not here"
        return "" if hmac.compare_digest(made, record.hash) else f"record {record.seq} was changed"

    def _head_code(self, key: str, head: Head) -> str:
        return self.keys.code(key, encode(["head", self.store, head.seq, head.hash]))

    def _with_code(self, record: Record) -> Record:
        return replace(record, hash=self.keys.code(record.key, self._content(record)))

    def _content(self, r: Record) -> bytes:
        return encode(["record", self.store, r.key, r.session, *_values(r)])


class _Unkeyed:
    """Checks records of before there were keys."""

    def fault(self, record: Record) -> str:
        """Return what is wrong with a record by itself."""
        return "" if record.hash == _hash(record) else f"record {record.seq} was changed"


UNKEYED = _Unkeyed()


def first_fault(
    chain: Iterable[Record], head: Head | None, sealer: Sealer | _Unkeyed, checked: Record | None = None
) -> str:
    """Return what is wrong with a chain, the empty text where nothing is.

    `head` is the copy in the service store; the chain may be ahead of it, never behind. The sealer knows the keys. The
    chain is read from its beginning, or from the record behind one that was `checked` before.
    """
    last = checked
    for record in chain:
        if fault := _misplaced(record, last) or sealer.fault(record) or _differing(record, head):
            return fault
        last = record
    return _wrong_end(last, head)


def sessions_ahead(chain: Iterable[Record], head: Head | None) -> int:
    """Return how many transactions a chain is ahead of the copy of its head.

    One is, where somebody has just written or died; more were only while others write, or an older copy was put back.
    """
    return len({record.session for record in chain if head is not None and record.seq > head.seq})


def _misplaced(record: Record, last: Record | None) -> str:
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    if record.seq != seq:
        return f"record {seq} is missing (found {record.seq} in its place)"
    if record.previous != previous:
        return f"record {record.seq} does not follow record {seq - 1}: one of them was swapped or replaced"
    return ""


def _differing(record: Record, head: Head | None) -> str:
    if head is None or record.seq != head.seq or record.hash == head.hash:
        return ""
    return f"record {record.seq} differs from the copy of its hash in the service store"


def _wrong_end(last: Record | None, head: Head | None) -> str:
    ends = last.seq if last else 0
    if head is None:
        return "the service store has no copy of this chain's last hash: it was removed there" if last else ""
    if ends < head.seq:
        return f"the chain ends at record {ends}; the service store knows {head.seq}: the end was cut off"
    if last and ends == head.seq and last.hash != head.hash:
        return f"record {ends} differs from the copy of its hash in the service store"
    return ""


def _hash(record: Record) -> str:
    return hashlib.sha256(encode(_values(record))).hexdigest()


def _values(record: Record) -> tuple[int, str, str, str, str, str, str]:
    r = record
    return (r.seq, r.at, r.person, r.action, r.subject, r.detail, r.previous)
