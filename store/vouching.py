"""Which rows of the service's store its records vouch for: people, tokens, and stops of changes.

Whoever writes such a row leaves a digest of it in a record of the same transaction; whoever writes one in another way
leaves a difference. Now and then a record collects the digests that hold, so that none before it has to be read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Table, bindparam, select, true

from model.canonical import digest, encode
from store import schema
from store.audit import Entry, Head, Record, first_fault
from store.chain import Chain

WRITTEN, COLLECTED = "rows.written", schema.COLLECTED
DIGESTS = "row_digests"
# Reading so many records takes a tenth of a second.
COLLECTED_EVERY = 10_000


class RowKind(Struct, frozen=True):
    """One kind of rows: those of a `table` that hold, by a column; what guessers and clocks change stays `apart`."""

    name: str
    table: Table
    by: str
    holds: ColumnElement[bool]
    apart: frozenset[str] = frozenset()


_TOKEN, _HALT = schema.token.c, schema.halt.c
PERSON = RowKind("person", schema.person, "id", true(), frozenset({"totp_step", "failures"}))
TOKEN = RowKind("token", schema.token, "id", _TOKEN.revoked_at == "")
HALT = RowKind("stop of changes", schema.halt, "tenant", _HALT.lifted_at == "")
KINDS = (PERSON, TOKEN, HALT)
# They are asked before every call to a cloud: made once (store/statements.py).
_ALL = {kind.name: select(kind.table).where(kind.holds).order_by(*kind.table.primary_key.columns) for kind in KINDS}
_SOME = {
    kind.name: _ALL[kind.name].where(kind.table.c[kind.by].in_(bindparam("keys", expanding=True))) for kind in KINDS
}

Digests = dict[str, str]


class Written:
    """The rows that a transaction has written, by kind."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = defaultdict(set)

    def note(self, kind: RowKind, *keys: str) -> None:
        """Note that the rows of these keys were written."""
        self._keys[kind.name].update(keys)

    def digests(self, connection: Connection) -> Digests:
        """Return what each row is now; the empty text for one that does not hold, or is not there."""
        found: Digests = {}
        for kind in KINDS:
            if keys := self._keys.get(kind.name):
                found |= dict.fromkeys((_name(kind, key) for key in keys), "") | digests(connection, kind, keys)
        return found


class Vouched(Struct, frozen=True):
    """What the records vouch for up to the one that was `checked` last, and what is wrong with them, if anything."""

    checked: Record | None = None
    rows: Mapping[str, str] = {}
    fault: str = ""

    def keys(self, kind: RowKind) -> list[str]:
        """Return the keys of a kind of rows that are known."""
        return [name.removeprefix(f"{kind.name} ") for name in self.rows if name.startswith(f"{kind.name} ")]

    def row_fault(self, kind: RowKind, keys: Collection[str] | None, connection: Connection) -> str:
        """Return the first row of a kind, of all keys (None) or of some, that differs from what the records say.

        The rows are read on a connection; the empty text is for none.
        """
        names = self.rows if keys is None else [_name(kind, key) for key in keys]
        known = {name: self.rows.get(name, "") for name in names if name.startswith(f"{kind.name} ")}
        return _difference(known, digests(connection, kind, keys))

    def whole_fault(self, connection: Connection, at: str) -> str:
        """Return the same of all kinds, and of tokens that hold `at` a moment."""
        return _difference(_holding(self.rows, connection, at), standing(connection, at))


def read_on(chain: Chain, known: Vouched) -> Vouched:
    """Return what a chain vouches for, of which something is `known`: only what came later is read.

    Where the chain does not hold the record that was checked last, it is read from the last one that collected.
    """
    if chain.last() == known.checked:
        return known
    if known.checked is None or not chain.has(Head(known.checked.seq, known.checked.hash)):
        known = _last_collected(chain)
    return _read(chain, known)


def read_whole(chain: Chain) -> Vouched:
    """Return what a chain vouches for, read from its first record on."""
    return _read(chain, Vouched())


def is_due(chain: Chain) -> bool:
    """Return whether enough records came since the last one that collected."""
    last, before = chain.last(), chain.newest(schema.COLLECTING)
    return last is not None and last.seq - (before.seq if before else 0) >= COLLECTED_EVERY


def collecting(before: Vouched, entries: Iterable[Entry], connection: Connection, at: str) -> Entry:
    """Return what is to be recorded of all that holds `at` a moment: of `before`, and of entries that come after it.

    Which tokens have expired is read on the connection.
    """
    rows = dict(before.rows)
    for entry in entries:
        rows |= _digests_in(entry.detail)
    return Entry(COLLECTED, "service", encode({DIGESTS: _holding(rows, connection, at)}).decode())


def digests(connection: Connection, kind: RowKind, keys: Collection[str] | None = None) -> Digests:
    """Return a digest of the rows on a connection that hold, by kind and key; of all keys (None) or of some.

    Columns without a value are left out, so that a column that is added later changes nothing.
    """
    if keys is None:
        found = connection.execute(_ALL[kind.name])
    else:
        found = connection.execute(_SOME[kind.name], {"keys": sorted(keys)})
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        values = {name: value for name, value in row._mapping.items() if value and name not in kind.apart}
        rows[_name(kind, str(row._mapping[kind.by]))].append(values)
    return {name: digest(of) for name, of in rows.items()}


def standing(connection: Connection, at: str) -> Digests:
    """Return the digests of all rows of a connection that decide something `at` a moment: expired tokens do not."""
    found = {name: one for kind in KINDS for name, one in digests(connection, kind).items()}
    return _holding(found, connection, at)


def _read(chain: Chain, known: Vouched) -> Vouched:
    checked, last, rows = known.checked, chain.last(), dict(known.rows)
    later = _noting(chain.records(checked.seq if checked else 0), rows)
    if fault := first_fault(later, Head(last.seq, last.hash) if last else None, chain.sealer, checked):
        return Vouched(fault=fault)
    return Vouched(last, rows)


def _last_collected(chain: Chain) -> Vouched:
    """Return what the last record that collected vouches for; nothing where there is none, or it does not hold."""
    record = chain.newest(schema.COLLECTING)
    if record is None or chain.sealer.fault(record):
        return Vouched()
    return Vouched(record, _digests_in(record.detail))


def _difference(known: Mapping[str, str], now: Mapping[str, str]) -> str:
    for name in sorted(known.keys() | now.keys()):
        before, after = known.get(name, ""), now.get(name, "")
        if before != after:
            return f"the {name} was {_done(before, after)} without a record"
    return ""


def _done(before: str, after: str) -> str:
    if before and after:
        return "changed"
    return "removed" if before else "added"


def _holding(rows: Mapping[str, str], connection: Connection, at: str) -> Digests:
    expired = set(connection.execute(select(_TOKEN.id).where(_TOKEN.expires_at <= at)).scalars())
    gone = {_name(TOKEN, id_) for id_ in expired}
    return {name: one for name, one in rows.items() if one and name not in gone}


def _noting(records: Iterable[Record], rows: Digests) -> Iterator[Record]:
    for record in records:
        rows |= _digests_in(record.detail)
        yield record


def _digests_in(detail: str) -> Digests:
    return msgspec.json.decode(detail).get(DIGESTS, {}) if DIGESTS in detail else {}


def _name(kind: RowKind, key: str) -> str:
    return f"{kind.name} {key or '(all tenants)'}"
