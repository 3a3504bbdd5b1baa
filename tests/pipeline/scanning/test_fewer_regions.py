"""A look at some of an account's regions: what lies in the others is not taken for absent."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from clouds.call_failed import CallFailed
from collectors.aws.collector import AwsCollector
from detectors.posture.judge import Moment
from model.asset import Place
from model.finding import Verdict
from pipeline.assembly import assemble_named
from pipeline.checkov_process import NotInstalled
from pipeline.scanning.survey import survey
from tests.conftest import MovingClock
from tests.readers import known
from tests.recorded_clouds import Replies, types_of

ACCOUNT = "123456789012"
TOKYO, VIRGINIA, IRELAND = "ap-northeast-1", "us-east-1", "eu-west-1"


def verdicts_of(replies: Replies, place: Place) -> dict[tuple[str, str], Verdict]:
    collector = AwsCollector(replies, place, types_of(known(), "aws"))
    seen = survey(collector, replace(known(), adopted=()), Moment(MovingClock().now()), NotInstalled())
    return {(verdict.policy, verdict.finding_uid): verdict for each in seen for verdict in each.verdicts}


@pytest.mark.parametrize("region", [TOKYO, VIRGINIA])
def test_fewer_regions_turn_verdicts_into_unknown_alone(replies: Replies, region: str) -> None:
    whole = verdicts_of(replies, replies.place)
    part = verdicts_of(replies, replace(replies.place, regions=(region,), partial=True))
    assert {verdict.region for verdict in part.values()} == {"global", region}
    changed = {key: verdict for key, verdict in part.items() if verdict.status not in (whole[key].status, "unknown")}
    assert not changed
    shown = {key for key, v in whole.items() if v.region in ("global", region) or v.kind == "aws.cloudtrail.trail"}
    assert part.keys() == shown, "a trail of all regions has a replica in each"


class Trails:
    """An account with trails, each with its home: other regions list replicas of those of many regions."""

    def __init__(self, *trails: dict[str, Any]) -> None:
        self._trails = trails
        self.asked = set[tuple[str, str]]()

    def pages(self, _service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        match op:
            case "describe_trails":
                near = [t for t in self._trails if t["HomeRegion"] == region or t["IsMultiRegionTrail"]]
                yield {"trailList": near}
            case "list_buckets":
                yield {"Buckets": [{"Name": "logs"}]}
            case "describe_metric_filters":
                yield {"metricFilters": []}
            case "describe_alarms":
                yield {"MetricAlarms": []}
            case "list_topics":
                yield {"Topics": []}
            case "describe_regions":
                yield {"Regions": [{"RegionName": name} for name in args["RegionNames"]]}
            case _:
                raise AssertionError(op)

    def call(self, _service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        name = args.get("Name") or args.get("TrailName")
        if isinstance(name, str) and name.split(":")[3:4] not in ([], [region]):
            raise CallFailed("TrailNotFoundException")
        self.asked.add((op, region))
        replies: dict[str, Any] = {
            "get_trail_status": {"IsLogging": True},
            "get_event_selectors": {
                "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
            },
            "get_account_summary": {"SummaryMap": {}},
            "get_bucket_location": {"LocationConstraint": None},
            "get_bucket_logging": {},
            "get_bucket_acl": {"Grants": []},
        }
        return dict(replies.get(op, {}))

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NotImplementedError

    def pause(self, seconds: float) -> None: ...

    def forget(self, region: str) -> None: ...


def trail(name: str, home: str, account: str = ACCOUNT, *, everywhere: bool = True, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:cloudtrail:{home}:{account}:trail/{name}"
    own = {"Name": name, "TrailARN": arn, "HomeRegion": home, "IsMultiRegionTrail": everywhere, "S3BucketName": "logs"}
    return own | {"LogFileValidationEnabled": True, "IsOrganizationTrail": account != ACCOUNT} | more


def said(cloud: Trails, policy: str, *regions: str, partial: bool = True) -> dict[str, str]:
    """Return what a policy says of each resource of the regions, by name; alone, it is asked for less."""
    place = Place(ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "aws", regions, partial=partial)
    catalog = assemble_named(config_folder(), [policy])
    seen = survey(
        AwsCollector(cloud, place, types_of(catalog, "aws")), catalog, Moment(MovingClock().now()), NotInstalled()
    )
    return {f"{verdict.name} {verdict.region}": verdict.status for each in seen for verdict in each.verdicts}


VALIDATION = "aws.cloudtrail.log-file-validation-off"
LOGGED = "aws.cloudtrail.log-bucket-access-logging-off"
RECORDED = "aws.cloudtrail.region-without-trail"
ALARM = "aws.cloudwatch.no-alarm-for-root-use"
GROUP: dict[str, Any] = {"CloudWatchLogsLogGroupArn": f"arn:aws:logs:{VIRGINIA}:{ACCOUNT}:log-group:trail:*"}
ALL = trail("all", VIRGINIA)


@pytest.mark.parametrize(
    ("trails", "policy", "regions", "expected"),
    [
        ([ALL], VALIDATION, [VIRGINIA], {"all us-east-1": "pass"}),
        # Where nobody looks at its home, it is judged by its replica, once.
        ([ALL], VALIDATION, [TOKYO], {"all ap-northeast-1": "pass"}),
        ([ALL], VALIDATION, [TOKYO, IRELAND], {"all ap-northeast-1": "pass"}),
        ([ALL], VALIDATION, [TOKYO, VIRGINIA], {"all us-east-1": "pass"}),
        ([trail("all", VIRGINIA, LogFileValidationEnabled=False)], VALIDATION, [TOKYO], {"all ap-northeast-1": "fail"}),
        ([trail("one", VIRGINIA, everywhere=False)], VALIDATION, [TOKYO], {}),
        ([trail("org", TOKYO, "999999999999")], VALIDATION, [TOKYO], {}),
        ([trail("org", VIRGINIA, "999999999999")], VALIDATION, [TOKYO], {}),
        # Its bucket is listed, wherever it lies.
        ([ALL], LOGGED, [TOKYO], {"all ap-northeast-1": "fail"}),
        ([ALL], RECORDED, [TOKYO], {f"{TOKYO} {TOKYO}": "pass"}),
        ([trail("org", VIRGINIA, "999999999999")], RECORDED, [TOKYO], {f"{TOKYO} {TOKYO}": "pass"}),
        ([trail("one", VIRGINIA, everywhere=False)], RECORDED, [TOKYO], {f"{TOKYO} {TOKYO}": "fail"}),
        ([trail("one", TOKYO, everywhere=False)], RECORDED, [TOKYO], {f"{TOKYO} {TOKYO}": "pass"}),
        ([trail("all", VIRGINIA, **GROUP)], ALARM, [TOKYO], {f"{ACCOUNT} global": "unknown"}),
        ([trail("all", VIRGINIA, **GROUP)], ALARM, [VIRGINIA], {f"{ACCOUNT} global": "fail"}),
        ([ALL], ALARM, [TOKYO], {f"{ACCOUNT} global": "fail"}),
    ],
)
def test_what_lies_elsewhere(
    trails: list[dict[str, Any]], policy: str, regions: list[str], expected: dict[str, str]
) -> None:
    assert said(Trails(*trails), policy, *regions) == expected


def test_a_trail_is_asked_where_it_lives() -> None:
    cloud = Trails(ALL)
    said(cloud, RECORDED, TOKYO)
    assert ("get_trail_status", VIRGINIA) in cloud.asked
    assert ("get_trail_status", TOKYO) not in cloud.asked
