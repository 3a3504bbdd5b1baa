"""Many accounts: an organisation's members in the emulator, external ids, onboarding, accounts that fail."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from clouds.aws.login import bare_session
from collectors.aws import resource_types
from collectors.aws.permissions import Trust, cloudformation, organization
from demo.company import DATA
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from model.contract_record import Evidence
from model.fault import Refused
from model.tenant import AwsLogs, AwsOrganization, AwsScope, AwsWrite, Tenant
from model.text import Text
from pipeline.assembly import Catalog, assemble
from pipeline.clock import SystemClock
from pipeline.onboarding.aws import documents
from pipeline.onboarding.reach import check
from pipeline.providers.provider import Group, Members, Providers, provider_of
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.scan import Summary
from pipeline.tenants.files import carry_out, load_tenant, plan
from pipeline.tenants.scopes import discovered
from store.home import Home
from tests.commands import lines, run
from tests.conftest import lead_to
from tests.contracts import known
from tests.recorded_clouds import TENANT, catalog
from tests.servers.http_servers import denying_proxy
from tests.worlds import scanned_in, world_of

CLOCK = SystemClock()
AT = "2026-06-01T00:00:00.000000Z"
ORGANIZATION = AwsOrganization(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/hinomi-read", regions=["us-east-1"])
POLICY = "aws.s3.public-access-block-off"
TYPES = resource_types.load()


@pytest.fixture(scope="module")
def large_emulator() -> Iterator[Emulator]:
    made = Emulator(managed_policies=False)
    yield made
    made.stop()


@pytest.fixture
def emulator(large_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulator in which further accounts cost little; the environment leads to it."""
    large_emulator.reset()
    lead_to(large_emulator, monkeypatch)
    return large_emulator


