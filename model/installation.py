"""The installation's own file: where its stores are, where its people sign in."""

from typing import Annotated

from msgspec import Meta, Struct

from model.service_provider import ProviderId, ServiceProvider, ServiceProviders
from model.tenant import Channel, Reference, TenantId, Url

PrincipalArn = Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[\w+=,.@/-]+)$(?!\n)")]
Grant = Annotated[str, Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|(profile|context):.+)$(?!\n)")]

NetworkText = Annotated[str, Meta(min_length=1, max_length=60)]
TenantOrAll = Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9]*(-[a-z0-9]+)*)$(?!\n)", max_length=40)]
ProgramPath = Annotated[str, Meta(pattern=r"^/[^\0]*[^/\0]$(?!\n)")]
VariableName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)")]


class OpenId(Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID provider with device codes (RFC 8628), and this installation as its client.

    The endpoint for device codes is named only where the provider's own metadata leaves it out.
    """

    issuer: Url
    client_id: Annotated[str, Meta(min_length=1)]
    client_secret: Reference | None = None
    device_authorization_endpoint: Url | None = None


class Outgoing(Struct, frozen=True, forbid_unknown_fields=True):
    """Where tenants' files may lead beside the public internet.

    `allow` are networks or addresses (CIDR) for all tenants, or by tenant; those of `*` are for all.
    """

    allow: list[NetworkText] | dict[TenantOrAll, list[NetworkText]] = []

    def networks(self, tenant: str) -> list[str]:
        """Return the networks of a tenant."""
        if isinstance(self.allow, list):
            return self.allow
        return [*self.allow.get("*", ()), *self.allow.get(tenant, ())]


class Kubeconfigs(Struct, frozen=True, forbid_unknown_fields=True):
    """What kubeconfigs may start (`exec`).

    `exec_allow` are the programs that those of tenants' files may name. `exec_environment` are the variables of the
    service that programs see, whoever's kubeconfig names them.
    """

    exec_allow: list[ProgramPath] = []
    exec_environment: list[VariableName] = []


class Installation(Struct, frozen=True, forbid_unknown_fields=True):
    """`installation.yaml` of a home; every key may be left out.

    `database` is a PostgreSQL URL without a password, empty for SQLite files in the home. `aws_principal` is who
    assumes the customers' roles. `workers` is the most scans that one `hinomi serve` has under way at once. `grants`
    are by tenant the references, word for word, that its file may name beside those that are its own by default.
    `outgoing` and `kubernetes` say how far tenants' files lead outside. `contract_channels` are where the provider's
    own people are reminded of what contracts ask of them.
    `proxies` are the addresses or networks of the reverse proxies before the API, whose `X-Forwarded-For` is believed.
    `providers` are the companies that contracts are with, by id; `provider` is the one of a contract that names none,
    which may be left out where there is one alone.
    """

    database: str = ""
    sign_in: OpenId | None = None
    aws_principal: PrincipalArn | None = None
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    grants: dict[TenantId, list[Grant]] = {}
    outgoing: Outgoing = Outgoing()
    kubernetes: Kubeconfigs = Kubeconfigs()
    proxies: list[str] = []
    contract_channels: list[Channel] = []
    providers: dict[ProviderId, ServiceProvider] = {}
    provider: ProviderId | None = None

    @property
    def service_providers(self) -> ServiceProviders:
        """Return the providers with the default one: the one that is named, else the one that is there."""
        return ServiceProviders(self.providers, self.provider or next(iter(self.providers), ""))
