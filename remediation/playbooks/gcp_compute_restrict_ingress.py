"""Firewall rules of a VPC network: the internet is taken out of a rule's sources, or the rule is disabled."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.playbook import Body, Faults, Playbook, found
from semantics.addresses import without_internet

_SOURCES = ("sourceRanges", "sourceServiceAccounts", "sourceTags")
_SERVICE = "//compute.googleapis.com/"


class RestrictIngress(Playbook):
    """Narrows where other ranges stay (Identity-Aware Proxy's, an office's), else disables: nothing is deleted."""

    id = "gcp.compute.restrict-ingress"
    kind = "gcp.compute.firewall"
    closes = ("gcp.compute.rdp-open-to-internet", "gcp.compute.ssh-open-to-internet")
    needs = (
        "compute.firewalls.get",
        "compute.firewalls.update",
        "compute.globalOperations.get",
        "compute.networks.updatePolicy",
    )
    fields = ("disabled", "sourceRanges", "sourceServiceAccounts", "sourceTags")
    settle_seconds = 120.0
    title = Text(
        en="Close firewall rules to the internet", ja="VPCファイアウォール ルールをインターネットに対して閉じる"
    )
    risk = Text(
        en="Whoever comes from the internet by the rule is locked out, on all its ports, administrators too.",
        ja="このルールでインターネットから接続している利用者は、管理者も含め、ルールの全ポートで接続できなくなる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Get the rule."""
        returned = found(cloud, Call("compute", "GET", {"path": _path(asset)}))
        return {name: returned[name] for name in self.fields if name in returned}

    def state(self, body: Mapping[str, Any]) -> State:
        """Its sources, and whether it is off: not stated is not."""
        sources = {name: list(body.get(name, ())) for name in _SOURCES}
        return sources | {"disabled": body.get("disabled", False)}

    def want(self, before: State, faults: Faults) -> State:
        """The ranges without the internet; off, where there are no other sources of whatever kind."""
        left = without_internet(before["sourceRanges"])
        stays = left or any(before[name] for name in _SOURCES if name != "sourceRanges")
        return before | ({"sourceRanges": left} if stays else {"disabled": True})

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Patch what differs: a field that is named is replaced whole."""
        differing = {name: value for name, value in after.items() if before.get(name) != value}
        return [Call("compute", "PATCH", {"path": _path(asset), "body": differing})]

    def cautions(self, asset: Asset, at: str) -> list[Text]:
        """Two persons where the rule opens more than one thing: all of it is closed."""
        return [_MORE] if len(asset.body.get("allowed", ())) > 1 else []


_MORE = Text(
    en="the rule allows more than what fails; all of it is closed to the internet",
    ja="不備のあるポート以外も同じルールで許可されており、まとめて閉じられる",
)


def _path(asset: Asset) -> str:
    return "/compute/v1/" + asset.resource.removeprefix(_SERVICE)


PLAYBOOK = RestrictIngress()
