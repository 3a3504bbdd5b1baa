"""The account's password policy: one call replaces all of it, so the stricter of both is sent whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import asked, region_of
from remediation.playbook import Body, Faults, Gone, Playbook

_REPORTED_ONLY = "ExpirePasswords"  # follows from MaxPasswordAge
_LEAST_LENGTH, _REMEMBERED = 14, 24


class StrengthenPasswordPolicy(Playbook):
    """Raises what is too weak, and never lowers what is stricter already."""

    id = "aws.iam.strengthen-password-policy"
    kind = "aws.iam.password-policy"
    closes = ("aws.iam.password-minimum-length-short", "aws.iam.password-reuse-allowed")
    needs = ("iam:DeleteAccountPasswordPolicy", "iam:GetAccountPasswordPolicy", "iam:UpdateAccountPasswordPolicy")
    fields = ("Policy",)
    title = Text(en="Strengthen the account's password policy", ja="アカウントのパスワードポリシーを強化する")
    risk = Text(
        en="People who change their password have to choose a longer one that they have not used before.",
        ja="次回のパスワード変更時から、より長く、過去に使用していないパスワードの設定が必要になる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the policy; none is none."""
        try:
            returned = asked(cloud, Call("iam", "get_account_password_policy", {}, region_of(asset)))
        except Gone:  # NoSuchEntity: it is the policy that there is none of
            return {}
        return {"Policy": returned["PasswordPolicy"]}

    def state(self, body: Mapping[str, Any]) -> State:
        """The settings that can be set."""
        if "Policy" not in body:
            return {}
        return {"Policy": {name: value for name, value in body["Policy"].items() if name != _REPORTED_ONLY}}

    def want(self, before: State, faults: Faults) -> State:
        """The stricter of both for what fails."""
        policy = dict(before.get("Policy", {}))
        if "aws.iam.password-minimum-length-short" in faults:
            policy["MinimumPasswordLength"] = max(_LEAST_LENGTH, policy.get("MinimumPasswordLength", 0))
        if "aws.iam.password-reuse-allowed" in faults:
            policy["PasswordReusePrevention"] = max(_REMEMBERED, policy.get("PasswordReusePrevention", 0))
        return {"Policy": policy}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Send the whole policy: what is left out falls back to its default (IAM API, UpdateAccountPasswordPolicy)."""
        if "Policy" not in after:
            return [Call("iam", "delete_account_password_policy", {}, region_of(asset))]
        return [Call("iam", "update_account_password_policy", dict(after["Policy"]), region_of(asset))]


PLAYBOOK = StrengthenPasswordPolicy()
