"""S3 versioning: a bucket that had it once never gets rid of it, it can only be suspended."""

from collections.abc import Sequence

from msgspec import UnsetType

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.aws import asked
from remediation.playbook import Body, Faults, Playbook


class Versioning(Playbook):
    """Keeps what is overwritten and deleted from now on."""

    id = "aws.s3.versioning"
    kind = "aws.s3.bucket"
    closes = ("aws.s3.versioning-off",)
    needs = ("s3:GetBucketVersioning", "s3:PutBucketVersioning")
    fields = ("Versioning",)
    title = Text(en="Turn on versioning for the bucket", ja="バケットのバージョニングを有効にする")
    risk = Text(
        en="Storage grows with every overwritten and deleted object until a lifecycle rule removes old versions.",
        ja="上書き・削除のたびに旧バージョンが残り、ライフサイクルルールで整理しない限り保管料金が増加する。",
    )
    stays = Text(
        en="Versioning can be suspended, never turned off again; versions made meanwhile stay and are paid for.",
        ja="バージョニングは停止できるが、未設定の状態には戻せない。その間に作成されたバージョンは残り、課金も続く。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Ask for the bucket's versioning."""
        return {"Versioning": asked(cloud, Call("s3", "get_bucket_versioning", {"Bucket": asset.name}, asset.region))}

    def want(self, before: State, faults: Faults) -> State:
        """Enabled; whether deleting needs a second factor stays as it is."""
        return {"Versioning": before.get("Versioning", {}) | {"Status": "Enabled"}}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Put the status alone."""
        configuration = {"Status": after["Versioning"]["Status"]}
        put = {"Bucket": asset.name, "VersioningConfiguration": configuration}
        return [Call("s3", "put_bucket_versioning", put, asset.region)]

    def back(self, before: State, after: State) -> State | UnsetType:
        """Suspended at best."""
        return {"Versioning": after["Versioning"] | {"Status": "Suspended"}}

    def left_alone(self, asset: Asset) -> Text | None:
        """Return that a bucket with MFA delete is changed by the root user only."""
        return _MFA if asset.body.get("Versioning", {}).get("MFADelete") == "Enabled" else None


_MFA = Text(
    en="MFA delete is on: only the root user can change it",
    ja="MFA Deleteが有効なため、変更できるのはルートユーザーのみ",
)

PLAYBOOK = Versioning()
