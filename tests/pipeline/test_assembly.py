"""What came with the program is read at once, and looked at more closely when it is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.folder import config_folder
from collectors.aws.collector import AwsCollector
from collectors.aws.reader import ReadCloud
from collectors.aws.resource_types import ResourceType, load
from model.asset import Listing, Place
from model.fault import Refused
from pipeline.assembly import as_shipped, assemble, offered
from pipeline.policies.texts import shipped
from tests.recorded_clouds import catalog

BUCKET = """\
kind: aws.s3.bucket
service: s3
scope: global
list: {op: list_buckets, rows: Buckets}
arn: "arn:aws:s3:::$Name"
name: $Name
"""
KEY = """\
kind: aws.kms.key
service: kms
scope: region
list: {op: list_keys_of_yesterday, rows: Keys}
arn: "$KeyArn"
name: $KeyId
"""
POLICY = """\
id: aws.s3.x
kind: aws.s3.bucket
severity: high
title: {en: t, ja: 題}
risk: {en: r, ja: 危}
fix: {en: f, ja: 直}
effort_hours: 1
pass: has(r.Policy
cases: {pass: [{r: {Policy: {}}}], fail: [{r: {}}]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a config folder with one policy, whose expression is no expression."""
    file = tmp_path / "policies" / "aws" / "s3" / "x.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(POLICY, encoding="utf-8")
    return tmp_path


def test_what_only_reads_texts_compiles_no_expression(config: Path) -> None:
    assert [one.form.title.en for one in shipped(config)] == ["t"]
    assert [one.form.fix.ja for one in offered(as_shipped(config), ()).policies] == ["直"]
    with pytest.raises(Refused, match=r"x\.yaml:8:"):
        assemble(config)


def types_of(folder: Path) -> list[ResourceType]:
    for name, text in {"s3/bucket": BUCKET, "kms/key": KEY}.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return load(folder)


class Buckets:
    """A client of an account with one bucket."""

    def pages(self, _service: str, _region: str, op: str, _args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        assert op == "list_buckets", "what the SDK does not have is not asked"
        yield {"Buckets": [{"Name": "ledger"}]}

    def call(self, *_: Any) -> dict[str, Any]:
        raise AssertionError("nothing else is asked")

    def piece(self, *_: Any) -> tuple[bytes, int]:
        raise AssertionError("nothing else is asked")

    def pause(self, seconds: float) -> None: ...
    def forget(self, region: str) -> None: ...


def test_a_type_that_does_not_fit_the_sdk_is_unknown_and_all_others_are_listed(tmp_path: Path) -> None:
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))
    buckets: ReadCloud = Buckets()
    seen = list(AwsCollector(buckets, place, types_of(tmp_path)).collect())
    listings = {one.kind: one.cause for one in seen if isinstance(one, Listing)}
    assert listings == {
        "aws.s3.bucket": "",
        "aws.kms.key": "the type does not fit the SDK: kms has no operation 'list_keys_of_yesterday'",
    }
    assert [one.resource for one in seen if not isinstance(one, Listing)] == ["arn:aws:s3:::ledger"]


def test_such_a_type_is_refused_where_everything_is_checked(config: Path) -> None:
    types_of(config / "types" / "aws" / "types")
    with pytest.raises(Refused) as refused:
        assemble(config, types=config / "types")
    assert str(refused.value.faults[0]).endswith("kms/key.yaml:4:12: kms has no operation 'list_keys_of_yesterday'")


@pytest.mark.parametrize("options", [(), ("function-code",)])
def test_what_is_offered_is_the_same_however_the_catalog_was_read(options: tuple[Any, ...]) -> None:
    """The oracle asks of every policy all that it reads; what is offered asks only those that may read what is not."""
    whole = catalog()
    read = {policy.id: policy.compiled.reads["r"] for policy in whole.policies}
    fields = {type_.name: type_.offered(options).kind.fields for type_ in whole.every_type}
    kept = [p.id for p in whole.policies if read[p.id] <= fields.get(p.form.kind, read[p.id])]
    assert [policy.id for policy in offered(as_shipped(config_folder()), options).policies] == kept
