"""Who we are in a customer's logs, by the tenant's file."""

import pytest

from intake.own import own_of
from model.tenant import (
    AwsLogs,
    AwsOrganization,
    AwsScope,
    AwsWrite,
    AzureDirectory,
    AzureWrite,
    GcpAccess,
    GcpWrite,
    Tenant,
)
from model.text import Text

CLIENT, WRITING = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
READER, WRITER = "reader@p.iam.gserviceaccount.com", "writer@p.iam.gserviceaccount.com"
TENANT = Tenant(
    "aozora",
    Text("Aozora", "あおぞら"),
    scopes=[
        AwsScope(
            "123456789012",
            role="arn:aws:iam::123456789012:role/security/hinomi-read",
            write=AwsWrite(role="arn:aws:iam::123456789012:role/hinomi-write"),
        ),
        AwsScope("210987654321", profile="their-own"),
    ],
    organizations=[AwsOrganization("999999999999", "arn:aws:iam::999999999999:role/lists", "member", "member-write")],
    logs=[
        AwsLogs(
            "aws.cloudtrail",
            "123456789012",
            "https://sqs.ap-northeast-1.amazonaws.com/123456789012/trail",
            ["aozora-trail"],
            role="arn:aws:iam::123456789012:role/hinomi-logs",
        )
    ],
    azure=[AzureDirectory(CLIENT, client=CLIENT, write=AzureWrite(WRITING))],
    google=[GcpAccess(["p"], impersonate=READER, write=GcpWrite(impersonate=WRITER)), GcpAccess(["q"])],
)


@pytest.mark.parametrize(
    ("principal", "ours"),
    [
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: without the role's path
        ("arn:aws:sts::123456789012:assumed-role/hinomi-read/hinomi", True),
        ("arn:aws:sts::123456789012:assumed-role/hinomi-write/hinomi", True),
        ("arn:aws:sts::123456789012:assumed-role/hinomi-logs/hinomi", True),
        ("arn:aws:sts::210987654321:assumed-role/hinomi-read/hinomi", False),
        ("arn:aws:sts::123456789012:assumed-role/hinomi-read2/hinomi", False),
        ("arn:aws:iam::123456789012:user/hinomi-read", False),
        ("arn:aws:sts::999999999999:assumed-role/lists/x", True),
        ("arn:aws:sts::555555555555:assumed-role/member/x", True),
        ("arn:aws:sts::555555555555:assumed-role/member-write/x", True),
        (CLIENT, True),
        (WRITING, True),
        (READER, True),
        (WRITER, True),
        ("mio@example.com", False),
        ("", False),
    ],
)
def test_a_principal_of_an_event_is_ours_or_is_not(principal: str, ours: bool) -> None:
    assert own_of(TENANT).has(principal) is ours
