"""Security groups: single ranges that are open to the internet are revoked, all other rules stay untouched."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import asked, last_part
from remediation.playbook import Body, Faults, Playbook
from semantics.addresses import without_internet


class RestrictIngress(Playbook):
    """Takes the internet out of the permissions that fail; other ranges of the same ports stay."""

    id = "aws.ec2.restrict-ingress"
    kind = "aws.ec2.security-group"
    closes = (
        "aws.ec2.all-ports-open-to-internet",
        "aws.ec2.high-risk-port-open-to-internet",
        "aws.ec2.rdp-open-to-internet",
        "aws.ec2.smb-open-to-internet",
        "aws.ec2.ssh-open-to-internet",
    )
    needs = (
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateTags",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:RevokeSecurityGroupIngress",
    )
    fields = ("IpPermissions",)
    users = (
        "aws.ec2.instance",
        "aws.ecs.service",
        "aws.elbv2.load-balancer",
        "aws.lambda.function",
        "aws.rds.instance",
    )
    known_as = "GroupId"
    title = Text(
        en="Revoke security group rules that are open to the internet",
        ja="セキュリティグループから、インターネットに開放されたルールを削除する",
    )
    risk = Text(
        en="Whoever reaches the ports from outside by these rules is locked out, administrators too; "
        "connections that stand already stay open.",
        ja="このルールで外部から接続している利用者は、管理者も含めて接続できなくなる。確立済みの接続は維持される。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the group, and for its rules' tags, which come back with them."""
        group = last_part(asset)
        returned = asked(cloud, Call("ec2", "describe_security_groups", {"GroupIds": [group]}, asset.region))
        wanted = {"Filters": [{"Name": "group-id", "Values": [group]}]}
        rules = asked(cloud, Call("ec2", "describe_security_group_rules", wanted, asset.region))
        permissions = returned["SecurityGroups"][0].get("IpPermissions", [])
        return {"IpPermissions": permissions, "_tags": dict(_tagged(rules["SecurityGroupRules"]))}

    def state(self, body: Mapping[str, Any]) -> State:
        """Each range of each permission under its own content."""
        tags = body.get("_tags", {})
        rules: State = {}
        for permission in body.get("IpPermissions", ()):
            for cidr, description in _ranges(permission):
                key = f"{_ports(permission)} {cidr}"
                rule = {"description": description} if description else {}
                rules[key] = rule | ({"_tags": tags[key]} if key in tags else {})
        return {"rules": rules}

    def want(self, before: State, faults: Faults) -> State:
        """Without the ranges that are the internet, alone or together, in the permissions that failed."""
        failing = {key for keys in faults.values() for key in keys}
        ranges = {key: cidr for key in before["rules"] for ports, _, cidr in [key.partition(" ")] if ports in failing}
        left = set(without_internet(list(ranges.values())))
        return {"rules": {key: rule for key, rule in before["rules"].items() if ranges.get(key, "") in {"", *left}}}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Revoke what is no more, range by range in one call; authorise what is back, with description and tags."""
        group, calls = last_part(asset), []
        gone = [_permission(key) for key in before["rules"] if key not in after["rules"]]
        if gone:
            revoke = {"GroupId": group, "IpPermissions": gone}
            calls.append(Call("ec2", "revoke_security_group_ingress", revoke, asset.region))
        for key, rule in after["rules"].items():
            if key not in before["rules"]:
                authorize = {"GroupId": group, "IpPermissions": [_permission(key, rule.get("description", ""))]}
                if rule.get("_tags"):
                    tags = {"ResourceType": "security-group-rule", "Tags": rule["_tags"]}
                    authorize |= {"TagSpecifications": [tags]}
                calls.append(Call("ec2", "authorize_security_group_ingress", authorize, asset.region))
        return calls


def _ports(permission: Mapping[str, Any]) -> str:
    """Return a permission as its policies name it: protocol, first and last port (-1 where there are none)."""
    return f"{permission['IpProtocol']}:{permission.get('FromPort', -1)}:{permission.get('ToPort', -1)}"


def _ranges(permission: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in permission.get("IpRanges", ()):
        yield one["CidrIp"], one.get("Description", "")
    for one in permission.get("Ipv6Ranges", ()):
        yield one["CidrIpv6"], one.get("Description", "")


def _tagged(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for rule in rules:
        cidr = rule.get("CidrIpv4") or rule.get("CidrIpv6")
        if cidr and not rule.get("IsEgress") and rule.get("Tags"):
            yield f"{_ports(rule)} {cidr}", rule["Tags"]


def _permission(key: str, description: str = "") -> dict[str, Any]:
    """Return one range as the API takes it."""
    ports, _, cidr = key.partition(" ")
    protocol, low, high = ports.split(":")
    returned = {"Description": description} if description else {}
    ranges = (
        {"Ipv6Ranges": [{"CidrIpv6": cidr} | returned]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr} | returned]}
    )
    spoken: dict[str, Any] = {"IpProtocol": protocol}
    return (spoken if protocol == "-1" else spoken | {"FromPort": int(low), "ToPort": int(high)}) | ranges


PLAYBOOK = RestrictIngress()
