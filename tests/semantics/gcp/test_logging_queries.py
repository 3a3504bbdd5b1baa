"""Queries of Cloud Logging, read and compared. Examples follow the documentation of the Logging query language."""

import pytest

from semantics.gcp.logging_queries import NoQuery, alternatives, catches

FIREWALL = 'resource.type="gce_firewall_rule" AND protoPayload.methodName:"compute.firewalls.insert"'
ROLE = 'resource.type="iam_role" AND protoPayload.methodName="google.iam.admin.v1.CreateRole"'
BUCKET = 'resource.type="gcs_bucket" AND protoPayload.methodName="storage.setIamPermissions"'
LOGGED = ROLE + ' AND logName="projects/aozora/logs/cloudaudit.googleapis.com%2Factivity"'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("resource.type = gce_instance", ['resource.type="gce_instance"']),
        ("a=1 AND b=2 OR c=3", ['a="1" AND b="2"', 'a="1" AND c="3"']),  # OR binds closer than AND
        ("a=1 b:2\nc:*", ['a="1" AND b:"2" AND c:*']),
        ("(a=1 AND b=2) OR c=3", ['a="1" AND b="2"', 'c="3"']),
        ("a=(1 OR 2)", ['a="1"', 'a="2"']),
        ("a:(1 AND NOT 2)", ['a:"1" AND NOT a:"2"']),
        ("NOT (a=1 OR b!=2)", ['NOT a="1" AND b="2"']),
        ("-a=1", ['NOT a="1"']),
        ("a=-1", ['a="-1"']),
        ("a=1 -- a comment\n-- another (\nb=2 --", ['a="1" AND b="2"']),
        ('labels."k8s-pod/app"="web"', ['labels."k8s-pod/app"="web"']),
        ('"unicorn phoenix"', ['"unicorn phoenix"']),
        (r'a="say \"hi\""', [r'a="say \"hi\""']),
        ('log_id("cloudaudit.googleapis.com/activity")', ['logName:"/logs/cloudaudit.googleapis.com%2Factivity"']),
    ],
)
def test_queries_are_read_by_their_grammar(query: str, expected: list[str]) -> None:
    assert alternatives(query) == expected
    assert all(alternatives(alternative) == [alternative] for alternative in expected if "NOT" not in alternative)


@pytest.mark.parametrize(
    "query",
    [
        *("", "   ", "-- only a comment", "(a=1", "a=1)", "a=", "=1", "a=1 OR", "AND a=1", "a=AND", 'a="open'),
        *("a=(b=1)", "sample(insertId, 0.1)", "(" * 5000 + "a", "-" + "x" * 30_000),
        " AND ".join(["(a=1 OR a=2)"] * 11),
    ],
)
def test_what_is_no_query_is_reported_and_finds_nothing(query: str) -> None:
    with pytest.raises(NoQuery):
        alternatives(query)
    if "AND (" not in query:
        assert not catches(query, ROLE)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (ROLE, ROLE),
        ('protoPayload.methodName="google.iam.admin.v1.CreateRole"', ROLE),
        ("protopayload.methodname=GOOGLE.IAM.ADMIN.V1.CREATEROLE", ROLE),
        ('resource.type = "iam_role"', ROLE),
        ('resource.type=("iam_role" OR "gcs_bucket")', ROLE),
        ('protoPayload.methodName=~"^google\\.iam\\.admin\\.v1\\.(Create|Delete)Role$"', ROLE),
        ('protoPayload.methodName=~"CreateRole"', ROLE),
        ("resource.type=iam_role AND NOT resource.type=gcs_bucket", ROLE),
        ('resource.type=iam_role protoPayload.methodName!="storage.setIamPermissions"', ROLE),
        ('resource.type=iam_role AND protoPayload.methodName!~"List|Get"', ROLE),
        ("CreateRole", ROLE),
        ("protoPayload:*", ROLE),
        ('protoPayload.methodName:"firewalls"', FIREWALL),
        ('protoPayload.methodName=~"compute.firewalls.(insert|patch)"', FIREWALL),
        ('protoPayload.methodName:("compute.firewalls.insert" OR "compute.firewalls.patch")', FIREWALL),
        (f'({BUCKET}) OR ({FIREWALL}) OR severity="ERROR"', BUCKET),
        ('log_id("cloudaudit.googleapis.com/activity") AND resource.type="iam_role"', LOGGED),
        ('logName:"cloudaudit.googleapis.com" AND resource.type="iam_role"', LOGGED),
    ],
)
def test_a_query_that_says_no_more_finds_it(query: str, wanted: str) -> None:
    assert catches(query, wanted)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (ROLE + ' AND protoPayload.authenticationInfo.principalEmail="a@aozora.example"', ROLE),
        (ROLE + " AND severity>=ERROR", ROLE),
        (ROLE + " AND NOT severity=NOTICE", ROLE),
        ("NOT (" + ROLE + ")", ROLE),
        ('protoPayload.methodName="google.iam.admin.v1.DeleteRole"', ROLE),
        ('protoPayload.methodName="CreateRole"', ROLE),
        ("resource.type!=iam_role", ROLE),
        ('resource.type=gcs_bucket OR "unicorn"', ROLE),
        ('protoPayload.methodName="compute.firewalls.insert"', FIREWALL),  # v1.compute.firewalls.insert is another
        ('protoPayload.methodName=~"^compute.firewalls.insert"', FIREWALL),
        ('protoPayload.methodName!="storage.setIamPermissions"', FIREWALL),
        ('protoPayload.methodName=~"createrole"', ROLE),  # regular expressions mind the case
        ('protoPayload.methodName=~"(a+)+CreateRole"', ROLE),  # understood is what cannot run away
        ('protoPayload.methodName=~"["', ROLE),
        ('resource.type=iam_role AND logName="projects/other/logs/cloudaudit.googleapis.com%2Factivity"', LOGGED),
        ('log_id("cloudaudit.googleapis.com/data_access")', LOGGED),
        (ROLE, f"({ROLE}) OR ({BUCKET})"),  # one of two alternatives is not both
    ],
)
def test_a_query_that_asks_for_more_does_not(query: str, wanted: str) -> None:
    assert not catches(query, wanted)


def test_ownership_query_of_the_benchmark_reads_with_or_before_and() -> None:
    query = (
        '(protoPayload.serviceName="cloudresourcemanager.googleapis.com") AND (ProjectOwnership OR projectOwnerInvitee)'
        ' OR (protoPayload.serviceData.policyDelta.bindingDeltas.action="REMOVE"'
        ' AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner")'
    )
    found = alternatives(query)
    assert len(found) == 3
    assert all(one.startswith('protoPayload.serviceName="cloud') for one in found)
