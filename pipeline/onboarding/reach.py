"""What a customer's roles let us see, account by account."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from detectors.posture.judge import Moment
from model.asset import Asset, Listing
from model.fault import Refused
from model.tenant import Tenant
from pipeline.assembly import Catalog
from pipeline.scanning.survey import survey
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.gate import NotEntitled
from pipeline.world import World

# How providers write permissions: iam:GetUser, Microsoft.Sql/servers/read, cloudasset.assets.listResource.
_IN_ACTIONS = (":", "/", ".")
_DENIED = ("denied", "unauthorized", "forbidden", "authorizationfailed", "not permitted")


class Reach(Struct, frozen=True):
    """What can be seen of one account: why it cannot be entered, else which permissions are missing.

    `missing` names for each IAM action the kinds of resources that it keeps from us; `other` are causes that no
    permission would remedy; `unknown` are the policies that cannot be judged throughout.
    """

    account: str
    closed: str
    missing: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    unknown: list[str] = []

    @property
    def whole(self) -> bool:
        """Return whether everything could be seen."""
        return not (self.closed or self.missing or self.other or self.unknown)


def check(world: World, tenant: Tenant, catalog: Catalog) -> Iterator[Reach]:
    """Yield for each account of a tenant what can be seen of it, for the catalog's types, by its policies.

    The world leads there; nothing is recorded but the tenant's external id, where it has none yet. Raises `NotEntitled`
    where the contract does not allow it.
    """
    entrance, clock = Entrance(world, tenant, "onboard"), world.clock
    scopes = entrance.scopes()
    for account, cause in (scopes.closed | scopes.resting).items():
        yield Reach(account, cause)
    for scope in scopes.found:
        try:
            types = catalog.types.get(scope.provider, ())
            collector = entrance.opening(scope).connect(scope, types, clock)
        except NotEntitled:
            raise
        except Refused as refused:
            yield Reach(scope.id, str(refused))
            continue
        gaps: dict[str, set[str]] = defaultdict(set)
        unknown: set[str] = set()
        for observation in survey(collector, catalog, Moment(clock.now(), {}), world.checkov()):
            for cause in _causes(observation.seen):
                gaps[cause].add(observation.seen.kind if observation.seen else "")
            unknown |= {verdict.policy for verdict in observation.verdicts if verdict.status == "unknown"}
        yield _reach(scope.id, gaps, unknown)


def _causes(seen: Asset | Listing | None) -> list[str]:
    if isinstance(seen, Asset):
        return list(seen.unknown.values())
    return [seen.cause] if seen and seen.cause else []


def _reach(account: str, gaps: dict[str, set[str]], unknown: set[str]) -> Reach:
    missing: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for cause, kinds in sorted(gaps.items()):
        action, _, code = cause.partition(" ")
        if any(mark in action for mark in _IN_ACTIONS) and any(word in code.lower() for word in _DENIED):
            missing[action] = sorted({*missing.get(action, []), *kinds})
        else:
            other[cause] = sorted(kinds)
    return Reach(account, "", missing, other, sorted(unknown))
