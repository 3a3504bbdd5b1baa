"""Everything that a cloud can do wrong, by a real server to the real SDK: each ends in a named unknown.

The scan comes to its end, no asset ends, no finding resolves, and nothing changes that the fault does not touch.
"""

import asyncio
import itertools
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.replay import Bucket, Reply, Request, Tape
from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.aws.service_models import operation
from clouds.call_failed import CallFailed
from collectors.aws.collector import AwsCollector
from collectors.aws.engine import collect
from collectors.aws.permissions import actions_by_call
from demo.company import Stage
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from detectors.posture.judge import Moment
from model.asset import Asset, Listing
from model.fault import Refused
from model.finding import Verdict
from pipeline.assembly import Catalog
from pipeline.checkov_process import NotInstalled
from pipeline.clock import SystemClock
from pipeline.scanning.scan import Summary
from pipeline.scanning.survey import survey
from store.home import Home
from tests.conftest import MovingClock, lead_to
from tests.contracts import known
from tests.homes import home_at
from tests.readers import Key, denied_readers, same, state
from tests.recorded_clouds import REGIONS, TENANT, catalog, types_of
from tests.servers import faulty
from tests.servers.faulty import Act, Fault, FaultyPlayer, playing
from tests.worlds import scanned_in, seeing, world_of

# The SDK's name of the service, the operation, and what its requests contain.
Target = tuple[str, str, str]
KEYS: Target = ("kms", "list_keys", "ListKeys")
BUCKETS: Target = ("s3", "list_buckets", "GET / ")
TOPICS: Target = ("sns", "list_topics", "ListTopics")
VOLUMES: Target = ("ec2", "describe_volumes", "DescribeVolumes")
FUNCTIONS: Target = ("lambda", "list_functions", "GET /2015-03-31/functions ")
ROTATION: Target = ("kms", "get_key_rotation_status", "GetKeyRotationStatus")
VERSIONING: Target = ("s3", "get_bucket_versioning", "?versioning")
ATTRIBUTES: Target = ("sns", "get_topic_attributes", "GetTopicAttributes")
# One of each protocol that says what is there: JSON, REST with XML, query, EC2, REST with JSON.
LISTINGS = (KEYS, BUCKETS, TOPICS, VOLUMES, FUNCTIONS)
DETAILS = (ROTATION, VERSIONING, ATTRIBUTES)

# A page of a proxy, well-formed as it often is.
PAGE = b"<html><head><title>Maintenance</title></head><body><p>Back soon</p></body></html>"
# What befalls, and the causes that may stand for it: AWS's code where there is one, else the SDK's or our own name.
FAULTS: dict[str, tuple[Act, set[str]]] = {
    "throttled": (faulty.error(400, "ThrottlingException"), {"ThrottlingException"}),
    "slowed down": (faulty.error(503, "SlowDown"), {"SlowDown"}),
    "too many requests": (faulty.error(429, "TooManyRequestsException"), {"TooManyRequestsException"}),
    "internal failure": (faulty.error(500, "InternalFailure"), {"InternalFailure"}),
    "unavailable": (faulty.error(503, "ServiceUnavailable"), {"ServiceUnavailable"}),
    "unavailable, says a proxy": (faulty.answer(503, PAGE), {"503", "Unknown", "ResponseParserError"}),
    "reset": (faulty.reset_before_the_reply, {"ConnectionClosedError"}),
    "reset in the body": (faulty.reset_within_the_body, {"ConnectionClosedError", "BrokenReply"}),
    "ended in the body": (faulty.end_within_the_body, {"ConnectionClosedError", "BrokenReply"}),
    # The SDK says 500 where S3's XML is cut off.
    "cut off": (faulty.cut_off, {"BrokenReply", "ResponseParserError", "500"}),
    "empty": (faulty.answer(200, b""), {"BrokenReply"}),
    "a web page": (faulty.answer(200, PAGE), {"BrokenReply"}),
    "a page for people": (faulty.answer(200, b"<!DOCTYPE html>\n" + PAGE), {"BrokenReply"}),
    "expired": (faulty.error(400, "ExpiredToken"), {"ExpiredToken"}),
    "clock": (faulty.error(403, "RequestTimeTooSkewed"), {"RequestTimeTooSkewed (clock skew)"}),
    "clock, by the signature": (
        faulty.error(403, "SignatureDoesNotMatch", hours_off=1),
        {"SignatureDoesNotMatch (clock skew)"},
    ),
    "signature": (faulty.error(403, "SignatureDoesNotMatch"), {"SignatureDoesNotMatch"}),
}


