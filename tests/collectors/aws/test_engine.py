"""What the engine collects, against what plain boto3 returns."""

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import jmespath
import pytest
from botocore.exceptions import ClientError

from clouds.aws.faults import classify
from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.call_failed import CallFailed
from collectors.aws import resource_types
from collectors.aws.engine import collect
from collectors.aws.resource_types import ResourceType
from collectors.templates import fill
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from model.asset import Asset, Listing, Place
from model.canonical import plain
from pipeline.clock import SystemClock
from tests.recorded_clouds import NOT_EMULATED, REGIONS

TYPES = [type_ for type_ in resource_types.load() if type_.form.kind not in NOT_EMULATED]
# The places that the engine asks for global services.
HOME = "us-east-1"
# The emulator makes this anew at each call.
FRESH = {"aws.iam.credential-report"}


def whole(emulator: Emulator, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
    client = emulator.client(service, region)
    if client.can_paginate(op):
        reply = client.get_paginator(op).paginate(**args).build_full_result()
    else:
        reply = getattr(client, op)(**args)
    return {key: value for key, value in reply.items() if key != "ResponseMetadata"}


def rows(emulator: Emulator, type_: ResourceType, region: str) -> list[dict[str, Any]]:
    listing = type_.form.listing
    if listing is None:
        return [{}]
    names = {"account": ACCOUNT, "region": region, "partition": "aws"}
    if listing.within:
        parents = jmespath.search(
            listing.within.rows, whole(emulator, type_.form.service, region, listing.within.op, {})
        )
        if listing.within.of:
            parents = [parent[listing.within.of] for parent in parents]
        of_each = [rows_of(emulator, type_, region, names | {listing.within.as_: parent}) for parent in parents]
        return [row for found in of_each for row in found]
    return rows_of(emulator, type_, region, names)


def rows_of(emulator: Emulator, type_: ResourceType, region: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    listing = type_.form.listing
    assert listing
    found = jmespath.search(
        listing.rows, whole(emulator, type_.form.service, region, listing.op, fill(listing.args, names))
    )
    if listing.csv:
        return list(csv.DictReader(io.StringIO(found.decode())))
    plain_rows = [{listing.as_: row} if listing.as_ else row for row in found or []]
    if listing.describe and plain_rows:
        d = listing.describe
        reply = whole(
            emulator, type_.form.service, region, d.op, fill(d.args, names) | {d.ids: [row[d.of] for row in plain_rows]}
        )
        return list(jmespath.search(d.rows, reply))
    return plain_rows


def expected(emulator: Emulator, type_: ResourceType, region: str) -> Iterator[dict[str, Any]]:
    """One call after the other, without anything of the engine but the templates."""
    for row in rows(emulator, type_, region):
        home = row.get(type_.form.home or "", region)
        if type_.form.scope == "region" and home != region:
            continue  # a replica
        body = strip(plain(row), [*type_.form.omit, *type_.form.secrets])
        for name, detail in type_.form.details.items():
            names = {"account": ACCOUNT, "region": region, "partition": "aws"} | body
            if any(body.get(field) != fill(wanted, names) for field, wanted in detail.only.items()):
                continue
            try:
                reply = whole(emulator, type_.form.service, home, detail.op, fill(detail.args, names))
            except ClientError as error:
                if classify(error)[0].code not in detail.absent:
                    raise
                continue
            value: Any = jmespath.search(detail.get, reply) if detail.get else reply
            if detail.json and value is not None:
                value = json.loads(value)
            if value is not None:
                body[name] = strip(plain(value), [*detail.omit, *detail.secrets])
        # The one password of the company, in the address of a repository, is never kept.
        yield json.loads(json.dumps(body).replace("builder:not-a-secret@", "redacted:redacted@"))


def strip(value: Any, names: list[str]) -> Any:
    """Leave out what is never kept, by way of the text: each object that is read loses the names."""
    return json.loads(json.dumps(value), object_hook=lambda found: {k: v for k, v in found.items() if k not in names})


@pytest.fixture
def client(company: Emulator) -> tuple[AwsClient, Place]:
    clock = SystemClock()
    made = AwsClient(session(Login(), clock), clock)
    return made, locate(made, REGIONS)


@pytest.mark.parametrize("type_", TYPES, ids=lambda t: t.form.kind)
def test_what_is_collected_is_what_boto3_returns(
    type_: ResourceType, company: Emulator, client: tuple[AwsClient, Place]
) -> None:
    seen = list(collect(client[0], [type_], client[1]))
    assets = [event for event in seen if isinstance(event, Asset)]
    regions = [HOME] if type_.form.scope == "global" else list(REGIONS)
    bodies = [body for region in regions for body in expected(company, type_, region)]
    key = resource_key(type_)
    assert sorted((without(type_, a.body) for a in assets), key=key) == sorted(
        (without(type_, b) for b in bodies), key=key
    )
    assert bodies, "the company has none of this type: nothing was compared"
    assert [event.cause for event in seen if isinstance(event, Listing)] == [""] * len(regions)
    assert not any(asset.unknown for asset in assets)
    assert len({asset.uid for asset in assets}) == len(assets)


def without(type_: ResourceType, body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the emulator itself changes between two calls."""
    fresh = {"user_creation_time", "password_last_changed"} if type_.form.kind in FRESH else set()
    # what stands for these, tests/collectors/test_secret_signs.py has
    whole: dict[str, Any] = strip(body, looked_at(type_))
    return {k: v for k, v in whole.items() if k not in type_.kind.volatile and k not in fresh}


def looked_at(type_: ResourceType) -> list[str]:
    details = type_.form.details
    # tests/collectors/aws/test_package.py has them
    packages = [name for name, detail in details.items() if detail.package]
    return [*type_.form.secrets, *(name for detail in details.values() for name in detail.secrets), *packages]


def resource_key(_type: ResourceType) -> Any:
    return lambda body: json.dumps(body, sort_keys=True)


def test_buckets_carry_their_own_region(company: Emulator, client: tuple[AwsClient, Place]) -> None:
    types = resource_types.load(kinds=["aws.s3.bucket"])
    regions = {a.name: a.region for a in collect(client[0], types, client[1]) if isinstance(a, Asset)}
    assert regions["aozora-ledger"] == "ap-northeast-1"
    assert regions["aozora-dropbox"] == "us-east-1"


class Scripted:
    """A cloud of three pages, the next of which waits until details of the one before were asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.waited_in_vain = False
        self.broken_page: int | None = None

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for number in range(3):
            if number == self.broken_page:
                raise CallFailed("InternalError")
            yield {"Keys": [{"KeyId": f"{number}", "KeyArn": f"arn:aws:kms:{region}:1:key/{number}"}]}
            self.waited_in_vain |= not self.asked.wait(3)
            self.asked.clear()

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.set()
        if args.get("KeyId") in ("1", "2") and op == "get_key_policy":
            return {"Policy": "{broken" if args["KeyId"] == "1" else ""}
        return {
            "KeyMetadata": {"KeyId": args["KeyId"], "Nothing": None},
            "KeyRotationEnabled": True,
            "Policy": '{"Statement": []}',
        }

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        time.sleep(0)

    def forget(self, region: str) -> None:
        pass


KEY = resource_types.load(kinds=["aws.kms.key"])
PLACE = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))


def test_details_start_while_the_listing_still_pages() -> None:
    cloud = Scripted()
    assets = [event for event in collect(cloud, KEY, PLACE) if isinstance(event, Asset)]
    assert len(assets) == 3
    assert not cloud.waited_in_vain


def test_a_listing_that_breaks_in_the_middle_is_not_whole_but_keeps_its_assets() -> None:
    cloud = Scripted()
    cloud.broken_page = 2
    events = list(collect(cloud, KEY, PLACE))
    assert len([e for e in events if isinstance(e, Asset)]) == 2
    assert [e.cause for e in events if isinstance(e, Listing)] == ["kms:ListKeys InternalError"]


def test_a_malformed_document_is_an_unknown_detail_and_nulls_are_left_out() -> None:
    assets = {e.name: e for e in collect(Scripted(), KEY, PLACE) if isinstance(e, Asset)}
    assert assets["1"].unknown == {"Policy": "kms:GetKeyPolicy malformed JSON"}
    assert "Policy" not in assets["1"].body
    assert assets["0"].body["Metadata"] == {"KeyId": "0"}
    assert ("Policy" in assets["2"].body, assets["2"].unknown) == (False, {})  # an empty text: there is none


def test_a_reader_who_walks_away_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    events = collect(Scripted(), KEY, PLACE)
    next(events)
    events.close()  # type: ignore[attr-defined]
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
