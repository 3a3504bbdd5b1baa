"""What `protected` names can be a resource's id, or is refused; and is one of the tenant's, or is warned of."""

from pathlib import Path

import pytest

from catalog.policies import Policy
from model.fault import Refused
from pipeline.tenants.files import doubts, load_tenant
from store.home import Home
from tests.commands import said as run
from tests.recorded_clouds import TENANT as RECORDED
from tests.tenant_text import TENANT

UUID, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
PLACES = f"""\
azure: [{{directory: {OTHER}, subscriptions: [{UUID}], entra: true}}]
google: [{{projects: [aozora-shop]}}]
kubernetes: [{{cluster: {UUID}, name: shop}}]
"""
GROUPS = f"""\
organizations: [{{management: "123456789012", role: "arn:aws:iam::123456789012:role/r"}}]
azure: [{{directory: {OTHER}, management_groups: [all]}}]
google: [{{folders: ["71"]}}]
"""
VAULT = f"/subscriptions/{UUID}/resourceGroups/Shop/providers/Microsoft.KeyVault/vaults/Keys"
GOOD = [
    "arn:aws:iam::123456789012:user/break-glass",
    "arn:aws:s3:::menus",
    "arn:aws-cn:ec2:cn-north-1:123456789012:instance/i-1",
    "arn:aws:cloudwatch:ap-northeast-1:123456789012:alarm:two words",
    "arn:aws:logs:ap-northeast-1:123456789012:log-group:/shop:*",
    VAULT,
    f"/tenants/{OTHER}/users/1",
    "/providers/Microsoft.Management/managementGroups/all",
    "//storage.googleapis.com/menus",
    "//iam.googleapis.com/projects/aozora-shop/serviceAccounts/1",
    f"kubernetes://{UUID}/apis/apps/v1/namespaces/shop/deployments/web",
    f"kubernetes://{UUID}",
]
IMPOSSIBLE = [
    "break-glass",
    "123456789012",
    "arn:aws:iam::123456789012:user/*",
    "arn:aws:iam::123456789012:user/break-glas?",
    "arn:aws:iam::12345678901:user/break-glass",
    "arn:aws:iam:123456789012:user/break-glass",
    "arn:aws:iam::123456789012",
    "ARN:aws:iam::123456789012:user/break-glass",
    "arn:AWS:iam::123456789012:user/break-glass",
    "arn:aws:IAM::123456789012:user/break-glass",
    "arn:aws:iam::123456789012:user/break-glass ",
    " arn:aws:iam::123456789012:user/break-glass",
    "arn:aws:iam::123456789012:user/break\u200bglass",
    "arn:aws:iam::*:user/break-glass",
    "arn:*",
    f"/subscriptions/{UUID[:-1]}/resourceGroups/shop",
    VAULT.replace("resourceGroups", "resourcegroups"),
    f"/Subscriptions/{UUID}/resourceGroups/shop",
    f"/subscriptions/{UUID}/resourceGroups/*",
    f"subscriptions/{UUID}/resourceGroups/shop",
    f"/subscriptions/{UUID}/resourceGroups/shop/",
    "/users/1",
    "//storage.example.com/menus",
    "//storage.googleapis.com/",
    "//storage.googleapis.com/menus*",
    "//Storage.googleapis.com/menus",
    "https://storage.googleapis.com/menus",
    f"kubernetes:/{UUID}/api/v1/namespaces/shop",
    f"Kubernetes://{UUID}/api/v1/namespaces/shop",
    f"kubernetes://{UUID}/namespaces/shop",
    "kubernetes://shop/api/v1/namespaces/shop",
]
ELSEWHERE = [
    ("arn:aws:iam::210987654321:user/break-glass", "the account 210987654321 is none of the tenant's"),
    ("arn:aws:iam::aws:policy/AdministratorAccess", "the account aws is none of the tenant's"),
    (VAULT.replace(UUID, OTHER), f"the subscription {OTHER} is none of the tenant's"),
    (f"/tenants/{UUID}/users/1", f"the directory {UUID} is none that is looked at"),
    ("//iam.googleapis.com/projects/other-shop/serviceAccounts/1", "the project other-shop is none of the tenant's"),
    (f"kubernetes://{OTHER}/api/v1/namespaces/shop", f"the cluster {OTHER} is none of the tenant's"),
]