@pytest.fixture(scope="module")
def served(company_emulator: tuple[Emulator, Stage]) -> Iterator[FaultyPlayer]:
    """The company's account behind a server that can be broken; it answers from memory."""
    emulator, _ = company_emulator
    emulator.client("iam", "us-east-1").generate_credential_report()  # the first reply says only «started»
    player = FaultyPlayer(Tape(emulator.url))
    with playing(player) as url, pytest.MonkeyPatch.context() as patch:
        lead_to(emulator, patch)
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield player


@pytest.fixture
def player(served: FaultyPlayer) -> Iterator[FaultyPlayer]:
    served.calls.clear()
    yield served
    served.faults.clear()


def opened(login: Login | None = None, read_seconds: float = 30.0) -> AwsClient:
    """Return a client whose pauses take no time."""
    clock = MovingClock()
    return AwsClient(session(login or Login(), clock), clock, read_seconds)


# What is broken, and what stands beside it: each other's readers have to stay as they are.
KINDS = frozenset(
    {
        "aws.kms.key", "aws.s3.bucket", "aws.s3.account-block", "aws.sns.topic", "aws.ec2.volume",
        "aws.lambda.function", "aws.iam.server-certificate",
    }
)  # fmt: skip


@lru_cache(maxsize=1)
def few() -> Catalog:
    """Return the types of a few kinds, whole, with the policies that read nothing else."""
    return replace(
        catalog(),
        policies=tuple(policy for policy in catalog().policies if policy.kinds <= KINDS),
        types={"aws": tuple(type_ for type_ in types_of(catalog(), "aws") if type_.kind.name in KINDS)},
        adopted=(),
    )


def look(client: AwsClient) -> dict[Key, Verdict]:
    collector = AwsCollector(client, locate(client, REGIONS[:1]), types_of(few(), "aws"))
    seen = survey(collector, few(), Moment(MovingClock().now()), NotInstalled())
    return {(v.policy, v.finding_uid): v for observation in seen for v in observation.verdicts}


@lru_cache(maxsize=1)
def healthy(player: FaultyPlayer) -> dict[Key, Verdict]:
    assert not player.faults
    return look(opened())


def action_of(service: str, op: str) -> str:
    """Return the IAM action by which a cause names an operation."""
    return actions_by_call(types_of(catalog(), "aws"))[service, operation(service, op).name]


def assert_only_readers_are_unknown(
    before: dict[Key, Verdict], after: dict[Key, Verdict], target: Target, causes: set[str]
) -> None:
    service, op, _ = target
    readers, action = denied_readers(service, op), action_of(service, op)
    reported = {f"{action} {cause}" for cause in causes}
    assert readers
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old and new and same(old, new):
            continue
        assert key[0] in readers, key
        if new:  # a listing that failed has one verdict in place of those on its resources
            assert new.status == "unknown"
            assert any(cause in new.reason for cause in reported), new.reason
    assert any(v.status == "unknown" for key, v in after.items() if key[0] in readers)


# Each protocol reads these in its own way; of the others, one listing and one detail show enough.
BY_PROTOCOL = ("throttled", "unavailable, says a proxy", "ended in the body", "cut off", "empty", "a web page")


