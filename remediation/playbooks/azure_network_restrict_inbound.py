"""Network security groups: single rules that let the internet in are narrowed or deleted, the others stay."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.azure import call
from remediation.playbook import Body, Faults, Playbook, found
from semantics.azure.network_rules import internet_rules, without_internet_sources

_VERSION = "2023-09-01"
# What each policy asks of the rules: protocol and ports, none = any.
_ASKED: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "azure.network.http-open-to-internet": ("tcp", (80,)),
    "azure.network.rdp-open-to-internet": ("tcp", (3389,)),
    "azure.network.ssh-open-to-internet": ("tcp", (22,)),
    "azure.network.udp-open-to-internet": ("udp", ()),
}
_READ_ONLY = frozenset({"provisioningState"})


class RestrictInbound(Playbook):
    """Takes the internet out of a rule's sources; a rule that has no others is deleted."""

    id = "azure.network.restrict-inbound"
    kind = "azure.network.security-group"
    closes = tuple(_ASKED)
    needs = (
        "Microsoft.Network/networkSecurityGroups/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
    )
    fields = ("securityRules",)
    settle_seconds = 120.0
    title = Text(en="Close security group rules to the internet", ja="NSGの受信規則をインターネットに対して閉じる")
    risk = Text(
        en="Whoever comes from the internet by these rules is locked out, on all ports of a rule, administrators too.",
        ja="この規則でインターネットから接続している利用者は、管理者も含め、規則の全ポートで接続できなくなる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Get the group; each rule comes with its ETag."""
        returned = found(cloud, call("GET", asset.resource, _VERSION))
        return {"securityRules": (returned.get("properties") or {}).get("securityRules") or []}

    def state(self, body: Mapping[str, Any]) -> State:
        """Each rule under its name."""
        return {"rules": {rule["name"]: _rule(rule) for rule in body.get("securityRules", ())}}

    def want(self, before: State, faults: Faults) -> State:
        """Without the internet in the rules that let it in; narrowing one may show another behind it."""
        rules = dict(before["rules"])
        for policy in faults:
            while names := internet_rules(_listed(rules), *_ASKED[policy]):
                legitimate = without_internet_sources([one for name in names for one in _sources(rules[name])])
                for name in names:
                    if narrowed := _narrowed(rules[name], legitimate):
                        rules[name] = narrowed
                    else:
                        del rules[name]
        return {"rules": rules}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Put or delete each rule that differs, if nobody has changed it since (If-Match)."""
        calls = []
        for name in sorted(before["rules"].keys() | after["rules"].keys()):
            old, new = before["rules"].get(name), after["rules"].get(name)
            if old is not None and new is not None and _properties(old) == _properties(new):
                continue
            guard = {"if_match": old["_etag"]} if old and "_etag" in old else {}
            path = f"{asset.resource}/securityRules/{name}"
            if new is None:
                calls.append(call("DELETE", path, _VERSION, **guard))
            else:
                calls.append(call("PUT", path, _VERSION, body={"properties": _properties(new)}, **guard))
        return calls


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    returned = {
        name: value for name, value in rule["properties"].items() if name not in _READ_ONLY and value is not None
    }
    return returned | ({"_etag": rule["etag"]} if "etag" in rule else {})


def _properties(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if not name.startswith("_")}


def _listed(rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "properties": _properties(rule)} for name, rule in rules.items()]


def _sources(rule: Mapping[str, Any]) -> list[str]:
    single = rule.get("sourceAddressPrefix")
    return [*(rule.get("sourceAddressPrefixes") or []), *([single] if single else [])]


def _narrowed(rule: Mapping[str, Any], legitimate: Collection[str]) -> dict[str, Any]:
    """Return a rule with its legitimate sources only; empty where it has none."""
    left = [source for source in _sources(rule) if source in legitimate]
    if not left and not rule.get("sourceApplicationSecurityGroups"):
        return {}
    rest = {name: value for name, value in rule.items() if name != "sourceAddressPrefix"}
    return rest | {"sourceAddressPrefixes": left}


PLAYBOOK = RestrictInbound()
