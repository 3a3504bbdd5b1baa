"""Resources of Azure, Google Cloud and Kubernetes that have faults which playbooks remove."""

from typing import Any

Row = dict[str, Any]


DIRECTORY = "33333333-3333-4333-8333-333333333333"


SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"


GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"


def rule(name: str, priority: int, port: str, **sources: Any) -> Row:
    properties: Row = {"protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": port, "access": "Allow"}
    properties |= {"destinationAddressPrefix": "*", "priority": priority, "direction": "Inbound", "description": name}
    return {"name": name, "properties": properties | sources}


def security_group() -> Row:
    rules = [
        rule("https", 100, "443", sourceAddressPrefix="Internet"),
        rule("ssh", 110, "22", sourceAddressPrefix="*"),
        rule("rdp", 120, "3389", sourceAddressPrefixes=["198.51.100.0/24", "0.0.0.0/0"]),
    ]
    return azure_row("Microsoft.Network/networkSecurityGroups", "web", securityRules=rules)


def azure_row(type_: str, name: str, **properties: Any) -> Row:
    id_ = f"{GROUP}/{type_}/{name}"
    row = {"id": id_, "name": name, "type": type_.lower(), "location": "japaneast", "tags": {"system": "shop"}}
    return row | {"properties": properties}


PROJECT = "aozora-shop"


def firewall(name: str, **data: Any) -> Row:
    full = f"projects/{PROJECT}/global/firewalls/{name}"
    reported = {"name": name, "direction": "INGRESS", "priority": 1000, "description": name, "network": "default"}
    resource = {"version": "v1", "data": reported | {"allowed": [{"IPProtocol": "tcp", "ports": ["22"]}]} | data}
    return {
        "name": f"//compute.googleapis.com/{full}",
        "assetType": "compute.googleapis.com/Firewall",
        "ancestors": ["projects/1"],
        "resource": resource,
    }


def account(namespace: str, **more: Any) -> Row:
    metadata = {"name": "default", "namespace": namespace, "labels": {"team": "shop"}, "uid": f"u-{namespace}"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "secrets": [{"name": "s"}]} | more
