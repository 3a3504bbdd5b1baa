"""What it takes to read CloudTrail's files into events, beside `orjson.loads` alone on the same files.

Both unpack by zlib. How often Python looks for cycles is a large part of what orjson's objects take: the first
comparison is in a process as Python begins it, the others as ours are set up (pipeline/process.py). orjson makes
objects of whole documents and does nothing else; ours makes events: fields found, bytes kept and checked, types judged.
"""

import gzip
import io
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median
from uuid import UUID

import msgspec
import orjson

from catalog import sources
from catalog.folder import config_folder
from intake.accounting import Arrival, Record, account
from intake.batches import Batch
from intake.events import Control, Event, read
from model.log_source import LogSource
from model.log_volume import LogPiece
from pipeline.process import begin

_ROUNDS = 9
_FILES, _EVENTS = 20, 1_000
_NAMES = ("DescribeInstances", "AssumeRole", "GetObject", "PutObject", "Decrypt", "StopLogging", "ListBuckets")


def main() -> None:
    """Print events a second of both, medians of rounds in turn by processor time, and their ratio; packed and not."""
    source = sources.load(config_folder())["aws.cloudtrail"]
    plain = [document(number) for number in range(_FILES)]
    packed = [gzip.compress(document, 6) for document in plain]
    print(
        f"{_FILES * _EVENTS:,} events, {sum(map(len, plain)) / 1e6:.1f} MB, packed {sum(map(len, packed)) / 1e6:.1f} MB"
    )

    def ours(files: list[bytes]) -> int:
        return sum(isinstance(one, Event) for file in files for one in read(source, io.BytesIO(file)))

    def theirs(files: list[bytes]) -> int:
        return sum(len(orjson.loads(file)["Records"]) for file in files)

    def theirs_packed(files: list[bytes]) -> int:
        return theirs([zlib.decompress(file, 31) for file in files])

    def counted(files: list[bytes]) -> int:
        found, known = 0, set[str]()
        for file in files:
            batch = Batch()
            batch.begin(piece)
            for record in _records(source, file):
                if not batch.add(record):
                    found += _account(batch, known, arrival)
                    batch = Batch()
                    batch.begin(piece)
                    batch.add(record)
            found += _account(batch, known, arrival)
        return found

    arrival, piece = _arrival(source), LogPiece(source.id, "piece", "", "", "")
    _compare("packed, counted and deduplicated", lambda: counted(packed), lambda: theirs_packed(packed))
    begin()
    print("from here on set up as our processes are:")
    _compare("packed, counted and deduplicated", lambda: counted(packed), lambda: theirs_packed(packed))
    _compare("packed", lambda: ours(packed), lambda: theirs_packed(packed))
    _compare("not packed", lambda: ours(plain), lambda: theirs(plain))


def seconds_a_record() -> float:
    """Return what an event takes from a packed file to what is written of it, in processor time."""
    source, file = sources.load(config_folder())["aws.cloudtrail"], gzip.compress(document(0), 6)
    arrival, took = _arrival(source), list[float]()
    for _ in range(_ROUNDS):
        began = time.process_time()
        found = list(_records(source, file))
        account(found, set(), arrival)
        took.append((time.process_time() - began) / len(found))
    return median(took)


def _account(batch: Batch, known: set[str], arrival: Arrival) -> int:
    made = account(batch.parts[0].records, known, arrival)
    known.update(made.fresh)
    return len(made.fresh)


def _arrival(source: LogSource) -> Arrival:
    return Arrival(source.id, "piece", datetime(2026, 11, 30, tzinfo=UTC), "customer")


def _records(source: LogSource, file: bytes) -> Iterator[Record]:
    return (one for one in read(source, io.BytesIO(file)) if not isinstance(one, Control))


def _compare(what: str, ours: Callable[[], int], theirs: Callable[[], int]) -> None:
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for rate, do in zip(rates, (ours, theirs), strict=True):
            began = time.process_time()
            count = do()
            rate.append(count / (time.process_time() - began))
            assert count == _FILES * _EVENTS, "an event was lost"
    mine, other = map(median, rates)
    print(f"{what}: {mine:,.0f} events/s; orjson alone {other:,.0f}/s, ratio {mine / other:.2f}")


def document(number: int, names: Sequence[str] = _NAMES) -> bytes:
    """Return a file of CloudTrail's of 1,000 events with these names."""
    return msgspec.json.encode({"Records": [_event(number * _EVENTS + place, names) for place in range(_EVENTS)]})


def _event(number: int, names: Sequence[str]) -> dict[str, object]:
    """Return an event like those of CloudTrail's record contents, 1.3 KB; its ids look random, so that they pack so."""
    mixed = number * 0x9E3779B97F4A7C15 % 2**64
    role, session = f"role-{mixed % 40}", f"i-{mixed:017x}"
    arn = f"arn:aws:sts::123456789012:assumed-role/{role}/{session}"
    return {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{mixed % 10**16:016d}:{session}",
            "arn": arn,
            "accountId": "123456789012",
            "accessKeyId": f"ASIA{mixed % 10**15:016d}",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::123456789012:role/{role}", "userName": role},
                "webIdFederationData": {},
                "attributes": {"creationDate": "2026-11-30T09:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2026-11-30T09:{number // 3_600 % 60:02d}:{number // 60 % 60:02d}Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": names[mixed % len(names)],
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": f"198.51.{mixed % 251}.{mixed % 241}",
        "userAgent": "aws-sdk-go/1.44.0 (go1.20; linux; amd64)",
        "requestParameters": {
            "instancesSet": {"items": [{"instanceId": f"i-{mixed + place:017x}"} for place in range(3)]},
            "filterSet": {"items": [{"name": "tag:Stage", "valueSet": {"items": [{"value": "production"}]}}]},
        },
        "responseElements": None,
        "requestID": str(UUID(int=mixed << 60)),
        "eventID": str(UUID(int=(mixed << 64) + number)),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ec2.ap-northeast-1.amazonaws.com",
        },
    }


if __name__ == "__main__":
    main()
