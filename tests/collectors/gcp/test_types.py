"""Google types: their fields are those of Google's discovery documents, faults are reported, no secret is kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.gcp import resource_types
from collectors.gcp.parse import Parser, RowContext
from collectors.gcp.resource_types import ResourceType
from model.asset import Asset
from model.fault import Refused

DATA = Path(__file__).parent.parent.parent / "data"
TABLE: dict[str, dict[str, Any]] = json.loads((DATA / "google-fields.json").read_text(encoding="utf-8"))["types"]
TYPES = resource_types.load()
BY_KIND = {type_.kind.name: type_ for type_ in TYPES}
PARSER, HERE = Parser(TYPES), RowContext("aozora-shop")


def asset(kind: str, data: dict[str, Any], **more: Any) -> Asset:
    type_ = BY_KIND[kind]
    row = {"name": "//x.googleapis.com/things/a", "assetType": type_.form.asset_type, "resource": {"data": data}}
    parsed = PARSER.parse(row | more, HERE)
    assert parsed.asset is not None
    return parsed.asset


def test_every_type_is_in_the_table_and_none_is_missing() -> None:
    assert {type_.form.asset_type for type_ in TYPES} == set(TABLE)
    assert len(TYPES) >= 45


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.kind.name)
def test_fields_are_those_of_the_discovery_document(type_: ResourceType) -> None:
    assert type_.form.fields == TABLE[type_.form.asset_type]["fields"]


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.kind.name)
def test_what_may_hold_secrets_is_a_field_somewhere_in_the_document(type_: ResourceType) -> None:
    form, found = type_.form, TABLE[type_.form.asset_type].get("treated", {})
    for name in [*form.omit, *form.secrets, *form.switches]:
        assert found[name] or "/" in name, name  # annotations of Kubernetes stand in no schema


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.kind.name)
def test_the_path_says_the_service(type_: ResourceType) -> None:
    assert type_.form.asset_type.startswith(type_.kind.name.split(".")[1] + ".googleapis.com/")


FORM = """kind: gcp.storage.bucket
asset_type: storage.googleapis.com/Bucket
name: $name
fields: {name: string, etag: string, acl: array}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (FORM.replace("$name", "$title"), "$title is no field"),
        (FORM.replace("$name", "$acl"), "$acl is no text"),
        (FORM + "omit: [name]\n", "$name is left out by 'omit'"),
        (FORM.replace("acl: array", "iamPolicy: object"), "'iamPolicy' is the name of a detail"),
        (FORM + "volatile: [eTag]\n", "'eTag' is no field and no detail"),
        (FORM + "volatile: [etag, etag]\n", "'etag' is said twice"),
        (FORM + "omit: [acl]\nsecrets: {acl: values}\n", "'acl' stands under two"),
        (FORM.replace("acl: array", "acl: list"), "list"),
        (FORM.replace("storage.googleapis.com/Bucket", "Bucket"), "'Bucket'"),
        (FORM + "iam: false\n", "False"),
        (FORM + "colour: red\n", "colour"),
        (FORM.replace("gcp.storage.bucket", "gcp.storage.bin"), "the path says 'gcp.storage.bucket'"),
    ],
)
def test_faults_of_a_type_file_are_reported_with_their_place(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "bucket.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        resource_types.load(tmp_path)
    assert any(problem in str(fault) and fault.line for fault in refused.value.faults), refused.value.faults


def test_two_files_cannot_claim_the_same(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    for name in ("bucket", "bin"):
        text = FORM.replace("storage.bucket", f"storage.{name}") + "rest: [storage.b]\n"
        (tmp_path / "storage" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        resource_types.load(tmp_path)
    assert [fault.problem for fault in refused.value.faults] == [
        "'storage.googleapis.com/Bucket' is gcp.storage.bin's already",
        "'storage.b' is gcp.storage.bin's already",
    ]


def test_only_read_details_are_asked() -> None:
    project = BY_KIND["gcp.cloudresourcemanager.project"]
    assert resource_types.details(project.form) == {"iamPolicy", "orgPolicies"}
    assert resource_types.details(project.narrowed({"iamPolicy", "name"}).form) == {"iamPolicy"}
    assert project.narrowed({"name"}).kind == project.kind


SECRET = "hunter22-correct-horse"
# Where Google's APIs hold what opens something; the words around it are theirs.
SECRETS: list[tuple[str, dict[str, Any]]] = [
    ("gcp.sqladmin.instance", {"rootPassword": SECRET}),
    ("gcp.sqladmin.instance", {"replicaConfiguration": {"mysqlReplicaConfiguration": {"password": SECRET}}}),
    ("gcp.apikeys.key", {"keyString": SECRET}),
    ("gcp.iam.service-account-key", {"privateKeyData": SECRET}),
    ("gcp.compute.ssl-certificate", {"privateKey": SECRET, "selfManaged": {"privateKey": SECRET}}),
    ("gcp.compute.vpn-tunnel", {"sharedSecret": SECRET}),
    ("gcp.compute.backend-service", {"iap": {"enabled": True, "oauth2ClientSecret": SECRET}}),
    ("gcp.compute.disk", {"diskEncryptionKey": {"rawKey": SECRET}}),
    ("gcp.compute.instance", {"metadata": {"items": [{"key": "startup-script", "value": f"login {SECRET}"}]}}),
    ("gcp.compute.instance", {"metadata": {"items": [{"key": "db-password", "value": SECRET}]}}),
    ("gcp.compute.project", {"commonInstanceMetadata": {"items": [{"key": "sshKeys", "value": SECRET}]}}),
    ("gcp.compute.instance-template", {"properties": {"metadata": {"items": [{"key": "k", "value": SECRET}]}}}),
    ("gcp.container.cluster", {"masterAuth": {"username": "admin", "password": SECRET, "clientKey": SECRET}}),
    ("gcp.container.node-pool", {"config": {"metadata": {"token": SECRET}}}),
    ("gcp.run.service", {"spec": {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": SECRET}]}]}}}}),
    ("gcp.run.service", {"template": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": SECRET}]}]}}),
    ("gcp.run.job", {"template": {"template": {"containers": [{"args": ["--password", SECRET]}]}}}),
    ("gcp.cloudfunctions.cloud-function", {"environmentVariables": {"DB_PASSWORD": SECRET}}),
    ("gcp.cloudfunctions.function", {"serviceConfig": {"environmentVariables": {"A": SECRET}}}),
    ("gcp.cloudscheduler.job", {"httpTarget": {"headers": {"Authorization": SECRET}, "body": SECRET}}),
    ("gcp.monitoring.notification-channel", {"labels": {"auth_token": SECRET}}),
    ("gcp.monitoring.uptime-check-config", {"httpCheck": {"authInfo": {"username": "a", "password": SECRET}}}),
    ("gcp.certificatemanager.certificate", {"selfManaged": {"pemPrivateKey": SECRET}}),
    ("gcp.composer.environment", {"config": {"softwareConfig": {"envVariables": {"A": SECRET}}}}),
    ("gcp.alloydb.cluster", {"initialUser": {"user": "postgres", "password": SECRET}}),
    ("gcp.appengine.version", {"envVariables": {"A": SECRET}}),
    ("gcp.dataproc.cluster", {"config": {"softwareConfig": {"properties": {"a:b": SECRET}}}}),
    ("gcp.workstations.workstation-config", {"container": {"env": {"A": SECRET}}}),
]


@pytest.mark.parametrize(("kind", "data"), SECRETS, ids=lambda value: value if isinstance(value, str) else "")
def test_no_secret_is_kept(kind: str, data: dict[str, Any]) -> None:
    found = asset(kind, data)
    assert SECRET not in json.dumps(found.body)
    assert found.unknown == {}


def test_of_metadata_switches_are_kept_and_signs_of_the_rest() -> None:
    items = [
        {"key": "enable-oslogin", "value": "TRUE"},
        {"key": "serial-port-enable", "value": 1},
        {"key": "block-project-ssh-keys", "value": True},
        {"key": "startup-script", "value": "#!/bin/sh\nexport KEY=AKIAIOSFODNN7EXAMPLE\n"},
        {"key": "db-password", "value": SECRET},
        {"key": "a b", "value": "no"},
        {"key": "empty"},
    ]
    body = asset(
        "gcp.compute.instance", {"metadata": {"fingerprint": "a=", "items": items}, "tags": {"items": ["web"]}}
    ).body
    assert body["tags"] == {"items": ["web"]}
    assert body["metadata"] == {
        "fingerprint": "a=",
        "items": [
            {"key": "enable-oslogin", "value": "TRUE"},
            {"key": "serial-port-enable", "value": "1"},
            {"key": "block-project-ssh-keys", "value": "true"},
            {"key": "startup-script", "value": {"signs": [{"line": 2, "looks_like": "AWS Access Key"}]}},
            {"key": "db-password", "value": {"signs": [{"looks_like": "named"}]}},
            {"key": "#6", "value": "no"},
            {"key": "empty"},
        ],
    }
    pool = asset("gcp.container.node-pool", {"config": {"metadata": {"disable-legacy-endpoints": "true", "a": "b"}}})
    assert pool.body == {"config": {"metadata": {"disable-legacy-endpoints": "true", "a": {"signs": []}}}}


def test_metadata_of_another_shape_is_unknown_and_not_kept() -> None:
    found = asset("gcp.compute.instance", {"name": "a", "metadata": {"items": {"password": SECRET}}})
    assert found.body == {"name": "a"}
    assert found.unknown == {"metadata": "unreadable text"}


def test_a_label_named_as_the_environment_is_a_label() -> None:
    labels = {"env": "prod", "args": "none"}
    found = asset("gcp.run.job", {"labels": labels, "template": {"labels": labels}})
    assert (found.body["labels"], found.body["template"]["labels"], found.unknown) == (labels, labels, {})


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://user:hunter22@example.com/x", "https://redacted:redacted@example.com/x"),
        ('see\n"https://example.com/?token=hunter22', 'see\n"https://example.com/?token=redacted'),
        (
            "https://example.com/" + "x" * 5000 + "?token=hunter22",
            "https://example.com/" + "x" * 5000 + "?token=redacted",
        ),
        ("https://example.com/x", "https://example.com/x"),
    ],
)
def test_addresses_lose_what_opens_something(address: str, kept: str) -> None:
    assert asset("gcp.pubsub.subscription", {"pushConfig": {"pushEndpoint": address}}).body == {
        "pushConfig": {"pushEndpoint": kept}
    }
