"""Which places a tenant has: those that its file names, and those of its organisations as they are now."""

import uuid

from msgspec import Struct
from msgspec.structs import replace

from model.clock import Clock
from model.fault import Refused
from model.tenant import Tenant
from pipeline.bounds import Bounds
from pipeline.providers.provider import Feed, Providers, Scope, groups_of
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import UNBOUND, TenantSecrets
from pipeline.world import World


class Scopes(Struct, frozen=True):
    """The places that were found.

    `closed` states of each organisation that could not be listed, `resting` of each account that nobody can enter for
    now, and why.
    """

    found: tuple[Scope, ...]
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}

    @property
    def whole(self) -> bool:
        """Return whether these are all places: else one that is missing may be there all the same."""
        return not self.closed


def scopes_of(world: World, tenant: Tenant) -> Scopes:
    """Return the places that a tenant has now; roles ask for its own external id."""
    own = world.home.external_id(tenant.tenant, new_external_id())
    return discovered(tenant, own, world.clock, world.providers, world.secrets(tenant), world.bounds(tenant))


def feeds_of(world: World, tenant: Tenant) -> list[Feed]:
    """Return where a tenant's logs are fetched, as its file says; roles ask for its own external id."""
    own, secrets = world.home.external_id(tenant.tenant, new_external_id()), world.secrets(tenant)
    feeds = (one.feeds for one in world.providers if one.feeds)
    return [replace(feed, secrets=secrets) for each in feeds for feed in each.named(tenant, own)]


def named(tenant: Tenant, external_id: str = "", providers: Providers = PROVIDERS) -> Scopes:
    """Return the places of these providers that the tenant's file names; roles ask for an external id, if any."""
    return Scopes(tuple(scope for one in providers for scope in one.file.scopes(tenant, external_id)))


def discovered(
    tenant: Tenant,
    external_id: str,
    clock: Clock,
    providers: Providers = PROVIDERS,
    secrets: TenantSecrets = UNBOUND,
    bounds: Bounds = Bounds(),
) -> Scopes:
    """Return the named places of these providers and the organisations' members, each once.

    They are bound to the secrets and the bounds. Roles ask for the tenant's external id; the clock waits between tries.
    """
    found = {scope.id: scope for scope in named(tenant, external_id, providers).found}
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}
    for organisations in (one.organisations for one in providers if one.organisations):
        for group in (replace(one, secrets=secrets) for one in organisations.groups(tenant)):
            try:
                listed = organisations.members(group, external_id, clock)
            except Refused as refused:
                closed[group.id] = f"what stands in {group.id} cannot be listed: {refused}"
                continue
            if (
                not listed.active and not listed.resting
            ):  # a reply that shows none may be no reply of the organisation's
                closed[group.id] = f"what stands in {group.id} cannot be listed: the listing is empty"
            for member in listed.active:
                if member not in group.exclude:
                    found.setdefault(member, organisations.scope(group, member, external_id))
            resting |= {member: why for member, why in listed.resting.items() if member not in group.exclude}
    bound = tuple(replace(scope, secrets=secrets, bounds=bounds) for scope in found.values())
    return Scopes(bound, closed, {member: resting[member] for member in resting.keys() - found.keys()})


def group_names(tenant: Tenant, providers: Providers = PROVIDERS) -> list[str]:
    """Return the organisations, management groups and folders that the tenant's file names."""
    return [group.id for group in groups_of(tenant, providers)]


def new_external_id() -> str:
    """Return an external id that nobody can guess."""
    return str(uuid.uuid4())
