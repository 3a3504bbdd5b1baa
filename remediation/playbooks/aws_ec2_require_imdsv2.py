"""The instance metadata service of EC2: version 2 only."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import asked, last_part
from remediation.playbook import Body, Faults, Gone, Playbook


class RequireImdsv2(Playbook):
    """Asks for session tokens; hop limit, endpoint and tags of the service stay as they are."""

    id = "aws.ec2.require-imdsv2"
    kind = "aws.ec2.instance"
    closes = ("aws.ec2.imds-v1-allowed",)
    needs = ("ec2:DescribeInstances", "ec2:ModifyInstanceMetadataOptions")
    fields = ("MetadataOptions",)
    title = Text(en="Require IMDSv2 on the instance", ja="EC2インスタンスでIMDSv2を必須にする")
    risk = Text(
        en="Software with an SDK that knows only IMDSv1 loses its credentials; containers need a hop limit of 2.",
        ja="IMDSv1のみに対応した古いSDKは認証情報を取得できなくなる。コンテナからの利用にはホップ数2以上が必要。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the instance."""
        returned = asked(cloud, Call("ec2", "describe_instances", {"InstanceIds": [last_part(asset)]}, asset.region))
        found = [instance for one in returned["Reservations"] for instance in one["Instances"]]
        if not found:
            raise Gone
        return {"MetadataOptions": found[0]["MetadataOptions"]} if "MetadataOptions" in found[0] else {}

    def state(self, body: Mapping[str, Any]) -> State:
        """The options without their state: pending or applied is no option."""
        options = body.get("MetadataOptions", {})
        return {"MetadataOptions": {name: value for name, value in options.items() if name != "State"}}

    def want(self, before: State, faults: Faults) -> State:
        """Tokens required, all else as before."""
        return {"MetadataOptions": before["MetadataOptions"] | {"HttpTokens": "required"}}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Send all options as they are to be: whatever a service makes of those that are not named."""
        # An instance without the option takes version 1, which is called optional.
        modify = {"InstanceId": last_part(asset), "HttpTokens": "optional"} | after["MetadataOptions"]
        return [Call("ec2", "modify_instance_metadata_options", modify, asset.region)]


PLAYBOOK = RequireImdsv2()
