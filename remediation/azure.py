"""What playbooks of Azure share."""

from collections.abc import Collection
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from remediation.playbook import Body, found


def properties(cloud: WriteCloud, asset: Asset, version: str, fields: Collection[str]) -> Body:
    """Return fields of an asset as its inventory has them: properties stand beside the id (docs/decisions/0012).

    The cloud is asked by this version of its API.
    """
    returned = found(cloud, call("GET", asset.resource, version)).get("properties") or {}
    return {name: returned[name] for name in fields if returned.get(name) is not None}


def call(op: str, path: str, version: str, **args: Any) -> Call:
    """Return a call to Resource Manager: the method `op` at a path, in a version of its API; `args` are added."""
    return Call("management", op, {"path": path, "query": {"api-version": version}} | args)
