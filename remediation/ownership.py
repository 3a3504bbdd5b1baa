"""Which infrastructure code a resource belongs to, by the marks that tools leave on what they make; pure."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from model.asset import Asset, tags_of

# Tags and labels that only the tool itself sets, and those that people set by its conventions.
_MARKS = {
    "aws:cloudformation:stack-name": "cloudformation",  # AWS CloudFormation: resource tags
    "goog-terraform-provisioned": "terraform",  # the Google provider's attribution label
    "argocd.argoproj.io/instance": "argocd",  # Argo CD: resource tracking by label
    "app.kubernetes.io/managed-by": "",  # Kubernetes: recommended labels; the value names the tool
    "managed-by": "",
    "ManagedBy": "",
    "managed_by": "",
}
_ANNOTATIONS = {
    "meta.helm.sh/release-name": "helm",  # Helm: ownership of resources
    "argocd.argoproj.io/tracking-id": "argocd",
}
_TOOLS = frozenset({"argocd", "cloudformation", "helm", "terraform"})


class Owner(Struct, frozen=True):
    """The tool that a resource belongs to, and what it calls the whole; the name may be empty."""

    tool: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.tool} {self.name}".strip()


def owner_of(asset: Asset) -> Owner | None:
    """Return whose a resource is, None where no mark says so."""
    for tag in sorted(tags_of(asset.body)):
        key, _, value = tag.partition("=")
        if key in _MARKS and (tool := _MARKS[key] or value.lower()) in _TOOLS:
            return Owner(tool, value if _MARKS[key] and value.lower() != "true" else "")
    for key, tool in _ANNOTATIONS.items():
        if name := _annotations(asset.body).get(key):
            return Owner(tool, str(name))
    return None


def _annotations(body: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = body.get("metadata")
    returned = metadata.get("annotations") if isinstance(metadata, dict) else None
    return returned if isinstance(returned, dict) else {}
