"""An account of about 900 resources in 14 services, built by real API calls: some sound, some faulty."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from demo.stand_ins.aws_emulator import ACCOUNT, Emulator

REGION = "ap-northeast-1"
_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_ROLE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

Call = Callable[..., dict[str, Any]]


def build(emulator: Emulator, times: int = 1) -> int:
    """Make the account, `times` as large; return the number of resources."""

    def call(service: str, op: str, **args: Any) -> dict[str, Any]:
        reply: dict[str, Any] = getattr(emulator.client(service, REGION), op)(**args)
        return reply

    return sum(sum(1 for _ in part(call, times)) for part in _PARTS)


def _network(call: Call, times: int) -> Iterator[None]:
    """EC2: security groups, instances, volumes, snapshots, in a VPC of their own."""
    vpc = call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [_subnet(call, vpc, n) for n in range(16)]
    groups = [_group(call, vpc, n) for n in range(60 * times)]
    yield from [None] * (1 + len(subnets) + len(groups))
    for n, group in zip(range(60 * times), cycle(groups)):
        tokens = "required" if n % 3 else "optional"
        call(
            "ec2",
            "run_instances",
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnets[n % len(subnets)],
            SecurityGroupIds=[group],
            MetadataOptions={"HttpTokens": tokens},
        )
        yield
    for n in range(80 * times):
        made = call("ec2", "create_volume", AvailabilityZone=f"{REGION}a", Size=8, Encrypted=bool(n % 4))
        yield
        if n % 2:
            _snapshot(call, made["VolumeId"], public=n % 10 == 1)
            yield


def _subnet(call: Call, vpc: str, n: int) -> str:
    zone = f"{REGION}{'acd'[n % 3]}"
    made = call("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]
    call("ec2", "modify_subnet_attribute", SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": n % 4 == 0})
    return str(made["SubnetId"])


def _group(call: Call, vpc: str, n: int) -> str:
    group = str(call("ec2", "create_security_group", GroupName=f"g{n}", Description=f"group {n}", VpcId=vpc)["GroupId"])
    ports = (22, 443, 3389, 8080, 9200)[n % 5]
    source = "0.0.0.0/0" if n % 3 == 0 else f"10.{n % 200}.0.0/16"
    allowed = {"IpProtocol": "tcp", "FromPort": ports, "ToPort": ports, "IpRanges": [{"CidrIp": source}]}
    call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=[allowed])
    return group


def _snapshot(call: Call, volume: str, *, public: bool) -> None:
    made = call("ec2", "create_snapshot", VolumeId=volume)["SnapshotId"]
    if public:
        permission = {"Attribute": "createVolumePermission", "OperationType": "add", "GroupNames": ["all"]}
        call("ec2", "modify_snapshot_attribute", SnapshotId=made, **permission)


def _buckets(call: Call, times: int) -> Iterator[None]:
    for n in range(80 * times):
        name = f"bench-bucket-{n}"
        call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if n % 2:
            call("s3", "put_public_access_block", Bucket=name, PublicAccessBlockConfiguration=_BLOCKED)
        if n % 3 == 0:
            call("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if n % 4 == 0:
            call("s3", "put_bucket_policy", Bucket=name, Policy=_bucket_policy(name, n))
        if n % 10 == 6:
            call("s3", "put_bucket_acl", Bucket=name, ACL="public-read-write")
        yield


def _bucket_policy(name: str, n: int) -> str:
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    encrypted = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    shared = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "s3:GetObject",
        "Resource": resources[1],
    }
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": resources[1]}
    return json.dumps({"Version": "2012-10-17", "Statement": [(encrypted, shared, public)[n // 4 % 3]]})


def _people(call: Call, times: int) -> Iterator[None]:
    """IAM: users with keys and passwords, roles, managed policies."""
    for n in range(40 * times):
        user = f"user-{n}"
        call("iam", "create_user", UserName=user)
        for _ in range(n % 3):
            call("iam", "create_access_key", UserName=user)
        if n % 4 == 0:
            call("iam", "create_login_profile", UserName=user, Password="not-A-secret-1")  # noqa: S106 - nobody's
        if n % 5 == 0:
            call("iam", "put_user_policy", UserName=user, PolicyName="own", PolicyDocument=_document(n))
        yield
    for n in range(30 * times):
        call("iam", "create_role", RoleName=f"role-{n}", AssumeRolePolicyDocument=_ROLE)
        made = call("iam", "create_policy", PolicyName=f"policy-{n}", PolicyDocument=_document(n))["Policy"]["Arn"]
        call("iam", "attach_role_policy", RoleName=f"role-{n}", PolicyArn=made)
        if n % 6 == 0:
            call("iam", "put_role_policy", RoleName=f"role-{n}", PolicyName="own", PolicyDocument=_document(n))
        yield from (None, None)


def _document(n: int) -> str:
    what = ("*", "*") if n % 10 == 0 else ("s3:GetObject", f"arn:aws:s3:::bench-bucket-{n}/*")
    statement = {"Effect": "Allow", "Action": what[0], "Resource": what[1]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _databases(call: Call, times: int) -> Iterator[None]:
    for n in range(30 * times):
        name = f"db-{n}"
        call(
            "rds",
            "create_db_instance",
            DBInstanceIdentifier=name,
            Engine="postgres",
            DBInstanceClass="db.t3.micro",
            AllocatedStorage=20,
            MasterUsername="owner",
            MasterUserPassword="not-a-secret-1",
            StorageEncrypted=bool(n % 3),
            PubliclyAccessible=n % 5 == 0,
            MultiAZ=bool(n % 2),
            AutoMinorVersionUpgrade=bool(n % 4),
        )
        yield
        if n % 2:
            call("rds", "create_db_snapshot", DBInstanceIdentifier=name, DBSnapshotIdentifier=f"{name}-snapshot")
            yield
    for n in range(60 * times):
        call(
            "dynamodb",
            "create_table",
            TableName=f"table-{n}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield


def _keys_and_secrets(call: Call, times: int) -> Iterator[None]:
    for n in range(60 * times):
        key = call("kms", "create_key", Description=f"key {n}")["KeyMetadata"]["KeyId"]
        if n % 2:
            call("kms", "enable_key_rotation", KeyId=key)
        if n % 12 == 0:
            call("kms", "put_key_policy", KeyId=key, PolicyName="default", Policy=_open("kms:*", "*"))
        if n % 20 == 7:
            call("kms", "schedule_key_deletion", KeyId=key)
        yield
    for n in range(40 * times):
        name = f"secret-{n}"
        made = call("secretsmanager", "create_secret", Name=name, SecretString="not-a-secret")["ARN"]
        if n % 8 == 0:
            policy = _open("secretsmanager:GetSecretValue", made)
            call("secretsmanager", "put_resource_policy", SecretId=made, ResourcePolicy=policy)
        yield


def _open(action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _machinery(call: Call, times: int) -> Iterator[None]:
    """Queues, topics, functions."""
    for n in range(60 * times):
        own: dict[str, str] = {} if n % 5 else {"Policy": _open("sqs:SendMessage", "*")}
        call("sqs", "create_queue", QueueName=f"queue-{n}", Attributes=own)
        topic = {"KmsMasterKeyId": "alias/aws/sns"} if n % 2 else {}
        made = call("sns", "create_topic", Name=f"topic-{n}", Attributes=topic)["TopicArn"]
        if n % 6 == 0:
            policy = _open("sns:Publish", made)
            call("sns", "set_topic_attributes", TopicArn=made, AttributeName="Policy", AttributeValue=policy)
        yield from (None, None)
    role = f"arn:aws:iam::{ACCOUNT}:role/role-0"
    for n in range(60 * times):
        name = f"function-{n}"
        call(
            "lambda",
            "create_function",
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="main.handle",
            Code={"ZipFile": _zipped()},
        )
        if n % 4 == 0:
            who = "*" if n % 8 == 0 else "210987654321"
            call("lambda", "add_permission", FunctionName=name, StatementId="s", Action="lambda:Invoke*", Principal=who)
        yield


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), "def handle(event, context): ...")
    return file.getvalue()


def _others(call: Call, times: int) -> Iterator[None]:
    """Trails, load balancers, repositories, clusters."""
    for n in range(4):
        name = f"trail-{n}"
        multi = {"IsMultiRegionTrail": n == 0, "EnableLogFileValidation": n % 2 == 0}
        call("cloudtrail", "create_trail", Name=name, S3BucketName=f"bench-bucket-{n}", **multi)
        call("cloudtrail", "start_logging", Name=name)
        yield
    subnets = [s["SubnetId"] for s in call("ec2", "describe_subnets")["Subnets"]][-3:]
    for n in range(20 * times):
        call("elbv2", "create_load_balancer", Name=f"lb-{n}", Subnets=subnets, Type="application")
        yield
    for n in range(40 * times):
        call("ecr", "create_repository", repositoryName=f"repository-{n}")
        yield
    for n in range(10 * times):
        vpc = {"subnetIds": subnets}
        role = f"arn:aws:iam::{ACCOUNT}:role/role-1"
        call("eks", "create_cluster", name=f"cluster-{n}", roleArn=role, resourcesVpcConfig=vpc)
        yield


_PARTS = (_network, _buckets, _people, _databases, _keys_and_secrets, _machinery, _others)
