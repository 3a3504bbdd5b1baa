"""What authenticating an audit record takes, beside signing it with Ed25519, and what checking a long chain takes."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from model.canonical import encode
from model.person import Person
from pipeline.audit_keys import ArchivedKeys
from store.audit import Entry, Head, Record, Sealer, first_fault
from store.home import Home
from store.sqlite import SqliteFolder

_RECORDS = 20_000
_KEYS = ArchivedKeys({"1": bytes(32)})
_ENTRY = Entry("plan.voted", "p1", encode({"reason": "x" * 300}).decode())


def main() -> None:
    """Print microseconds of processor time a record."""
    sealer, chain = Sealer("tenant bench", _KEYS), list[Record]()

    def seal() -> None:
        for _ in range(_RECORDS):
            last = chain[-1] if chain else None
            chain.append(sealer.sealed(last, _ENTRY, "2026-06-01T00:00:00.000000Z", "ken", 1))

    sealed = _each(seal)
    head = Head(chain[-1].seq, chain[-1].hash)
    checked = _each(lambda: first_fault(chain, head, sealer))
    key, data = Ed25519PrivateKey.generate(), encode(chain[0])
    signature, public = key.sign(data), key.public_key()
    signed = _each(lambda: [key.sign(data) for _ in range(_RECORDS)])
    verified = _each(lambda: [public.verify(signature, data) for _ in range(_RECORDS)])
    print(f"a record is sealed in {sealed:.1f} µs and checked in {checked:.1f} µs", end="")
    print(f"; Ed25519 alone signs in {signed:.1f} µs and verifies in {verified:.1f} µs")
    _show_vouching()


def _show_vouching() -> None:
    """Print what it takes to know that 200 people are as they were recorded, in a new process and from then on."""
    with TemporaryDirectory() as folder:
        records = _with_people(Path(folder))
        again = Home(SqliteFolder(Path(folder)), _KEYS)
        first, later = _seconds(again.service.fault), _seconds(again.service.fault)
        whole = _seconds(again.service.audit_fault)
    print(f"people are as recorded: {first * 1e3:.0f} ms first, then {later * 1e3:.1f} ms", end="")
    print(f"; all {records} records checked: {whole * 1e3:.0f} ms")


def _with_people(folder: Path) -> int:
    """Make a home of 200 people with 50,000 records of theirs, of which the last 9,999 were not collected."""
    home, at = Home(SqliteFolder(folder), _KEYS), "2026-06-01T00:00:00.000000Z"
    home.create()
    for number in (*[10_000] * 4, 9_999):
        with home.service.observe(at, "p") as session:
            for one in range(200):
                session.people.put(Person(f"p{one}", "p", "ja", ("analyst",), "all", ""))
            for one in range(number):
                session.record("token.issued", f"p{one % 200}", token="x" * 16, expires_at=at)
    return 49_999


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _each(work: Callable[[], object]) -> float:
    return _seconds(work) / _RECORDS * 1e6


if __name__ == "__main__":
    main()
