"""What a plan takes up and what it leaves alone; pure."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.policies import load
from detectors.posture.cases import judged
from model.asset import Asset
from model.tenant import AwsOrganization, AwsScope, AwsWrite, Tenant
from model.text import Text
from pipeline.assembly import kinds
from pipeline.changing.carrying_out import waves
from remediation.never import Never
from remediation.ownership import owner_of
from remediation.playbook import playbooks
from remediation.proposing import Candidate, Terms, propose, usual_most
from tests.changing import ACCOUNT, AWS

BLOCK = playbooks()["aws.s3.block-public-access"]
AT = "2026-06-01T00:00:00.000000Z"
TERMS = Terms("aozora", "aki", "aki", AT, of_kind=40)


def bucket(name: str, **body: Any) -> Asset:
    return Asset("aws.s3.bucket", f"arn:aws:s3:::{name}", name, ACCOUNT, "ap-northeast-1", {"Name": name} | body, "")


def candidates(*assets: Asset) -> list[Candidate]:
    return [Candidate(asset, {BLOCK.closes[0]: ()}) for asset in assets]


@pytest.mark.parametrize(("of_kind", "most"), [(1, 25), (250, 25), (251, 26), (1000, 100), (9999, 1000)])
def test_a_plan_changes_25_resources_or_a_tenth_of_their_kind(of_kind: int, most: int) -> None:
    assert usual_most(of_kind) == most


def test_what_is_beyond_the_limit_is_left_out_by_name_and_more_takes_two_persons() -> None:
    many = candidates(*(bucket(f"b{number:02}") for number in range(30)))
    usual = propose(BLOCK, reversed(many), TERMS)
    assert [step.target.name for step in usual.steps] == [f"b{number:02}" for number in range(25)]
    assert [one.resource for one in usual.left_out] == [f"arn:aws:s3:::b{number}" for number in range(25, 30)]
    assert (usual.approvals, usual.reasons) == (1, ())
    more = propose(BLOCK, many, replace(TERMS, most=30))
    assert (len(more.steps), more.approvals, [why.en for why in more.reasons]) == (30, 2, ["30 resources at once"])


PUBLIC = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
EVERYONE = [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]


@pytest.mark.parametrize("body", [{"Policy": PUBLIC}, {"Grants": EVERYONE}])
def test_whoever_is_let_in_now_makes_it_a_matter_of_two(body: Any) -> None:
    assert propose(BLOCK, candidates(bucket("b", **body)), TERMS).approvals == 2


def test_what_needs_two_persons_is_no_matter_of_a_standing_order() -> None:
    plan = propose(BLOCK, candidates(bucket("a"), bucket("b", Policy=PUBLIC)), replace(TERMS, order="o1"))
    assert [step.target.name for step in plan.steps] == ["a"]
    assert [one.resource for one in plan.left_out] == ["arn:aws:s3:::b"]
    assert plan.approvals == 1


def test_what_is_in_use_is_a_matter_of_two_and_the_plan_says_by_whom() -> None:
    used = replace(TERMS, users_of=lambda asset: ["db", "web-1", "web-2", "web-3"] if asset.name == "b" else [])
    assert propose(BLOCK, candidates(bucket("a")), used).approvals == 1
    plan = propose(BLOCK, candidates(bucket("a"), bucket("b")), used)
    assert (plan.approvals, [why.en for why in plan.reasons]) == (2, ["in use by db, web-1, web-2 and 1 more"])


def test_whether_it_is_public_has_to_be_known_for_one_person_to_be_enough() -> None:
    asset = replace(bucket("b"), unknown={"Policy": "s3:GetBucketPolicy AccessDenied"})
    assert propose(BLOCK, candidates(asset), TERMS).approvals == 2


def test_unknown_is_never_a_reason_to_change_something() -> None:
    asset = replace(bucket("b"), unknown={"PublicAccessBlock": "s3:GetBucketPublicAccessBlock AccessDenied"})
    plan = propose(BLOCK, candidates(asset), TERMS)
    assert plan.steps == ()
    assert "AccessDenied" in plan.left_out[0].reason.en


def test_an_empty_difference_is_no_step() -> None:
    switches = dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert propose(BLOCK, candidates(bucket("b", PublicAccessBlock=switches)), TERMS).steps == ()


OWNED = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}]


def test_what_infrastructure_code_owns_is_a_patch_first() -> None:
    plan = propose(BLOCK, candidates(bucket("b", Tags=OWNED)), TERMS)
    (step,) = plan.steps
    assert (step.owner, step.live) == ("cloudformation shop", False)
    assert step.patch.startswith("PublicAccessBlockConfiguration:\n  BlockPublicAcls: true\n")
    assert propose(BLOCK, candidates(bucket("b", Tags=OWNED)), replace(TERMS, live=True)).steps[0].live


@pytest.mark.parametrize(
    ("body", "owner"),
    [
        ({"Tags": [{"Key": "ManagedBy", "Value": "Terraform"}]}, "terraform"),
        ({"labels": {"goog-terraform-provisioned": "true"}}, "terraform"),
        ({"tags": {"managed-by": "terraform"}}, "terraform"),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}, "helm"),
        ({"metadata": {"annotations": {"meta.helm.sh/release-name": "shop"}}}, "helm shop"),
        ({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:v1"}}}, "argocd shop:v1"),
        ({"Tags": [{"Key": "ManagedBy", "Value": "Aki"}]}, ""),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "kustomize"}}}, ""),
        ({}, ""),
    ],
)
def test_marks_of_infrastructure_code(body: Any, owner: str) -> None:
    assert str(owner_of(bucket("b", **body)) or "") == owner


ROLE = f"arn:aws:iam::{ACCOUNT}:role/"


def identity(resource: str) -> Asset:
    return Asset("aws.iam.credential-report", resource, "u", ACCOUNT, "global", {}, "")


@pytest.mark.parametrize(
    ("resource", "administrators", "why"),
    [
        (f"{ROLE}hinomi-read", (), "it is our own way in"),
        (f"{ROLE}hinomi-write", (), "it is our own way in"),
        ("arn:aws:iam::222222222222:role/hinomi-members-write", (), "it is our own way in"),
        ("arn:aws:iam::222222222222:role/hinomi-members-writer", (), None),
        (f"{ROLE}break-glass", (), "the tenant's file protects it (`protected`)"),
        (f"arn:aws:iam::{ACCOUNT}:user/a", ("a",), "it belongs to the last administrator of the account"),
        (f"arn:aws:iam::{ACCOUNT}:user/a", ("a", "b"), None),
        (f"arn:aws:iam::{ACCOUNT}:user/c", ("a",), None),
    ],
)
def test_never(resource: str, administrators: tuple[str, ...], why: str | None) -> None:
    scope = AwsScope(ACCOUNT, role=f"{ROLE}hinomi-read", write=AwsWrite(role=f"{ROLE}hinomi-write"))
    many = AwsOrganization("111122223333", f"{ROLE}list", write_role="hinomi-members-write")
    tenant: Tenant = replace(AWS, scopes=[scope], organizations=[many], protected=[f"{ROLE}break-glass"])
    never = Never(tenant, [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in administrators])
    found = never.why(identity(resource))
    assert (found.en if found else None) == why


def test_the_last_administrator_of_one_account_is_not_saved_by_another_accounts() -> None:
    never = Never(AWS, [f"arn:aws:iam::{ACCOUNT}:user/a", "arn:aws:iam::210987654321:user/b"])
    assert never.why(identity(f"arn:aws:iam::{ACCOUNT}:user/a")) is not None


@pytest.mark.parametrize(
    ("steps", "sizes"), [(1, [1]), (2, [1, 1]), (10, [1, 1, 8]), (25, [1, 3, 21]), (1000, [1, 100, 899])]
)
def test_waves_are_one_then_a_tenth_then_the_rest(steps: int, sizes: list[int]) -> None:
    plan = propose(BLOCK, candidates(*(bucket(f"b{n}") for n in range(steps))), replace(TERMS, most=steps))
    assert [len(wave) for wave in waves(plan.steps)] == sizes


# --- what holds for every playbook


def test_each_playbook_is_in_the_documentation() -> None:
    reported = Path("docs/changes.md").read_text(encoding="utf-8").partition("## Playbooks")[2]
    assert {id_ for id_ in playbooks() if id_ not in reported} == set()


@pytest.mark.parametrize("id_", playbooks())
def test_a_playbook_names_a_kind_fields_and_policies_that_exist(id_: str) -> None:
    playbook = playbooks()[id_]
    policies = {policy.id: policy for policy in load(config_folder() / "policies", naming=playbook.closes)}
    assert playbook.id == id_
    assert set(playbook.fields) <= kinds()[playbook.kind].fields
    assert {policies[closed].form.kind for closed in playbook.closes} == {playbook.kind}
    assert len(set(playbook.needs)) == len(playbook.needs)
    for text in (playbook.title, playbook.risk, *([playbook.stays] if playbook.stays else [])):
        assert isinstance(text, Text)
        assert text.en
        assert any("぀" <= character <= "鿿" for character in text.ja)


@pytest.mark.parametrize("id_", playbooks())
def test_a_playbook_wants_something_else_wherever_its_policies_fail_and_wants_it_once(id_: str) -> None:
    """The policies' own cases say what fails."""
    playbook = playbooks()[id_]
    policies = [p for p in load(config_folder() / "policies", naming=playbook.closes) if p.id in playbook.closes]
    tried = 0
    for policy in policies:
        for case in policy.form.cases.fail:
            body = {key: value for key, value in case["r"].items() if value is not None}
            asset = replace(bucket("b"), kind=playbook.kind, body=body)
            if not set(playbook.fields) & body.keys():
                continue
            faults = {policy.id: tuple(one.key for one in judged(policy, case).elements if one.status == "fail")}
            before = playbook.state(body)
            after = playbook.want(before, faults)
            assert after != before
            assert playbook.want(after, faults) == after
            back = playbook.back(before, after)
            assert back is UNSET or playbook.write(asset, after, back)
            tried += 1
    assert tried
