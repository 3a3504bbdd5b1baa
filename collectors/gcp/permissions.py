"""The read-only role that a customer gives us in Google Cloud: made from the types, nothing more.

`roles/cloudasset.viewer` with `roles/serviceusage.serviceUsageConsumer` is Google's own for the same; it may search
and analyse too.
"""

from collections.abc import Iterable
from typing import Any

from collectors.gcp.reading import PERMISSIONS
from collectors.gcp.resource_types import IAM, ORG, ResourceType, details

ROLE_ID = "hinomiRead"
_TITLE = "Hinomi read"
_DESCRIPTION = (
    "Lists resources and the policies that are set on them, by Cloud Asset; reads no data and changes nothing"
)
# What lets calls count for the project that is named for the quota.
_QUOTA = "serviceusage.services.use"


def permissions(types: Iterable[ResourceType]) -> list[str]:
    """Return the permissions that looking for these types takes, sorted."""
    wanted = {name for type_ in types for name in details(type_.form)}
    asked = {PERMISSIONS["RESOURCE"], _QUOTA}
    asked |= {PERMISSIONS["IAM_POLICY"]} if IAM in wanted else set()
    asked |= {PERMISSIONS["ORG_POLICY"]} if ORG in wanted else set()
    return sorted(asked)


def role(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return the role as `gcloud iam roles create hinomiRead --file` takes it, for a project or an organisation."""
    return {
        "title": _TITLE,
        "description": _DESCRIPTION,
        "stage": "GA",
        "includedPermissions": permissions(types),
    }


def terraform(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return the role and who has it in Terraform's JSON syntax (a file named `*.tf.json`).

    With `organization_id` it is the organisation's, else the project's.
    """
    own = {"role_id": ROLE_ID, "title": _TITLE, "description": _DESCRIPTION, "permissions": permissions(types)}
    of_organization = {"count": '${var.organization_id == "" ? 0 : 1}', "org_id": "${var.organization_id}"}
    of_project = {"count": '${var.organization_id == "" ? 1 : 0}', "project": "${var.project_id}"}
    member = {"member": "serviceAccount:${var.service_account}"}
    return {
        "variable": {
            "organization_id": _variable("Number of the organisation; empty: the project alone is looked at", ""),
            "project_id": _variable("Id of the project; needed without an organisation", ""),
            "service_account": _variable("Address of the service account that looks"),
        },
        "resource": {
            "google_organization_iam_custom_role": {"hinomi": of_organization | own},
            "google_project_iam_custom_role": {"hinomi": of_project | own},
            "google_organization_iam_member": {
                "hinomi": of_organization | member | {"role": "${google_organization_iam_custom_role.hinomi[0].id}"}
            },
            "google_project_iam_member": {
                "hinomi": of_project | member | {"role": "${google_project_iam_custom_role.hinomi[0].id}"}
            },
        },
    }


def _variable(description: str, default: str | None = None) -> dict[str, str]:
    return {"type": "string", "description": description} | ({} if default is None else {"default": default})
