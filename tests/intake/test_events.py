"""Events come out equal, whatever they were wrapped in; their parts are where the provider's reference says."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from intake.envelopes import ENVELOPES
from model import canonical
from model.log_source import ENVELOPE_KEYS
from tests.intake.sources import brief, events, taken

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
CLOUDTRAIL = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/Mateo", "userName": "Mateo"},
    "eventTime": "2023-07-19T21:17:28Z",
    "eventSource": "cloudtrail.amazonaws.com",
    "eventName": "StopLogging",
    "responseElements": None,
    "eventID": "EXAMPLE8-9621-4d00-b913-beca2EXAMPLE",
}
# https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
ACTIVITY = {
    "time": "2019-01-21T22:14:26.9792776Z",
    "operationName": "microsoft.support/supporttickets/write",
    "identity": {
        "claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "admin@contoso.com", "name": "Admin"}
    },
    "properties": {"statusCode": "Created"},
}
ACTIVITY_BY_REST = {
    "eventTimestamp": "2018-01-29T20:42:31.3810679Z",
    "eventDataId": "69db115c-45a1-4a91-b0d7-1d9c4f5f5a2d",
    "operationName": {"value": "Microsoft.Authorization/roleAssignments/write", "localizedValue": "Create assignment"},
    "caller": "admin@contoso.com",
}
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs
SIGN_IN = {
    "time": "2019-03-12T16:02:15.5522137Z",
    "operationName": "Sign-in activity",
    "resultType": "50053",
    "properties": {"id": "66ea54eb-6301-4ee5-be62-ff5a759b0100", "userPrincipalName": "test@contoso.com"},
}
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs
AUDIT = {
    "time": "2019-10-18T15:30:51.0273716Z",
    "operationName": "Add member to role",
    "properties": {
        "id": "Directory_2cd8b8c0_GZ6XU",
        "initiatedBy": {"user": None, "app": {"displayName": "Sync", "servicePrincipalId": "b1c34143"}},
    },
}
# https://cloud.google.com/logging/docs/audit/understanding-audit-logs#sample
GOOGLE = {
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "user@example.com"},
        "methodName": "SetIamPolicy",
    },
    "insertId": "53179D9A9B559.AD6ACC7.B40604EF",
    "timestamp": "2019-05-27T16:24:56.135Z",
    "logName": "projects/my-gcp-project-id/logs/cloudaudit.googleapis.com%2Factivity",
}
# https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
KUBERNETES = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "c5f48f91-d4da-4659-97eb-56bdbcd0817c",
    "stage": "ResponseComplete",
    "verb": "create",
    "user": {"username": "kubernetes-admin"},
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "default"},
    "requestReceivedTimestamp": "2024-05-01T10:00:00.000001Z",
    "stageTimestamp": "2024-05-01T10:00:00.250000Z",
}


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def subscription(*messages: str, kind: str = "DATA_MESSAGE") -> bytes:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""
    listed = [{"id": str(n), "timestamp": 1432826855000, "message": message} for n, message in enumerate(messages)]
    about = {"owner": "123456789012", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"]}
    return text({"messageType": kind, **about, "logEvents": listed})


def aks(event: dict[str, Any]) -> dict[str, Any]:
    operation = "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read"
    return {"category": "kube-audit", "operationName": operation, "properties": {"log": text(event).decode()}}


@pytest.mark.parametrize(
    ("source", "event", "expected"),
    [
        (
            "aws.cloudtrail",
            CLOUDTRAIL,
            (
                "EXAMPLE8-9621-4d00-b913-beca2EXAMPLE",
                "2023-07-19T21:17:28.000000Z",
                "StopLogging",
                "arn:aws:iam::123456789012:user/Mateo",
                True,
            ),
        ),
        (
            "azure.activity",
            ACTIVITY,
            (
                None,
                "2019-01-21T22:14:26.979277Z",
                "microsoft.support/supporttickets/write",
                "admin@contoso.com",
                False,
            ),
        ),
        (
            "azure.activity",
            ACTIVITY_BY_REST,
            (
                "69db115c-45a1-4a91-b0d7-1d9c4f5f5a2d",
                "2018-01-29T20:42:31.381067Z",
                "Microsoft.Authorization/roleAssignments/write",
                "admin@contoso.com",
                True,
            ),
        ),
        (
            "azure.signin",
            SIGN_IN,
            (
                "66ea54eb-6301-4ee5-be62-ff5a759b0100",
                "2019-03-12T16:02:15.552213Z",
                "Sign-in activity 50053",
                "test@contoso.com",
                True,
            ),
        ),
        (
            "azure.audit",
            AUDIT,
            ("Directory_2cd8b8c0_GZ6XU", "2019-10-18T15:30:51.027371Z", "Add member to role", "Sync", True),
        ),
        (
            "gcp.audit",
            GOOGLE,
            (
                "53179D9A9B559.AD6ACC7.B40604EF 2019-05-27T16:24:56.135Z "
                "projects/my-gcp-project-id/logs/cloudaudit.googleapis.com%2Factivity",
                "2019-05-27T16:24:56.135000Z",
                "SetIamPolicy",
                "user@example.com",
                True,
            ),
        ),
        (
            "kubernetes.audit",
            KUBERNETES,
            (
                "c5f48f91-d4da-4659-97eb-56bdbcd0817c ResponseComplete",
                "2024-05-01T10:00:00.250000Z",
                "create pods/exec",
                "kubernetes-admin",
                True,
            ),
        ),
    ],
)
def test_parts_are_found_where_the_reference_has_them(source: str, event: dict[str, Any], expected: Any) -> None:
    (found,) = events(source, text(event))
    id_ = expected[0] or canonical.digest(event)
    assert (found.id, found.at, found.type, found.principal, found.critical) == (id_, *expected[1:])
    assert (found.position, found.raw) == ("1", text(event))


Wrap = Callable[[dict[str, Any]], bytes]
WRAPPED: list[tuple[str, dict[str, Any], Wrap, str]] = [
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: text({"Records": [e]}), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: gzip.compress(text({"Records": [e]}), mtime=0), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: zlib.compress(text({"Records": [e]})), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: b"\xef\xbb\xbf" + text(e), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: text([e]), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: json.dumps({"Records": [e]}, indent=2).encode(), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: json.dumps(e, indent=2).encode() + b"\n", "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: text({"EventId": "x", "CloudTrailEvent": text(e).decode()}), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: text({"Events": [{"CloudTrailEvent": text(e).decode()}]}), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: subscription(text(e).decode()), "1"),
    ("aws.cloudtrail", CLOUDTRAIL, lambda e: b"\n\n" + text({"Records": [e]}) + b"\r\n\n", "1"),
    *(
        (source, event, lambda e: text({"records": [e]}), "1")
        for source, event in (("azure.activity", ACTIVITY), ("azure.signin", SIGN_IN), ("azure.audit", AUDIT))
    ),
    ("kubernetes.audit", KUBERNETES, lambda e: text(aks(e)), "1"),
    ("kubernetes.audit", KUBERNETES, lambda e: text({"records": [aks(e)]}), "1"),
    ("kubernetes.audit", KUBERNETES, lambda e: subscription(text(e).decode()), "1"),
    ("gcp.audit", GOOGLE, lambda e: text([e]), "1"),
    ("gcp.audit", GOOGLE, lambda e: json.dumps([e], indent=4).encode(), "1"),
]


@pytest.mark.parametrize(("source", "event", "wrap", "position"), WRAPPED)
def test_twins_are_equal(source: str, event: dict[str, Any], wrap: Wrap, position: str) -> None:
    (bare,), (found,) = events(source, text(event)), events(source, wrap(event))
    assert canonical.encode(msgspec.json.decode(found.raw)) == canonical.encode(event)
    assert msgspec.structs.replace(found, raw=b"") == msgspec.structs.replace(bare, raw=b"", position=position)


def test_every_envelope_is_taken_off_by_some_source() -> None:
    assert ENVELOPES.keys() == ENVELOPE_KEYS.keys()


def event(number: int) -> dict[str, Any]:
    return {"eventID": f"e{number}", "eventName": "GetObject"}


ONE, TWO, THREE = (text(event(number)) for number in (1, 2, 3))
LIST = b'{"Records":[' + ONE + b"," + TWO + b"]}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n\n\t", []),
        (b'{"Records":[]}', []),
        (gzip.compress(b"", mtime=0), []),
        (ONE + b"\n" + TWO, [("1", "e1"), ("2", "e2")]),
        (b"\n" + ONE + b"\n\n" + TWO + b"\n", [("2", "e1"), ("4", "e2")]),
        (LIST, [("1", "e1"), ("2", "e2")]),
        (LIST + b"\n" + THREE, [("1.1", "e1"), ("1.2", "e2"), ("2", "e3")]),
        (THREE + b"\n" + LIST, [("1", "e3"), ("2.1", "e1"), ("2.2", "e2")]),
        (ONE + TWO + b" " + THREE, [("1", "e1"), ("2", "e2"), ("3", "e3")]),
        (ONE + TWO + b"\n" + THREE, [("1.1", "e1"), ("1.2", "e2"), ("2", "e3")]),
        (b"[" + LIST + b"," + THREE + b"]", [("1.1", "e1"), ("1.2", "e2"), ("2", "e3")]),
        (b"[\n" + ONE + b",\n" + TWO + b"\n]\n", [("1", "e1"), ("2", "e2")]),
        (b'{"Records": [\n' + ONE + b"\n,\n" + TWO + b"\n]}\n" + THREE, [("1.1", "e1"), ("1.2", "e2"), ("6", "e3")]),
        (
            json.dumps(event(1), indent=1).encode() + b"\n" + json.dumps(event(2), indent=1).encode(),
            [("1", "e1"), ("5", "e2")],
        ),
        (gzip.compress(ONE + b"\n", mtime=0) + gzip.compress(TWO, mtime=0), [("1", "e1"), ("2", "e2")]),
        (gzip.compress(ONE, mtime=0) + b"\0" * 9, [("1", "e1")]),
        (subscription("", kind="CONTROL_MESSAGE"), [("1", "control")]),
        (b'{"eventID":"old","eventID":"new"}', [("1", "new")]),
    ],
)
def test_positions_are_lines_or_places_in_the_list(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert brief("aws.cloudtrail", data) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2024-05-01T10:00:00+09:00", "2024-05-01T01:00:00.000000Z"),
        ("2025-01-15 09:30:25.123", "2025-01-15T09:30:25.123000Z"),
        ("2021-10-19T02:57:47.834659236Z", "2021-10-19T02:57:47.834659Z"),
        ("redacted", ""),
        ("2024-05-01", ""),
        ("2024-13-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00+09:00", ""),
        ("1969-12-31T23:59:59Z", ""),
    ],
)
def test_times_are_utc_or_none(time: str, expected: str) -> None:
    assert [one.at for one in events("aws.cloudtrail", text({"eventTime": time}))] == [expected]


def test_an_event_without_id_has_one_of_what_it_says() -> None:
    spellings = (b'{"eventName":"A","x":{"a":1,"b":[2]}}', b'{ "x": {"b":[2],"a":1}, "eventName":"\\u0041"}')
    ids = {one.id for data in spellings for one in events("aws.cloudtrail", data)}
    assert len(ids) == 1
    assert ids != {events("aws.cloudtrail", b'{"eventName":"B","x":{"a":1,"b":[2]}}')[0].id}


def test_case_does_not_hide_what_is_critical() -> None:
    types = ("MICROSOFT.AUTHORIZATION/ELEVATEACCESS/ACTION", "Microsoft.Compute/disks/read")
    found = [one.critical for name in types for one in events("azure.activity", text({"operationName": name}))]
    assert found == [True, False]


def test_what_goes_beside_a_control_message_is_read() -> None:
    data = subscription("", kind="CONTROL_MESSAGE") + b"\n" + subscription(ONE.decode())
    assert brief("aws.cloudtrail", data) == [("1", "control"), ("2.1", "e1")]
    assert len(taken("kubernetes.audit", data)) == 2


def test_a_critical_type_may_be_a_beginning() -> None:
    types = ("v1.compute.firewalls.insert", "v1.compute.instances.insert")
    found = [events("gcp.audit", text({"protoPayload": {"methodName": name}}))[0].critical for name in types]
    assert found == [True, False]
