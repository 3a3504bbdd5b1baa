"""What authenticating an audit record takes, beside signing it with Ed25519, and what checking a long chain takes."""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from model.canonical import encode
from pipeline.audit_keys import ArchivedKeys
from store.audit import Entry, Head, Record, Sealer, first_fault

_RECORDS = 20_000
_ENTRY = Entry("plan.voted", "p1", encode({"reason": "x" * 300}).decode())


def main() -> None:
    """Print microseconds of processor time a record."""
    sealer, chain = Sealer("tenant bench", ArchivedKeys({"1": bytes(32)})), list[Record]()

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


def _each(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) / _RECORDS * 1e6


if __name__ == "__main__":
    main()