@pytest.mark.parametrize(
    ("name", "target"),
    [(n, t) for n in FAULTS for t in ((*LISTINGS, *DETAILS) if n in BY_PROTOCOL else (KEYS, VERSIONING))],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_a_fault_makes_its_readers_unknown_and_nothing_else(name: str, target: Target, player: FaultyPlayer) -> None:
    before = healthy(player)
    act, causes = FAULTS[name]
    player.faults.append(Fault(target[0], target[2], act))
    assert_only_readers_are_unknown(before, look(opened()), target, causes)


# The same question gets the same answer: repeating these is worth nothing.
LASTING = ("expired", "clock", "clock, by the signature", "signature")


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LASTING])
def test_a_fault_that_passes_leaves_no_trace(name: str, player: FaultyPlayer) -> None:
    """Two times in a row, at each place, where repeating is worth it."""
    before = healthy(player)
    player.faults += [Fault(service, needle, FAULTS[name][0], times=2) for service, _, needle in (*LISTINGS, *DETAILS)]
    assert look(opened()) == before


def test_a_throttle_may_last_a_while(player: FaultyPlayer) -> None:
    before = healthy(player)
    player.faults += [Fault(*t[::2], FAULTS["throttled"][0], times=7) for t in (KEYS, VERSIONING)]
    assert look(opened()) == before


def look_again(home: Home, clock: MovingClock, client: AwsClient) -> Summary:
    clock.sleep(3600)
    return scanned_in(world_of(home, clock, seeing(client, locate(client, REGIONS))), TENANT, few())


