"""S3 Block Public Access for a whole account."""

from collections.abc import Sequence

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import S3_SWITCHES, detail, region_of
from remediation.playbook import Body, Faults, Playbook


class AccountBlockPublicAccess(Playbook):
    """Closes every bucket of the account at once, those that are public on purpose too: always two persons."""

    id = "aws.s3.account-block-public-access"
    kind = "aws.s3.account-block"
    closes = ("aws.s3.account-public-access-block-off",)
    needs = ("s3:GetAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock")
    fields = ("PublicAccessBlock",)
    persons = 2
    title = Text(
        en="Turn on S3 Block Public Access for the account",
        ja="アカウント単位のS3ブロックパブリックアクセスを有効にする",
    )
    risk = Text(
        en="Every bucket that is public on purpose stops being so, and no exception can be made for a single one.",
        ja="意図して公開しているバケットもすべて非公開になり、バケット単位の例外は設けられない。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the account's configuration; none is none."""
        call = Call("s3control", "get_public_access_block", {"AccountId": asset.scope}, region_of(asset))
        absent = {"NoSuchPublicAccessBlockConfiguration"}
        return detail(cloud, call, "PublicAccessBlock", "PublicAccessBlockConfiguration", absent)

    def want(self, before: State, faults: Faults) -> State:
        """All four switches on."""
        return {"PublicAccessBlock": dict.fromkeys(S3_SWITCHES, True)}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Put the configuration, or delete it where there was none."""
        account, region = {"AccountId": asset.scope}, region_of(asset)
        if "PublicAccessBlock" not in after:
            return [Call("s3control", "delete_public_access_block", account, region)]
        put = account | {"PublicAccessBlockConfiguration": after["PublicAccessBlock"]}
        return [Call("s3control", "put_public_access_block", put, region)]


PLAYBOOK = AccountBlockPublicAccess()
