"""What one cloud is to the program: a record of plain functions, which import the cloud's SDK when they are called."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from msgspec import Struct

from model.fault import Refused
from pipeline.bounds import Bounds
from pipeline.secrets import UNBOUND, TenantSecrets

if TYPE_CHECKING:
    from catalog.yaml_reader import Document, KeyPath
    from collectors.recorded import Parsed
    from collectors.type_files import TypeFile
    from model.call import WriteCloud
    from model.clock import Clock
    from model.collector import Collector
    from model.fault import Fault
    from model.log_feed import Delivered, LogFeed
    from model.tenant import Tenant
    from store.rows import AssetRow

Access = TypeVar("Access")
Role = dict[str, Any]
# What the roles for changes say of themselves.
ABOUT_CHANGES = "Lets Hinomi carry out approved changes of these kinds, and read what they change."


class ScopeOf(Struct, Generic[Access], frozen=True):
    """One account, subscription, project or cluster: of which provider, its id, and how a tenant's file enters it.

    What the file refers to is looked up in `secrets`: unbound, a place refers to nothing. How far it leads outside are
    the `bounds`.
    """

    provider: str
    id: str
    access: Access
    secrets: TenantSecrets = UNBOUND
    bounds: Bounds = Bounds()


class GroupOf(Struct, Generic[Access], frozen=True):
    """An organisation, management group or folder; its members are scopes, but for those in `exclude`.

    What the tenant's file refers to is looked up in `secrets`, as for scopes.
    """

    provider: str
    id: str
    access: Access
    exclude: Sequence[str] = ()
    secrets: TenantSecrets = UNBOUND


class FeedOf(Struct, Generic[Access], frozen=True):
    """Where logs of a source are fetched: of which provider, its id, and how a tenant's file enters it.

    What the file refers to is looked up in `secrets`, as for scopes.
    """

    provider: str
    id: str
    source: str
    access: Access
    secrets: TenantSecrets = UNBOUND


Feed = FeedOf[Any]
Scope = ScopeOf[Any]
Group = GroupOf[Any]


class DeliveryQuery(Struct, frozen=True):
    """Between which moments it is asked what was delivered, and which keys are known already, by their place."""

    since: datetime
    until: datetime
    known: Mapping[str, Collection[str]] = {}


class Members(Struct, frozen=True):
    """What stands in an organisation: what can be entered, and why each of the others cannot."""

    active: list[str]
    resting: dict[str, str] = {}


class Opening(Protocol):
    """The module of a provider that opens its places; with it comes the cloud's SDK."""

    def connect(self, scope: Scope, types: Sequence[Any], clock: "Clock", /) -> "Collector":
        """Return the collector of a scope, for these types; it waits between tries by the clock.

        Raises `Refused` where it cannot be entered.
        """
        ...

    def looks(self, asked: Mapping[str, Any], types: Sequence[Any], clock: "Clock", /) -> "Iterable[Collector]":
        """Return the collectors of what the options that were asked for and the environment lead to, for these types.

        The clock waits between tries. Raises `Refused` where nothing can be entered, also while they are read.
        """
        ...

    def connect_write(self, scope: Scope, needs: Sequence[str], clock: "Clock", /) -> "WriteCloud":
        """Return the client for changes in a scope, for the permissions that it needs.

        The clock waits between tries. Raises `Refused` where no identity for changes is given.
        """
        ...


class Named(Struct, frozen=True):
    """What is wrong with the id by which a tenant's file names a resource.

    By a `fault` no resource can be called so; a `doubt` says that none of the tenant's places has one that is.
    """

    fault: str = ""
    doubt: str = ""


class Destination(Struct, frozen=True):
    """A server that a tenant's file leads to: at which path of the file, for what, and which host and port.

    A `fault` says that it may not stand there at all, a `doubt` that where it leads cannot be seen now.
    """

    path: "KeyPath"
    what: str
    host: str = ""
    port: int = 0
    fault: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class TenantFile:
    """What of a tenant's file is a provider's.

    `scopes` are those that the file names; their roles ask for an external id, where there is one. `faults` are what
    is wrong beyond the form. `external_ids` are those that the file itself states, by account. `named` judges
    the id of a resource; None says that it looks like none of the provider's. `destinations` are the servers that it
    leads to other than the cloud's own.
    """

    keys: tuple[str, ...]
    scopes: Callable[["Tenant", str], Iterable[Scope]]
    faults: Callable[["Document", "Tenant"], Iterable["Fault"]] = lambda _document, _tenant: ()
    external_ids: Callable[["Tenant"], Iterable[tuple[str, Sequence[str]]]] = lambda _tenant: ()
    named: Callable[["Tenant", str], Named | None] = lambda _tenant, _id: None
    destinations: Callable[["Tenant", TenantSecrets, Bounds], Iterable[Destination]] = lambda *_: ()


@dataclass(frozen=True)
class Organisations:
    """How a provider's places are found that a tenant's file does not name one by one.

    `members` raises `Refused` where a group cannot be listed; `scope` makes one of a member. Both get the tenant's
    external id.
    """

    groups: Callable[["Tenant"], Iterable[Group]]
    members: Callable[[Group, str, "Clock"], Members]
    scope: Callable[[Group, str, str], Scope]