def member(emulator: Emulator, account: str, service: str) -> Any:
    """Return a client in a member account, as its own administrator."""
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assumed = emulator.client("sts", "us-east-1").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = (assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
    session = boto3.Session(*keys, botocore_session=bare_session(None))
    return session.client(service, region_name="us-east-1", endpoint_url=emulator.url)


@pytest.fixture
def members(emulator: Emulator) -> list[str]:
    """Three members of an organisation, each with an open bucket, and one that has left."""
    organizations = emulator.client("organizations", "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    made = []
    for name in ("web", "data", "tools", "gone"):
        status = organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
        made.append(status["AccountId"])
        client = member(emulator, made[-1], "s3")
        client.create_bucket(Bucket=f"{name}-{made[-1]}")
        client.close()
    organizations.remove_account_from_organization(AccountId=made.pop())
    return made


@pytest.fixture(scope="module")
def few() -> Catalog:
    """The catalog of one policy: what has to be read for it is little."""
    chosen = [policy for policy in catalog().policies if policy.id == POLICY]
    return assemble(config_folder(), chosen)


@pytest.fixture
def company_of_many(home: Home) -> Tenant:
    tenant = replace(TENANT, scopes=[], organizations=[ORGANIZATION])
    known(home, tenant.tenant, AT)
    return tenant


def look(home: Home, tenant: Tenant, few: Catalog) -> Summary:
    return scanned_in(world_of(home, CLOCK), tenant, few)


def listing(members: Members) -> Providers:
    """Return the providers, where AWS's organisations have these members."""
    aws = provider_of("aws", PROVIDERS)
    assert aws.organisations
    return (replaced(aws, organisations=replaced(aws.organisations, members=lambda *_: members)),)


def test_an_organisations_active_accounts_are_found(emulator: Emulator, members: list[str]) -> None:
    emulator.client("organizations", "us-east-1").close_account(AccountId=members[0])
    organisations = provider_of("aws", PROVIDERS).organisations
    assert organisations
    found = organisations.members(Group("aws", ORGANIZATION.management, ORGANIZATION), "external", CLOCK)
    assert found.active == sorted([ACCOUNT, *members[1:]])
    assert found.resting == {members[0]: "the account is SUSPENDED in its organisation"}


def test_each_member_is_entered_by_the_same_role_with_the_tenants_own_external_id() -> None:
    listed = replace(TENANT, scopes=[AwsScope("111111111111", profile="x")], organizations=[
        replace(ORGANIZATION, exclude=["333333333333"])])  # fmt: skip
    members = Members(
        ["111111111111", "222222222222", "333333333333"], {"444444444444": "suspended", "111111111111": "suspended"}
    )
    found = discovered(listed, "own", CLOCK, listing(members))
    assert found.whole
    assert found.resting == {"444444444444": "suspended"}
    assert [(s.id, s.access.role, s.access.external_id) for s in found.found if s.provider == "aws"] == [
        ("111111111111", None, None),
        ("222222222222", "arn:aws:iam::222222222222:role/hinomi-read", "own"),
    ]
    assert {s.access.write for s in found.found if s.provider == "aws"} == {None}


def test_roles_that_write_are_asked_for_with_the_tenants_own_external_id_too() -> None:
    role = "arn:aws:iam::111111111111:role/change"
    named = [
        AwsScope("111111111111", profile="x", write=AwsWrite(role=role)),
        AwsScope("333333333333", write=AwsWrite()),
    ]
    listed = replace(TENANT, scopes=named, organizations=[replace(ORGANIZATION, write_role="hinomi-write")])
    found = discovered(listed, "own", CLOCK, listing(Members(["222222222222"])))
    assert [s.access.write for s in found.found if s.provider == "aws"] == [
        AwsWrite(role=role, external_id="own"),
        AwsWrite(),
        AwsWrite(role="arn:aws:iam::222222222222:role/hinomi-write", external_id="own"),
    ]


def test_all_members_are_scanned(
    emulator: Emulator, members: list[str], home: Home, few: Catalog, company_of_many: Tenant
) -> None:
    summary = look(home, company_of_many, few)
    with home.tenant("aozora").read() as reader:
        assert {finding.scope for finding in reader.findings()} == set(members)
    assert summary.gaps == []


def test_an_account_that_fails_hurts_no_other_and_loses_nothing(
    emulator: Emulator,
    members: list[str],
    home: Home,
    few: Catalog,
    company_of_many: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look(home, company_of_many, few)
    with denying_proxy(emulator.url, f"iam%3A%3A{members[1]}%3Arole") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        summary = look(home, company_of_many, few)
    assert [(gap.scope, "AccessDenied" in gap.cause) for gap in summary.gaps] == [(members[1], True)]
    assert summary.facts == {}
    with home.tenant("aozora").read() as reader:
        unverified = {f.scope for f in reader.findings() if f.unverified_since}
        assert len(list(reader.findings())) == 3
    assert unverified == {members[1]}


def test_an_organisation_that_cannot_be_listed_ends_nothing(
    emulator: Emulator,
    members: list[str],
    home: Home,
    few: Catalog,
    company_of_many: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look(home, company_of_many, few)
    known = replace(company_of_many, scopes=[AwsScope(ACCOUNT, regions=["us-east-1"])])
    with denying_proxy(emulator.url, "ListAccounts") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        summary = look(home, known, few)
        [gap] = look(home, company_of_many, few).gaps
        assert re.search(r"cannot be listed: organizations:ListAccounts (AccessDenied|403)", gap.cause)
    assert [gap.scope for gap in summary.gaps] == [ACCOUNT]
    assert summary.facts == {}
    with home.tenant("aozora").read() as reader:
        findings = list(reader.findings())
    assert len(findings) == 3
    assert all("cannot be listed" in finding.unverified_because for finding in findings)


def test_an_account_that_is_suspended_stays_watched_unverified(
    emulator: Emulator, members: list[str], home: Home, few: Catalog, company_of_many: Tenant
) -> None:
    look(home, company_of_many, few)
    emulator.client("organizations", "us-east-1").close_account(AccountId=members[0])
    summary = look(home, company_of_many, few)
    assert summary.facts == {}
    assert [(gap.scope, gap.cause) for gap in summary.gaps] == [
        (members[0], "the account is SUSPENDED in its organisation")
    ]
    with home.tenant("aozora").read() as reader:
        assert {f.scope for f in reader.findings() if f.unverified_since} == {members[0]}


def test_an_account_that_leaves_is_watched_no_longer(
    emulator: Emulator, members: list[str], home: Home, few: Catalog, company_of_many: Tenant
) -> None:
    look(home, company_of_many, few)
    emulator.client("organizations", "us-east-1").remove_account_from_organization(AccountId=members[0])
    summary = look(home, company_of_many, few)
    assert summary.facts == {"resolved": 1}
    with home.tenant("aozora").read() as reader:
        (resolved,) = [f for f in reader.findings(None) if f.state == "resolved"]
    assert (resolved.scope, resolved.resolved_because) == (members[0], "no longer watched")


def test_external_ids_are_one_per_tenant_and_stay(home: Home) -> None:
    assert home.external_id("aozora", "one") == "one"
    assert home.external_id("aozora", "two") == "one"
    assert home.external_id("midori", "three") == "three"
    assert home.external_ids() == {"aozora": "one", "midori": "three"}


def test_another_tenants_external_id_is_refused(home: Home) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    for own in ("made for aozora", "written by hand"):
        scope = AwsScope("123456789012", role=role, external_id=own)
        carry_out(home, plan(home, replace(TENANT, scopes=[scope])), CLOCK, "p", Evidence("tenant.yaml", "0" * 64))
        home.external_id("aozora", "made for aozora")
        foreign = AwsScope("210987654321", role="arn:aws:iam::210987654321:role/r", external_id=own)
        with pytest.raises(Refused, match="another tenant's") as refused:
            plan(home, replace(TENANT, tenant="midori", scopes=[foreign]))
        assert own not in str(refused.value)
        write = AwsWrite(role="arn:aws:iam::210987654321:role/r", external_id=own)
        foreign = AwsScope("210987654321", write=write)
        with pytest.raises(Refused, match="another tenant's"):
            plan(home, replace(TENANT, tenant="midori", scopes=[foreign]))
        logs = AwsLogs("aws.cloudtrail", "210987654321", QUEUE, ["midori-trail"], external_id=own, role=write.role)
        with pytest.raises(Refused, match="another tenant's"):
            plan(home, replace(TENANT, tenant="midori", scopes=[], logs=[logs]))
        assert plan(home, replace(TENANT, scopes=[replace(scope, regions=["us-east-1"])])).changes


QUEUE = "https://sqs.ap-northeast-1.amazonaws.com/210987654321/trail"
TRUST = Trust("arn:aws:iam::999999999999:role/hinomi", "6f1c2b9a-3f55-4d0f-9d39-2f6f3a3f0c11")


@pytest.mark.parametrize("whole", [False, True])
def test_cloudformation_takes_the_templates(company: Emulator, whole: bool) -> None:
    """cfn-lint, the linter of AWS's own template specification; the members' template inside too."""
    from cfnlint.api import lint_all

    template = organization(TYPES, TRUST) if whole else cloudformation(TYPES, TRUST)
    bodies = [json.dumps(template)]
    if whole:
        bodies.append(template["Resources"]["HinomiReadInMembers"]["Properties"]["TemplateBody"])
        assert TRUST.external_id not in bodies[1], "it is a parameter there"
    for body in bodies:
        assert [str(match) for match in lint_all(body) if match.rule.severity != "informational"] == []
    assert template["Parameters"]["ExternalId"]["Default"] == TRUST.external_id


def test_only_the_management_role_lists_accounts() -> None:
    template = organization(TYPES, TRUST)
    body = template["Resources"]["HinomiReadInMembers"]["Properties"]["TemplateBody"]
    assert "organizations:ListAccounts" in json.dumps(template["Resources"]["HinomiRead"])
    assert "organizations:ListAccounts" not in body
    assert len(body) <= 51_200, "CloudFormation's quota for a template body"


@pytest.mark.parametrize("whole", [False, True])
def test_the_guide_is_in_both_languages_and_complete(whole: bool) -> None:
    tenant = replace(TENANT, name=Text(en="Aozora Foods", ja="アオゾラ食品"))
    made = documents(tenant, TYPES, TRUST, config_folder(), whole)
    template = "organization.json" if whole else "role.json"
    assert set(made) == {template, "guide.en.md", "guide.ja.md"}
    assert "# Access to your AWS accounts: Aozora Foods" in made["guide.en.md"]
    assert "アオゾラ食品" in made["guide.ja.md"]
    for language in ("en", "ja"):
        guide = made[f"guide.{language}.md"]
        assert template in guide
        assert not re.search(r"\$[a-z]", guide)
        assert TRUST.principal in guide
        assert TRUST.external_id not in guide


def test_the_check_states_what_is_missing_and_what_stays_unknown(
    home: Home, emulator: Emulator, members: list[str], few: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = replace(TENANT, scopes=[], organizations=[ORGANIZATION])
    known(home, tenant.tenant, AT)
    world = world_of(home, CLOCK, listing(Members(members[:2])))

    def reach() -> list[Any]:
        return list(check(world, tenant, few))

    assert all(one.whole for one in reach())
    with denying_proxy(emulator.url, "?publicAccessBlock") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        one, two = reach()
    assert one.missing == two.missing == {"s3:GetBucketPublicAccessBlock": ["aws.s3.bucket"]}
    assert one.unknown == [POLICY]
    with denying_proxy(emulator.url, f"iam%3A%3A{members[0]}%3Arole") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        one, two = reach()
    assert "AccessDenied" in one.closed
    assert two.whole


def test_the_commands(
    emulator: Emulator, members: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(tmp_path / "home"))
    file = tmp_path / "t.yaml"
    text = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    block = f"organizations:\n  - {{management: '{ACCOUNT}', role: '{ORGANIZATION.role}', regions: [us-east-1]}}\n"
    file.write_text(re.sub(r"scopes:\n(?:  .*\n)+", block, text), encoding="utf-8")
    run(capsys, "init", *home)
    assert "Applied" in run(capsys, "apply", str(file), *home)[1]
    status, out = run(
        capsys, "onboard", "aws", "aozora-foods", "-o", str(tmp_path / "out"), "--organization",
        "--principal", TRUST.principal, *home,
    )  # fmt: skip
    assert status == 0
    assert [Path(line).name for line in out.splitlines()] == ["organization.json", "guide.en.md", "guide.ja.md"]
    with denying_proxy(emulator.url, "Action=DescribeVolumes") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        status, out = run(capsys, "onboard", "check", "aozora-foods", "--format", "jsonl", *home)
    assert status == 3
    assert {line["account"] for line in lines(out)} == {ACCOUNT, *members}
    assert all(line["missing"] == {"ec2:DescribeVolumes": ["aws.ec2.volume"]} for line in lines(out))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("organizations: [{management: '123456789012', role: 'arn:aws:iam::210987654321:role/r'}]", "is not a role of"),
        ("organizations: []", "names nothing to look at"),
    ],
)
def test_organisations_that_do_not_fit(tmp_path: Path, change: str, problem: str) -> None:
    file = tmp_path / "t.yaml"
    text = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    file.write_text(re.sub(r"scopes:\n(?:  .*\n)+", f"{change}\n", text), encoding="utf-8")
    with pytest.raises(Refused, match=problem):
        load_tenant(file, catalog().policies)


def test_a_group_that_shows_nothing_is_one_that_could_not_be_listed() -> None:
    """Whatever was there before is kept: an empty reply may be none of the group's."""
    tenant = replace(TENANT, scopes=[], organizations=[ORGANIZATION])
    found = discovered(tenant, "", CLOCK, listing(Members([])))
    assert (found.found, found.whole) == ((), False)
    assert found.closed[ACCOUNT].endswith("cannot be listed: the listing is empty")
