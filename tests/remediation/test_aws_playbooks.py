"""Each playbook of AWS on the emulator: the policy fails before, passes after, fails again after it is rolled back."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from msgspec import Struct

from catalog.folder import config_folder
from clouds.aws.login import bare_session
from clouds.aws.service_models import operation
from clouds.call_failed import CallFailed
from demo.stand_ins.aws_emulator import Emulator
from model.asset import Asset
from model.call import Call
from pipeline.assembly import assemble_named
from remediation.playbook import playbooks
from tests.changing import ACCOUNT, ChangeDriver, Watched
from tests.conftest import MovingClock
from tests.homes import home_at

REGION = "ap-northeast-1"
Row = dict[str, Any]


def client(service: str) -> Any:
    return boto3.Session(botocore_session=bare_session(None)).client(service, region_name=REGION)


def shown(reply: Mapping[str, Any]) -> Any:
    """Return a reply without what differs each time."""
    return json.loads(
        json.dumps({k: v for k, v in reply.items() if k != "ResponseMetadata"}, default=str, sort_keys=True)
    )


def absent(call: Callable[[], Row], code: str) -> Row:
    try:
        return call()
    except client("s3").exceptions.ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return {"absent": code}


# --- what each playbook finds, and everything around it that has to stay as it is


def a_bucket(name: str) -> None:
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def two_buckets() -> None:
    for name in ("mine", "neighbour"):
        a_bucket(name)
    client("s3").put_bucket_tagging(Bucket="mine", Tagging={"TagSet": [{"Key": "system", "Value": "shop"}]})


OTHER = {"Sid": "Mine", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:*"}
# Spelt as nobody's library does: it comes back letter by letter.
POLICY = (
    '{"Version":"2012-10-17",  "Id":"p","Statement":[\n'
    '{"Sid":"Open","Effect":"Allow","Principal":"*","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::mine/*"},\n'
    f"{json.dumps(OTHER | {'Resource': 'arn:aws:s3:::mine/*'})},\n"
    '{"Sid":"Read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/pub/*"}]}'
)


def a_public_policy() -> None:
    two_buckets()
    client("s3").put_bucket_policy(Bucket="mine", Policy=POLICY)


def an_open_group() -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="web", Description="web servers")["GroupId"]
    world = {"CidrIp": "0.0.0.0/0", "Description": "forgotten"}
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [world]},
            {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        ],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "why", "Value": "test"}]}],
    )
    office = {"CidrIp": "198.51.100.0/24", "Description": "office"}
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [office]},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ],
    )


def rules() -> Any:
    """Return the rules of all groups by content: a rule that comes back gets another id."""
    reported = client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    for rule in reported:
        for name in ("SecurityGroupRuleId", "SecurityGroupRuleArn"):
            rule.pop(name, None)
    return {
        f"{rule.get('FromPort')} {rule.get('CidrIpv4', rule.get('CidrIpv6'))}": rule
        for rule in shown({"_": reported})["_"]
    }


def an_instance() -> None:
    ec2 = client("ec2")
    image = ec2.register_image(Name="base", Architecture="x86_64", RootDeviceName="/dev/sda1")["ImageId"]
    options = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", MetadataOptions=options)


def metadata_options() -> Any:
    reported = client("ec2").describe_instances()
    return shown(reported["Reservations"][0]["Instances"][0]["MetadataOptions"])


def a_weak_password_policy() -> None:
    client("iam").update_account_password_policy(
        MinimumPasswordLength=8, RequireSymbols=True, MaxPasswordAge=90, AllowUsersToChangePassword=True
    )


def an_unused_key() -> None:
    iam = client("iam")
    for name in ("deploy", "neighbour"):
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)


def key_states() -> Any:
    reported = [client("iam").list_access_keys(UserName=name)["AccessKeyMetadata"] for name in ("deploy", "neighbour")]
    return {f"{key['UserName']} {n}": key["Status"] for keys in reported for n, key in enumerate(keys)}


def s3_state(*calls: str) -> Callable[[], Any]:
    def look() -> Any:
        s3 = client("s3")
        absences = {
            "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
            "get_bucket_policy": "NoSuchBucketPolicy",
            "get_bucket_tagging": "NoSuchTagSet",
        }
        return {
            f"{name} {call}": shown(absent(lambda: getattr(s3, call)(Bucket=name), absences.get(call, "")))  # noqa: B023
            for name in ("mine", "neighbour")
            for call in (*calls, "get_bucket_tagging", "get_bucket_acl")
        }

    return look


def account_block() -> Any:
    s3control = client("s3control")
    code = "NoSuchPublicAccessBlockConfiguration"
    return {"block": shown(absent(lambda: s3control.get_public_access_block(AccountId=ACCOUNT), code))}


def password_policy() -> Any:
    return shown(client("iam").get_account_password_policy())["PasswordPolicy"]


class Case(Struct, frozen=True):
    """A fault that is set up, what is looked at before and after, and all of it that differs in between."""

    build: Callable[[], None]
    look: Callable[[], Row]
    changed: set[str]
    name: str = "mine"
    full: bool = True
    unheard: set[str] = set()  # permissions of calls that this case does not lead to


def nothing() -> None:
    pass


CASES = {
    "aws.s3.block-public-access": Case(
        two_buckets, s3_state("get_public_access_block"), {"mine get_public_access_block"}
    ),
    "aws.s3.account-block-public-access": Case(nothing, account_block, {"block"}, ACCOUNT),
    "aws.s3.remove-public-statement": Case(
        a_public_policy,
        s3_state("get_bucket_policy"),
        {"mine get_bucket_policy"},
        unheard={"s3:DeleteBucketPolicy"},  # for a policy that has no other statement
    ),
    "aws.s3.versioning": Case(
        two_buckets, s3_state("get_bucket_versioning"), {"mine get_bucket_versioning"}, full=False
    ),
    "aws.ec2.restrict-ingress": Case(an_open_group, rules, {"22 0.0.0.0/0", "3389 ::/0"}, "web"),
    "aws.ec2.require-imdsv2": Case(an_instance, metadata_options, {"HttpTokens"}, ""),
    "aws.iam.strengthen-password-policy": Case(
        a_weak_password_policy,
        password_policy,
        {"MinimumPasswordLength", "PasswordReusePrevention"},
        ACCOUNT,
        unheard={"iam:DeleteAccountPasswordPolicy"},  # for an account that had none before
    ),
    "aws.iam.deactivate-access-key": Case(an_unused_key, key_states, {"deploy 0"}, "deploy"),
}


def test_each_playbook_of_aws_has_a_case() -> None:
    assert set(CASES) == {id_ for id_ in playbooks() if id_.startswith("aws.")}


@pytest.mark.parametrize("id_", CASES)
def test_it_fails_before_passes_after_and_fails_again_once_it_is_rolled_back(
    id_: str, emulator: Emulator, tmp_path: Any
) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    case = CASES[id_]
    case.build()
    # A credential report is of now, whatever a test's clock says: keys are old enough in a year.
    clock = MovingClock(datetime.now(UTC).replace(year=datetime.now(UTC).year + 1))
    called = list[Call]()
    driver = ChangeDriver(
        home, clock, id_, watch=lambda client: Watched(client, asks=called.append, sends=called.append)
    )
    driver.scan()
    failing = {name for name, f in driver.findings().items() if not case.name or f.name == case.name}
    assert failing
    before = case.look()
    plan = driver.plan(resources=(case.name,) if case.name else ())
    assert driver.run(driver.approve(plan)).popitem()[1] == "verified"
    during = case.look()
    assert {name for name in before | during if before.get(name) != during.get(name)} == case.changed
    assert {driver.findings()[name].state for name in failing} == {"resolved"}
    rollback = driver.rollback(plan)
    assert driver.run(driver.approve(rollback)).popitem()[1] == "verified"
    assert {driver.findings()[name].state for name in failing} == {"reopened"}
    assert (case.look() == before) is case.full
    assert driver.scan().facts == {}, "the next scan sees the same"
    assert {action for call in called for action in actions(call)} == set(playbooks()[id_].needs) - case.unheard


def test_a_group_of_an_instance_is_a_matter_of_two(emulator: Emulator, tmp_path: Any) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    an_open_group()
    ec2 = client("ec2")
    (group,) = ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]
    image = ec2.register_image(Name="base", Architecture="x86_64", RootDeviceName="/dev/sda1")["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SecurityGroupIds=[group["GroupId"]])
    driver = ChangeDriver(home, MovingClock(datetime(2026, 6, 1, tzinfo=UTC)), "aws.ec2.restrict-ingress")
    wanted = {"aws.ec2.ssh-open-to-internet", "aws.ec2.cassandra-exposed-to-internet"}
    driver.catalog = assemble_named(config_folder(), wanted)  # of which one looks at instances too
    driver.scan()
    plan = driver.plan(resources=("web",))
    assert (plan.approvals, len(plan.reasons)) == (2, 1)
    assert plan.reasons[0].en.startswith("in use by i-")


# Where the action is not called as the operation (Service Authorization Reference, Amazon S3: "Actions").
ACTIONS = {
    ("s3", "get_public_access_block"): "s3:GetBucketPublicAccessBlock",
    ("s3", "put_public_access_block"): "s3:PutBucketPublicAccessBlock",
    ("s3", "delete_public_access_block"): "s3:PutBucketPublicAccessBlock",
    ("s3control", "get_public_access_block"): "s3:GetAccountPublicAccessBlock",
    ("s3control", "put_public_access_block"): "s3:PutAccountPublicAccessBlock",
    ("s3control", "delete_public_access_block"): "s3:PutAccountPublicAccessBlock",
}


def actions(call: Call) -> set[str]:
    """Return what a call has to be allowed; tags that are set while something is created are an action of their own."""
    tagged = {"ec2:CreateTags"} if "TagSpecifications" in call.args else set()
    return {ACTIONS.get((call.service, call.op)) or operation(call.service, call.op).action} | tagged


@pytest.mark.parametrize("id_", CASES)
def test_each_permission_exists(id_: str, reference: dict[str, Any]) -> None:
    for need in playbooks()[id_].needs:
        prefix, name = need.split(":")
        assert name in reference[prefix]["privileges"]


class TwoKeys:
    """IAM as it describes a user with two keys that were created at these moments."""

    def __init__(self, *created: str) -> None:
        self._keys = [{"AccessKeyId": f"AKIA{at[-3]}", "CreateDate": at, "Status": "Active"} for at in created]

    def ask(self, call: Call) -> Any:
        assert call.op == "list_access_keys"
        return {"AccessKeyMetadata": self._keys, "IsTruncated": False}

    def send(self, call: Call) -> None:
        raise AssertionError(call)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("seconds", "distinguished"), [(("01", "02"), True), (("01", "01"), False)])
def test_two_keys_of_the_same_second_are_not_distinguished(seconds: tuple[str, str], distinguished: bool) -> None:
    created = [f"2026-01-01T00:00:{second}Z" for second in seconds]
    body = {f"access_key_{n}_active": "true" for n in (1, 2)}
    body |= {f"access_key_{n}_last_rotated": at for n, at in enumerate(created, 1)}
    arn = f"arn:aws:iam::{ACCOUNT}:user/deploy"
    asset = Asset("aws.iam.credential-report", arn, "deploy", ACCOUNT, "global", body, "")
    playbook = playbooks()["aws.iam.deactivate-access-key"]
    if distinguished:
        assert playbook.state(playbook.read(TwoKeys(*created), asset))
    else:
        with pytest.raises(CallFailed):
            playbook.read(TwoKeys(*created), asset)