@dataclass(frozen=True)
class Feeds:
    """How logs are fetched from a provider's cloud.

    `named` are the feeds of a tenant's file; their roles ask for its external id, where there is one. `enter` opens
    one, and raises `Refused` where it cannot be entered. `alone` names what may be of one tenant's feeds only. `role`
    is what a feed's role has to allow, by its id and the places where logs lie. `delivered` lists what was delivered to
    a feed's places in some time, and raises `CallFailed` where it cannot, and `Refused` as `enter`.
    """

    named: Callable[["Tenant", str], Iterable[Feed]]
    enter: Callable[[Feed, "Clock"], "LogFeed"]
    alone: Callable[["Tenant"], Iterable[str]]
    role: Callable[[str, Sequence[str]], Role]
    delivered: Callable[[Feed, DeliveryQuery, "Clock"], "dict[str, Delivered]"] | None = None


@dataclass(frozen=True)
class CheckOption:
    """An option of `hinomi check` that is a provider's own: a text, or `many` of them."""

    name: str
    help: str
    many: bool = False


@dataclass(frozen=True)
class Check:
    """The provider's command of `hinomi check`."""

    help: str
    options: tuple[CheckOption, ...] = ()


@dataclass(frozen=True)
class Permissions:
    """What a customer's roles have to allow, and the provider's command that prints it.

    `to_read` writes it in one of the `formats`, the first of which is the usual one, for these types; `by_option` says
    that options of the contract need more. `to_change` makes a role of what playbooks need, `text` writes that.
    """

    help: str
    formats: tuple[str, ...]
    format_help: str
    to_read: Callable[[str, Sequence[Any]], str]
    to_change: Callable[[list[str]], Role]
    text: Callable[[Any], str]
    by_option: bool = False

    def change_role(self, needs: Iterable[str]) -> Role:
        """Return the role, or the policy in AWS, that allows what is needed, in the form that the cloud takes."""
        return self.to_change(sorted(set(needs)))


@dataclass(frozen=True)
class Provider:
    """One cloud: `types` loads a folder's types, else the provider's own, all or those named; `opening` imports.

    `keeps_raw` says that resources without a type are kept as they are returned. `recordings` gives the parser of
    recorded exchanges. `clusters` are the kinds whose resources are Kubernetes clusters, each with what makes of one
    the words of the command that writes its kubeconfig. Without `permissions` or `check` there is no such command.
    """

    name: str
    types: Callable[[Path | None, Iterable[str] | None], Sequence["TypeFile"]]
    file: TenantFile
    opening: Callable[[], Opening]
    organisations: Organisations | None = None
    permissions: Permissions | None = None
    check: Check | None = None
    recordings: Callable[[], Callable[[dict[str, Any]], Iterable["Parsed"]]] | None = None
    feeds: Feeds | None = None
    clusters: Mapping[str, Callable[["AssetRow"], tuple[str, ...]]] = field(default_factory=dict)
    keeps_raw: bool = False


Providers = Sequence[Provider]
Types = Mapping[str, Sequence["TypeFile"]]


def provider_of(name: str, providers: Providers) -> Provider:
    """Return a provider by its name; raises `Refused` where there is none."""
    for provider in providers:
        if provider.name == name:
            return provider
    raise Refused(f"there is no provider {name!r}")


def opening_of(place: Scope | Group, providers: Providers) -> Opening:
    """Return what opens the places of a place's provider; raises `Refused` where there is no such provider.

    With it comes the cloud's SDK: together they take more than a second to import.
    """
    return provider_of(place.provider, providers).opening()


def opened_feed(feed: Feed, providers: Providers, clock: "Clock") -> "LogFeed":
    """Return a feed of one of these providers, entered; its client waits between tries by the clock.

    Raises `Refused` where it cannot be entered. With it comes the cloud's SDK.
    """
    feeds = provider_of(feed.provider, providers).feeds
    assert feeds is not None, "else it has none"
    return feeds.enter(feed, clock)


def delivered_to(feed: Feed, query: DeliveryQuery, providers: Providers, clock: "Clock") -> "dict[str, Delivered]":
    """Return what a query finds to be delivered to a feed of one of these providers, by place, its bucket.

    Its client waits between tries by the clock. Raises `Refused` where it cannot be entered, or nothing can be listed
    of such a feed, and `CallFailed`.
    """
    feeds = provider_of(feed.provider, providers).feeds
    if feeds is None or feeds.delivered is None:
        raise Refused(f"what is delivered to feeds of {feed.provider} cannot be listed")
    return feeds.delivered(feed, query, clock)


def groups_of(tenant: "Tenant", providers: Providers) -> Iterator[Group]:
    """Yield the organisations, management groups and folders that a tenant's file names."""
    for provider in providers:
        if provider.organisations:
            yield from provider.organisations.groups(tenant)


def as_json(made: Any) -> str:
    """Return what a cloud takes as JSON."""
    return json.dumps(made, indent=2) + "\n"
