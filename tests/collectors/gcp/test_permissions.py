"""The role in Google Cloud: equal to what is really asked, and reading only."""

import json
import re
from pathlib import Path

import pytest

from clouds.gcp.login import Login, open_client, place
from collectors.gcp import permissions, resource_types
from collectors.gcp.collector import GcpCollector
from tests.conftest import MovingClock
from tests.servers.gcp_server import AssetServer, serving

TYPES = resource_types.load()
SERVED = json.loads((Path(__file__).parent.parent.parent / "data" / "gcp" / "assets.json").read_text(encoding="utf-8"))
# By https://docs.cloud.google.com/asset-inventory/docs/list-assets: the permission for each content type.
DOCUMENTED = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
    "ORG_POLICY": "cloudasset.assets.listOrgPolicy",
}


@pytest.mark.process
def test_the_role_equals_what_is_really_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    server = AssetServer(SERVED)
    with serving(server) as endpoint:
        monkeypatch.setenv("HINOMI_GCP_ENDPOINT", endpoint)
        list(GcpCollector(open_client(Login(), MovingClock()), place("projects/aozora-shop"), TYPES).collect())
    asked = {DOCUMENTED[call.content] for call in server.calls}
    assert set(permissions.permissions(TYPES)) == asked | {"serviceusage.services.use"}


def test_types_without_policies_need_no_permission_for_them() -> None:
    bare = [type_.narrowed({"name"}) for type_ in TYPES]
    assert permissions.permissions(bare) == ["cloudasset.assets.listResource", "serviceusage.services.use"]


def test_the_role_is_of_the_form_that_iam_takes() -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/organizations.roles"""
    role = permissions.role(TYPES)
    assert set(role) == {"title", "description", "stage", "includedPermissions"}
    assert role["stage"] == "GA"
    assert len(role["title"]) <= 100
    assert len(role["description"]) <= 256
    assert re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", permissions.ROLE_ID)
    assert all(re.fullmatch(r"[a-z]+\.[a-zA-Z]+\.(list[A-Za-z]+|use)", each) for each in role["includedPermissions"])


def test_terraform_has_the_same_permissions_for_a_project_and_an_organisation() -> None:
    resources = permissions.terraform(TYPES)["resource"]
    for kind in ("google_project_iam_custom_role", "google_organization_iam_custom_role"):
        assert resources[kind]["hinomi"]["permissions"] == permissions.permissions(TYPES)
        assert resources[kind]["hinomi"]["role_id"] == permissions.ROLE_ID
    assert set(permissions.terraform(TYPES)["variable"]) == {"organization_id", "project_id", "service_account"}
