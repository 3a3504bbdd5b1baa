"""Types that the emulator does not know in full, against a server that answers as AWS's documentation shows it.

The SDK, the client and the engine are the real ones; the server speaks the services' own protocols.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore
import pytest

from clouds.aws.login import Login, session
from clouds.aws.read import AwsClient
from collectors.aws import permissions, resource_types
from collectors.aws.engine import collect
from demo.stand_ins.aws_emulator import ACCOUNT, ENVIRONMENT
from model.asset import Asset, Listing, Place
from tests.conftest import MovingClock
from tests.recorded_clouds import NOT_EMULATED

# What is asked (`METHOD path`, or the operation that a JSON protocol names in a header), and what is replied.
Script = dict[str, tuple[int, Any]]  # a mapping is replied as JSON, a text as XML
PLACE = Place(ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "aws", ("us-west-2",))


@contextmanager
def answering(script: Script) -> Iterator[tuple[str, list[str]]]:
    """Run a server of a script; yields its address and what it was asked. What it does not know is a denial."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            target = self.headers.get("x-amz-target", "").rpartition(".")[2]
            asked.append(target or f"{self.command} {self.path.partition('?')[0]}")
            status, said = script.get(
                asked[-1], (403, {"code": "AccessDeniedException", "__type": "AccessDeniedException"})
            )
            body = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            self.send_header("content-type", "text/xml" if isinstance(said, str) else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def looked(kind: str, script: Script, patch: pytest.MonkeyPatch) -> tuple[list[Asset], list[str], list[str]]:
    """Return the assets, the causes of listings that failed, and what was asked."""
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    with answering(script) as (url, asked):
        patch.setenv("AWS_ENDPOINT_URL", url)
        clock = MovingClock()
        client = AwsClient(session(Login(), clock), clock)
        seen = list(collect(client, resource_types.load(kinds=[kind]), PLACE))
        client.forget("us-west-2")
    causes = [e.cause for e in seen if isinstance(e, Listing) and e.cause]
    return [e for e in seen if isinstance(e, Asset)], causes, asked


def example(service: str, op: str) -> Any:
    """Return the output of AWS's first example of an operation, as the SDK ships it beside the model."""
    [file] = (Path(botocore.__file__).parent / "data" / service).rglob("examples-1.json*")
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return json.loads(text)["examples"][op][0]["output"]


def test_every_type_that_is_not_emulated_is_played_here() -> None:
    assert {"aws.glacier.vault", "aws.networkfirewall.firewall"} == NOT_EMULATED


# Amazon S3 Glacier Developer Guide, «List Vaults» and «Get Vault Access Policy»; the reply is the policy's structure
# itself (https://docs.aws.amazon.com/amazonglacier/latest/dev/api-GetVaultAccessPolicy.html).
VAULTS = f"GET /{ACCOUNT}/vaults"
VAULT = f"GET /{ACCOUNT}/vaults/my-vault"
VAULT_POLICY = f"GET /{ACCOUNT}/vaults/my-vault/access-policy"


def vaults() -> Script:
    policy = example("glacier", "GetVaultAccessPolicy")["policy"]
    return {VAULTS: (200, example("glacier", "ListVaults")), VAULT_POLICY: (200, policy)}


@pytest.mark.process
def test_vaults(monkeypatch: pytest.MonkeyPatch) -> None:
    [vault], causes, _ = looked("aws.glacier.vault", vaults(), monkeypatch)
    assert (vault.resource, vault.name) == ("arn:aws:glacier:us-west-2:0123456789012:vaults/my-vault", "my-vault")
    assert vault.body["Policy"]["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::999999999999:root"}
    assert vault.unknown == {}
    assert causes == []


@pytest.mark.process
def test_a_vault_without_a_policy_has_none_and_a_refusal_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    # the guide's «Error Responses»: a body of code, message and type
    none = {"code": "ResourceNotFoundException", "message": "No vault access policy is set", "type": "Client"}
    described = example("glacier", "DescribeVault")
    script = vaults() | {VAULT_POLICY: (404, none), VAULT: (200, described)}
    [vault], _, _ = looked("aws.glacier.vault", script, monkeypatch)
    assert "Policy" not in vault.body
    assert vault.unknown == {}
    assert looked("aws.glacier.vault", script | {VAULT: (404, none)}, monkeypatch)[:2] == ([], []), "deleted meanwhile"
    refused = {key: value for key, value in vaults().items() if key != VAULT_POLICY}
    [vault], _, _ = looked("aws.glacier.vault", refused, monkeypatch)
    assert vault.unknown == {"Policy": "glacier:GetVaultAccessPolicy AccessDeniedException"}


# AWS Network Firewall API Reference, «Response Syntax» of ListFirewalls, DescribeFirewall and DescribeFirewallPolicy.
ARN = "arn:aws:network-firewall:us-west-2:123456789012:"
FIREWALLS: Script = {
    "ListFirewalls": (200, {"Firewalls": [{"FirewallName": "edge", "FirewallArn": f"{ARN}firewall/edge"}]}),
    "DescribeFirewall": (
        200,
        {
            "Firewall": {
                "FirewallName": "edge",
                "FirewallArn": f"{ARN}firewall/edge",
                "FirewallPolicyArn": f"{ARN}firewall-policy/strict",
                "VpcId": "vpc-1",
                "SubnetMappings": [{"SubnetId": "subnet-1"}],
                "FirewallId": "1",
            },
            "UpdateToken": "1",
        },
    ),
    "DescribeFirewallPolicy": (
        200,
        {
            "UpdateToken": "1",
            "FirewallPolicyResponse": {"FirewallPolicyName": "strict", "FirewallPolicyId": "1"},
            "FirewallPolicy": {
                "StatelessDefaultActions": ["aws:forward_to_sfe"],
                "StatelessFragmentDefaultActions": ["aws:forward_to_sfe"],
                "StatefulRuleGroupReferences": [{"ResourceArn": f"{ARN}stateful-rulegroup/domains"}],
            },
        },
    ),
}


@pytest.mark.process
def test_firewalls_carry_their_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    [firewall], causes, asked = looked("aws.networkfirewall.firewall", FIREWALLS, monkeypatch)
    assert firewall.resource == f"{ARN}firewall/edge"
    assert firewall.body["Policy"] == FIREWALLS["DescribeFirewallPolicy"][1]["FirewallPolicy"]
    assert (firewall.unknown, causes) == ({}, [])
    assert asked == ["ListFirewalls", "DescribeFirewall", "DescribeFirewallPolicy"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("denied", "unknown"),
    [
        ("DescribeFirewall", {"PolicyArn", "Policy"}),
        ("DescribeFirewallPolicy", {"Policy"}),
    ],
)
def test_a_firewall_that_cannot_be_read_is_unknown(
    denied: str, unknown: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = {key: value for key, value in FIREWALLS.items() if key != denied}
    [firewall], _, _ = looked("aws.networkfirewall.firewall", script, monkeypatch)
    assert firewall.unknown == dict.fromkeys(unknown, f"network-firewall:{denied} AccessDeniedException")


# IAM Access Analyzer API Reference, «Response Syntax» of ListAnalyzers.
@pytest.mark.process
def test_analyzers(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:access-analyzer:us-west-2:123456789012:analyzer/all"
    reported = {"arn": arn, "name": "all", "type": "ACCOUNT", "createdAt": "2026-06-01T00:00:00Z", "status": "ACTIVE"}
    script: Script = {"GET /analyzer": (200, {"analyzers": [reported]})}
    [analyzer], causes, _ = looked("aws.accessanalyzer.analyzer", script, monkeypatch)
    assert (analyzer.resource, analyzer.name, causes) == (arn, "all", [])
    assert (analyzer.body["type"], analyzer.body["status"]) == ("ACCOUNT", "ACTIVE")


# AWS CLI Command Reference, «Examples» of list-resource-compliance-summaries: a node has one summary for each type.
@pytest.mark.process
def test_compliance_is_reported_for_each_type(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = {"ResourceType": "ManagedInstance", "ResourceId": "i-1234567890abcdef0", "Status": "COMPLIANT"}
    rows = [reported | {"ComplianceType": type_} for type_ in ("Association", "Patch")]
    script: Script = {"ListResourceComplianceSummaries": (200, {"ResourceComplianceSummaryItems": rows})}
    seen, causes, _ = looked("aws.ssm.compliance", script, monkeypatch)
    assert [asset.name for asset in seen] == ["i-1234567890abcdef0 Association", "i-1234567890abcdef0 Patch"]
    assert len({asset.resource for asset in seen}) == len(rows)
    assert causes == []


# IAM API Reference, «Sample Response» and «Errors» of ListOrganizationsFeatures.
FEATURES = """<ListOrganizationsFeaturesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<ListOrganizationsFeaturesResult><EnabledFeatures><member>RootCredentialsManagement</member></EnabledFeatures>
<OrganizationId>o-111122223333</OrganizationId></ListOrganizationsFeaturesResult></ListOrganizationsFeaturesResponse>"""


def refused(code: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>"


@pytest.mark.process
@pytest.mark.parametrize(
    ("reply", "reported", "unknown"),
    [
        ((200, FEATURES), ["RootCredentialsManagement"], {}),
        ((400, refused("AccountNotManagementOrDelegatedAdministrator")), None, {}),
        ((400, refused("ServiceAccessNotEnabled")), None, {}),
        ((403, refused("AccessDenied")), None, {"EnabledFeatures": "iam:ListOrganizationsFeatures AccessDenied"}),
    ],
)
def test_what_an_organization_may_do_with_root_users(
    reply: tuple[int, str], reported: list[str] | None, unknown: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [features], causes, _ = looked("aws.iam.organization-features", {"POST /": reply}, monkeypatch)
    assert (features.body.get("EnabledFeatures"), features.unknown, causes) == (reported, unknown, [])


# Amazon ECS API Reference, «Examples» of ListClusters and ListServices: plain lists of ARNs.
ECS = "arn:aws:ecs:us-west-2:123456789012:"


def clusters(services: Any) -> Script:
    return {
        "ListClusters": (200, {"clusterArns": [f"{ECS}cluster/default"]}),
        "ListServices": services,
        "DescribeServices": (200, {"services": [{"serviceArn": f"{ECS}service/web", "serviceName": "web"}]}),
    }


@pytest.mark.process
def test_what_stands_in_others_is_listed_by_each(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (200, {"serviceArns": [f"{ECS}service/web"]})
    [service], causes, asked = looked("aws.ecs.service", clusters(listed), monkeypatch)
    assert (service.name, causes) == ("web", [])
    assert asked == ["ListClusters", "ListServices", "DescribeServices"]


@pytest.mark.process
def test_a_cluster_that_vanished_has_no_services_and_one_that_is_denied_makes_the_listing_not_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = (400, {"__type": "ClusterNotFoundException", "message": "Cluster not found."})
    assert looked("aws.ecs.service", clusters(gone), monkeypatch)[:2] == ([], [])
    denied = (400, {"__type": "AccessDeniedException"})
    assert looked("aws.ecs.service", clusters(denied), monkeypatch)[:2] == (
        [],
        ["ecs:ListServices AccessDeniedException"],
    )
    refused = clusters(denied) | {"ListClusters": (400, {"__type": "AccessDeniedException"})}
    assert looked("aws.ecs.service", refused, monkeypatch)[1] == ["ecs:ListClusters AccessDeniedException"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("master", "asked_for_administrators", "unknown"),
    [
        (ACCOUNT, True, {"DelegatedAdministrators": "organizations:ListDelegatedAdministrators AccessDeniedException"}),
        ("210987654321", False, {}),
    ],
)
def test_only_the_management_account_is_asked_who_administers(
    master: str, asked_for_administrators: bool, unknown: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # AWS Organizations API Reference, «Examples» of DescribeOrganization
    script: Script = {
        "DescribeOrganization": (200, {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": master}})
    }
    [member], _, asked = looked("aws.organizations.membership", script, monkeypatch)
    assert ("ListDelegatedAdministrators" in asked) is asked_for_administrators
    assert member.unknown == unknown


@pytest.mark.process
def test_an_organization_that_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    [member], _, asked = looked("aws.organizations.membership", {}, monkeypatch)
    cause = "organizations:DescribeOrganization AccessDeniedException"
    assert member.unknown == {"ManagementAccount": cause, "DelegatedAdministrators": cause}
    assert "ListDelegatedAdministrators" not in asked


@pytest.mark.process
def test_the_hub_that_is_off_is_a_fact_and_a_refusal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    # Security Hub API Reference, «Errors» of DescribeHub: InvalidAccessException (401) where it is not enabled
    off = (401, {"__type": "InvalidAccessException", "Message": "Account is not subscribed to AWS Security Hub"})
    [hub], _, _ = looked("aws.securityhub.hub", {"GET /accounts": off}, monkeypatch)
    assert (hub.body, hub.unknown) == ({}, {})
    [hub], _, _ = looked("aws.securityhub.hub", {}, monkeypatch)
    assert hub.unknown == {"HubArn": "securityhub:DescribeHub AccessDeniedException"}


def test_their_actions_are_in_the_policy_for_customers() -> None:
    types = [t for t in resource_types.load() if t.form.kind in NOT_EMULATED]
    assert set(permissions.actions_by_call(types).values()) >= {
        "glacier:GetVaultAccessPolicy",
        "network-firewall:DescribeFirewallPolicy",
    }