@pytest.fixture(scope="module")
def scanned(served: FaultyPlayer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one undisturbed scan."""
    folder = tmp_path_factory.mktemp("scanned") / "home"
    home = home_at(str(folder))
    home.create()
    known(home, "aozora", "2026-06-01T00:00:00.000000Z")
    first = look_again(home, MovingClock(), opened())
    assert first.facts["open"] > 10
    assert first.gaps == []
    return folder


@pytest.fixture
def after_one_scan(scanned: Path, tmp_path: Path) -> Home:
    return home_at(str(shutil.copytree(scanned, tmp_path / "copy")))


@pytest.mark.parametrize("target", [BUCKETS, ROTATION], ids=lambda t: t[1])
@pytest.mark.parametrize("name", ["throttled", "reset", "cut off", "empty", "a web page", "expired", "clock"])
def test_no_fault_ends_an_asset_or_resolves_a_finding(
    name: str, target: Target, player: FaultyPlayer, after_one_scan: Home, clock: MovingClock
) -> None:
    before = state(after_one_scan)
    act, causes = FAULTS[name]
    player.faults.append(Fault(target[0], target[2], act))
    clock.sleep(7200)
    summary = look_again(after_one_scan, clock, opened())
    assert state(after_one_scan) == before
    assert (summary.facts, summary.new_rows > 0) == ({}, target is ROTATION)
    assert {gap.cause for gap in summary.gaps} <= {f"{action_of(*target[:2])} {cause}" for cause in causes}
    assert summary.gaps
    player.faults.clear()
    assert look_again(after_one_scan, clock, opened()).facts == {}
    assert state(after_one_scan) == before


def with_tokens(tokens: Iterator[str]) -> Act:
    """Say that there is more, and give the next token."""

    async def act(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        if request.region_and_service[1] == "kms":
            body = json.dumps(json.loads(reply.body) | {"Truncated": True, "NextMarker": next(tokens)}).encode()
        else:
            end = b"</ListTopicsResult>"
            body = reply.body.replace(end, b"<NextToken>%s</NextToken>%s" % (next(tokens).encode(), end))
        said = Reply(200, reply.headers, body)
        writer.write(said.head() + said.body)

    return act


class Paging(FaultyPlayer):
    """Knows every page by its first one: the emulator would refuse a token that it did not make."""

    async def reply(self, request: Request) -> Reply:
        if request.action == "ListKeys":
            return await super().reply(replace(request, body=b"{}"))
        body = b"&".join(part for part in request.body.split(b"&") if not part.startswith(b"NextToken"))
        return await super().reply(replace(request, body=body))


@pytest.mark.parametrize("target", [KEYS, TOPICS], ids=lambda t: t[1])
@pytest.mark.parametrize(
    ("tokens", "calls"), [(["A"], 2), (["A", "B"], 3), (["A", "B", "C"], 4)], ids=["A A", "A B A", "A B C A"]
)
def test_tokens_that_come_again_end_the_listing_as_unknown(
    tokens: list[str], calls: int, target: Target, served: FaultyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Paging(served.tape)
    player.faults.append(Fault(target[0], target[2], with_tokens(itertools.cycle(tokens))))
    with playing(player) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        client = opened()
        with pytest.raises(CallFailed, match="PaginationError"):
            list(client.pages(target[0], "ap-northeast-1", target[1], {}))
    assert player.calls.total() == calls


def test_a_listing_that_repeats_its_tokens_is_not_whole(served: FaultyPlayer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = healthy(served)
    player = Paging(served.tape)
    player.faults.append(Fault(TOPICS[0], TOPICS[2], with_tokens(itertools.cycle("AB"))))
    with playing(player) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert_only_readers_are_unknown(before, look(opened()), TOPICS, {"PaginationError"})


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        (("iam", "list_server_certificates", "ListServerCertificates"), b"<IsTruncated>false", b"<IsTruncated>true"),
        (KEYS, b'"Truncated": false', b'"Truncated": true'),
    ],
    ids=["iam", "kms"],
)
def test_more_without_a_way_to_it_is_not_whole(target: Target, old: bytes, new: bytes, player: FaultyPlayer) -> None:
    before = healthy(player)
    player.faults.append(Fault(target[0], target[2], faulty.swap(old, new)))
    assert_only_readers_are_unknown(before, look(opened()), target, {"TruncatedListing"})


def test_a_server_that_hangs_is_not_waited_for_by_each_resource(player: FaultyPlayer) -> None:
    before = healthy(player)
    player.faults.append(Fault("s3", "?versioning", faulty.stay_silent))
    began = time.monotonic()
    after = look(opened(read_seconds=0.5))
    assert time.monotonic() - began < 10
    assert_only_readers_are_unknown(before, after, VERSIONING, {"ReadTimeoutError"})
    hung = sum(number for action, number in player.calls.items() if "?versioning" in action)
    assert 6 <= hung < 12  # four buckets, three tries each: what was heard of the first is believed for the others


def test_a_listing_that_hangs_ends_in_time(player: FaultyPlayer) -> None:
    before = healthy(player)
    player.faults.append(Fault("kms", "ListKeys", faulty.stay_silent))
    began = time.monotonic()
    assert_only_readers_are_unknown(before, look(opened(read_seconds=0.5)), KEYS, {"ReadTimeoutError"})
    assert time.monotonic() - began < 10


def test_credentials_that_end_in_the_middle_end_nothing_else(
    player: FaultyPlayer, after_one_scan: Home, clock: MovingClock
) -> None:
    before = state(after_one_scan)
    player.faults.append(Fault("", "", faulty.error(400, "ExpiredToken"), spared=30))
    clock.sleep(7200)
    summary = look_again(after_one_scan, clock, opened())
    assert summary.facts == {}
    causes = {gap.cause for gap in summary.gaps} - {"lambda:GetFunction package HTTP 400"}  # no API: a status alone
    assert {cause.split()[-1] for cause in causes} == {"ExpiredToken"}
    assert summary.verdicts["unknown"] > 5  # how many, goes by which calls were the first thirty
    assert state(after_one_scan) == before


class Expiring(FaultyPlayer):
    """Calls the first credentials of a role ended after some calls; each login gives new ones."""

    def __init__(self, tape: Tape, after: int, renewed: Act | None = None) -> None:
        super().__init__(tape)
        self._left = after
        self._renewed = renewed
        self._lock = threading.Lock()
        self._first = ""
        self.logins = 0

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.action == "AssumeRole":
            self.logins += 1
            reply = await asyncio.to_thread(self.tape.record, request)
            if self.logins > 1 and self._renewed:
                await self._renewed(request, reply, writer)
            else:
                writer.write(reply.head() + reply.body)
            return
        key = request.headers["authorization"].split("Credential=")[1].split("/")[0]
        self._first = self._first or key
        self._left -= 1
        if key == self._first and self._left < 0:
            await faulty.error(400, "ExpiredToken")(request, await self.reply(request), writer)
            return
        await super().respond(request, writer)


ROLE = Login(role_arn=f"arn:aws:iam::{ACCOUNT}:role/hinomi-read")


def test_a_role_is_assumed_again_when_its_credentials_end_early(
    served: FaultyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = healthy(served)
    player = Expiring(served.tape, after=20)
    with playing(player) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert look(opened(ROLE)) == before
    assert player.logins == 2


def test_a_role_that_may_not_be_assumed_again_is_the_cause(
    served: FaultyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = healthy(served)
    player = Expiring(served.tape, after=20, renewed=faulty.error(403, "AccessDenied"))
    with playing(player) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        after = look(opened(ROLE))
    changed = [v for key, v in after.items() if not (key in before and same(v, before[key]))]
    assert changed
    assert all(v.status == "unknown" and "sts:AssumeRole AccessDenied" in v.reason for v in changed)


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"])
def test_a_wrong_clock_is_reported_at_sign_in(code: str, player: FaultyPlayer) -> None:
    player.faults.append(Fault("sts", "GetCallerIdentity", faulty.error(403, code, hours_off=-2)))
    with pytest.raises(Refused, match=rf"this machine's clock \({code} \(clock skew\)\)"):
        locate(opened(), REGIONS)


class Large(FaultyPlayer):
    """An account that lists its first key and bucket many times; the buckets with numbers after their name."""

    def __init__(self, tape: Tape, keys: int, buckets: int) -> None:
        super().__init__(tape)
        self._rows = {"ListKeys": (keys, _many_keys), "GET /": (buckets, _many_buckets)}

    async def reply(self, request: Request) -> Reply:
        if request.action in self._rows:
            number, many = self._rows[request.action]
            return many(await super().reply(request), number)
        return await super().reply(replace(request, target=re.sub(r"-\d+\?", "?", request.target)))


def _many_keys(reply: Reply, number: int) -> Reply:
    listed = json.loads(reply.body)
    key = listed["Keys"][0] if listed["Keys"] else {}
    copies = [key | {"KeyArn": f"{key['KeyArn']}-{n}"} for n in range(number)] if key else []
    return Reply(200, reply.headers, json.dumps(listed | {"Keys": copies}).encode())


def _many_buckets(reply: Reply, number: int) -> Reply:
    before, row, after = re.split(rb"(<Bucket>.*</Bucket>)", reply.body, maxsplit=1, flags=re.DOTALL)
    one = re.findall(rb"<Bucket>.*?</Bucket>", row, re.DOTALL)[0]
    name = re.findall(rb"<Name>(.*?)</Name>", one)[0]
    copies = [one.replace(name, b"%s-%d" % (name, n)) for n in range(number)]
    return Reply(200, reply.headers, before + b"".join(copies) + after)


def test_no_detail_is_lost_at_a_limit_of_200_calls_a_second(
    served: FaultyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole account shares the limit, all services; time passes as it does."""
    clock, limit = SystemClock(), 200.0
    player = Large(served.tape, keys=100, buckets=30)
    player.bucket = Bucket(limit)
    with playing(player) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        client = AwsClient(session(Login(), clock), clock)
        place, began = locate(client, REGIONS), time.monotonic()
        events = list(collect(client, types_of(few(), "aws"), place))
        took = time.monotonic() - began
    answered = player.calls.total() - player.throttled
    assert player.throttled > 0, "the limit was never felt"
    assert len([e for e in events if isinstance(e, Asset) and e.kind in ("aws.kms.key", "aws.s3.bucket")]) >= 130
    assert not [e for e in events if isinstance(e, Asset) and e.unknown]
    assert not [e for e in events if isinstance(e, Listing) and e.cause]
    assert answered > 500
    assert took < 2 * answered / limit
