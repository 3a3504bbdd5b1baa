"""What no plan ever touches: our own way in, what the customer keeps for emergencies, the last administrator; pure."""

from collections.abc import Collection

from msgspec import Struct

from model.asset import Asset
from model.tenant import Tenant
from model.text import Text

# The policy whose findings name the people who administer an account; roles that services use do not help anybody in.
ADMINISTRATORS = "aws.iam.user-administrator"

_OURS = Text(en="it is our own way in", ja="本サービス自身が使用している")
_KEPT = Text(
    en="the tenant's file protects it (`protected`)", ja="テナントの登録ファイルで保護対象に指定されている（protected）"
)
_LAST = Text(en="it belongs to the last administrator of the account", ja="アカウントの最後の管理者に属している")


class Never(Struct, frozen=True):
    """States why a resource must not be touched; `administrators` are the users known to be that, by resource."""

    tenant: Tenant
    administrators: Collection[str] = frozenset()

    def why(self, asset: Asset) -> Text | None:
        """Return why a resource is left alone; None where nothing forbids it."""
        if _is_own(self.tenant, asset.resource):
            return _OURS
        if asset.resource in self.tenant.protected:
            return _KEPT
        others = {one for one in self.administrators if _account(one) == asset.scope and one != asset.resource}
        if asset.resource in self.administrators and not others:
            return _LAST
        return None


def _is_own(tenant: Tenant, resource: str) -> bool:
    """Return whether a resource is an identity by which we enter, as far as the tenant's file names them."""
    read = [scope.role for scope in tenant.scopes]
    write = [scope.write.role for scope in tenant.scopes if scope.write]
    lists = [organization.role for organization in tenant.organizations]
    members = {name for one in tenant.organizations for name in (one.member_role, one.write_role)}
    return resource in {*read, *write, *lists} or resource.partition(":role/")[2] in members - {None}


def _account(arn: str) -> str:
    return (arn.split(":") + [""] * 5)[4]
