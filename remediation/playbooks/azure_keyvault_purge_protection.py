"""Purge protection of a key vault: once on, it stays on."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.azure import call, properties
from remediation.playbook import Body, Faults, Playbook

_VERSION = "2023-07-01"


class PurgeProtection(Playbook):
    """Keeps deleted keys and secrets for the retention time, whoever wants them gone."""

    id = "azure.keyvault.purge-protection"
    kind = "azure.keyvault.vault"
    closes = ("azure.keyvault.purge-protection-off",)
    needs = ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/write")
    fields = ("enablePurgeProtection", "enableSoftDelete")
    persons = 2
    title = Text(en="Turn on purge protection of the key vault", ja="Key Vaultの消去保護を有効にする")
    risk = Text(
        en="Nobody can purge the vault or anything in it before its retention time ends; its name stays taken so long.",
        ja="保持期間が終わるまで、Vaultとその中身を完全に消去できない。その間、Vaultの名前も再利用できない。",
    )
    stays = Text(
        en="Azure does not let anybody turn purge protection off again.",
        ja="消去保護は、一度有効にすると誰も無効に戻せない（Azureの仕様）。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Get the vault."""
        return properties(cloud, asset, _VERSION, self.fields)

    def want(self, before: State, faults: Faults) -> State:
        """On, and soft delete with it where that was off."""
        soft = {"enableSoftDelete": True} if before.get("enableSoftDelete") is False else {}
        return before | {"enablePurgeProtection": True} | soft

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Patch what differs."""
        differing = {name: value for name, value in after.items() if before.get(name) != value}
        return [call("PATCH", asset.resource, _VERSION, body={"properties": differing})]

    def back(self, before: State, after: State) -> State | UnsetType:
        """Return that there is no way back."""
        return UNSET


PLAYBOOK = PurgeProtection()
