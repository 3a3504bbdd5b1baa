"""S3 Block Public Access on a bucket: an absent configuration is a state of its own."""

from collections.abc import Sequence

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import S3_SWITCHES, detail, ending_in
from remediation.playbook import Body, Faults, Playbook
from semantics.aws.policy_documents import public_statements


class BlockPublicAccess(Playbook):
    """Changes who may read and write, never what is stored."""

    id = "aws.s3.block-public-access"
    kind = "aws.s3.bucket"
    closes = ("aws.s3.public-access-block-off",)
    needs = ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock")
    fields = ("PublicAccessBlock",)
    title = Text(
        en="Turn on S3 Block Public Access for the bucket", ja="バケットのS3ブロックパブリックアクセスを有効にする"
    )
    risk = Text(
        en="Websites and other accounts that rely on a public ACL or policy of the bucket lose access at once.",
        ja="パブリックなACLやバケットポリシーに依存するWebサイト公開や他アカウントからの読み取りは、ただちに遮断される。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the configuration; none is none."""
        call = Call("s3", "get_public_access_block", {"Bucket": asset.name}, asset.region)
        return detail(cloud, call, "PublicAccessBlock", "PublicAccessBlockConfiguration", _ABSENT)

    def want(self, before: State, faults: Faults) -> State:
        """All four switches on."""
        return before | {"PublicAccessBlock": dict.fromkeys(S3_SWITCHES, True)}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Put the configuration, or delete it where there was none."""
        bucket = {"Bucket": asset.name}
        if "PublicAccessBlock" not in after:
            return [Call("s3", "delete_public_access_block", bucket, asset.region)]
        put = bucket | {"PublicAccessBlockConfiguration": after["PublicAccessBlock"]}
        return [Call("s3", "put_public_access_block", put, asset.region)]

    def cautions(self, asset: Asset, at: str) -> list[Text]:
        """Two persons where a policy or an ACL of the bucket makes something public now, or nobody could read them."""
        if asset.unknown.keys() & {"Policy", "Grants"}:
            return [_NOT_KNOWN]
        granted = any(ending_in(grant, _EVERYONE) for grant in asset.body.get("Grants", ()))
        return [_PUBLIC_NOW] if granted or public_statements(asset.body.get("Policy")) else []

    def patch(self, tool: str, asset: Asset, after: State) -> str:
        """Return the property of the bucket's template."""
        return _PATCHES.get(tool, "")


_ABSENT = frozenset({"NoSuchPublicAccessBlockConfiguration"})
_NOT_KNOWN = Text(
    en="whether the bucket is public now could not be read", ja="現在公開されているかどうかを読み取れなかった"
)
_PUBLIC_NOW = Text(
    en="the bucket's policy or ACL lets everyone in now", ja="現在、バケットポリシーまたはACLで全員に公開されている"
)
_EVERYONE = ("/global/AllUsers", "/global/AuthenticatedUsers")
_PATCHES = {
    "cloudformation": """\
PublicAccessBlockConfiguration:
  BlockPublicAcls: true
  BlockPublicPolicy: true
  IgnorePublicAcls: true
  RestrictPublicBuckets: true
""",
    "terraform": """\
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
""",
}

PLAYBOOK = BlockPublicAccess()