def file_of(folder: Path, id_: str, places: str = PLACES) -> Path:
    file = folder / "t.yaml"
    quoted = id_.replace("\u200b", "\\u200b")
    file.write_text(f'{TENANT}{places}protected:\n  - "{quoted}"\n', encoding="utf-8")
    return file


POLICIES: list[Policy] = []


@pytest.mark.parametrize("id_", IMPOSSIBLE)
def test_what_no_resource_can_be_called_is_refused_at_its_place(tmp_path: Path, id_: str) -> None:
    file = file_of(tmp_path, id_)
    with pytest.raises(Refused) as refused:
        load_tenant(file, POLICIES)
    (fault,) = refused.value.faults
    assert (fault.line, fault.column) == (12, 5)
    assert repr(id_) in fault.problem


@pytest.mark.parametrize("id_", GOOD)
def test_what_can_be_one_of_the_tenant_s_is_taken_without_a_word(
    tmp_path: Path, nowhere_scanned: Home, id_: str
) -> None:
    file = file_of(tmp_path, id_)
    assert doubts(file, nowhere_scanned, load_tenant(file, POLICIES)) == []


@pytest.mark.parametrize(("id_", "why"), ELSEWHERE)
def test_what_lies_in_none_of_the_tenant_s_places_is_doubted(
    tmp_path: Path, nowhere_scanned: Home, id_: str, why: str
) -> None:
    file = file_of(tmp_path, id_)
    (doubt,) = doubts(file, nowhere_scanned, load_tenant(file, POLICIES))
    assert (doubt.line, why in doubt.problem) == (12, True)


@pytest.mark.parametrize("id_", [id_ for id_, _ in ELSEWHERE if id_.startswith(("arn:aws:iam::2", "/sub", "//iam"))])
def test_an_organisation_may_have_any_place(tmp_path: Path, nowhere_scanned: Home, id_: str) -> None:
    file = file_of(tmp_path, id_, GROUPS)
    assert doubts(file, nowhere_scanned, load_tenant(file, POLICIES)) == []


@pytest.mark.parametrize("id_", [VAULT, "//storage.googleapis.com/menus", f"kubernetes://{UUID}", f"/tenants/{UUID}/x"])
def test_another_cloud_s_id_is_doubted(tmp_path: Path, nowhere_scanned: Home, id_: str) -> None:
    file = file_of(tmp_path, id_, "")
    (doubt,) = doubts(file, nowhere_scanned, load_tenant(file, POLICIES))
    assert "protects nothing" in doubt.problem


@pytest.fixture
def nowhere_scanned(home: Home) -> Home:
    """Return stores without the tenant: nothing is known of its resources."""
    return home


def test_what_was_never_seen_is_doubted_once_the_tenant_was_scanned(tmp_path: Path, scanned: Home) -> None:
    with scanned.tenant(RECORDED.tenant).read() as reader:
        seen = next(one.resource for one in reader.findings() if one.resource.startswith("arn:aws:s3:::"))
    for id_, number in ((seen, 0), (seen.upper().replace("ARN:AWS:S3", "arn:aws:s3"), 1), (seen + "x", 1)):
        file = file_of(tmp_path, id_, "")
        found = doubts(file, scanned, load_tenant(file, POLICIES))
        assert len(found) == number
        assert all("capitals count" in doubt.problem for doubt in found)


def test_apply_says_so_and_applies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = ("--home", str(tmp_path / "home"))
    run(capsys, "init", *there)
    file = file_of(tmp_path, ELSEWHERE[0][0])
    status, out, err = run(capsys, "apply", str(file), *there)
    assert (status, "Applied as edition 1" in out, len(err)) == (0, True, 1)
    assert err[0].startswith(f"hinomi: {file}:12:5: ")
