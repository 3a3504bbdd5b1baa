"""Opens clients of the places of a tenant's file, whichever cloud they are in.

Each cloud's SDK is imported when a place of that cloud is entered: together they take more than a second.
"""

import uuid
from collections.abc import Sequence

from model.call import WriteCloud
from model.clock import Clock
from model.collector import Collector
from model.fault import Refused
from pipeline.providers.provider import Group, Members, Providers, Scope, Types, provider_of
from pipeline.providers.registry import PROVIDERS


def connect(scope: Scope, types: Types, clock: Clock, providers: Providers = PROVIDERS) -> Collector:
    """Return the collector of a scope, for its provider's types; it waits between tries by the clock.

    Raises `Refused` where it cannot be entered.
    """
    provider = provider_of(scope.provider, providers)
    return provider.opening().connect(scope, types.get(provider.name, ()), clock)


def connect_write(scope: Scope, needs: Sequence[str], clock: Clock, providers: Providers = PROVIDERS) -> WriteCloud:
    """Return the client for changes in a scope, for the permissions that it needs, from its one of the providers.

    The clock waits between tries. Raises `Refused` where no identity for changes is given.
    """
    return provider_of(scope.provider, providers).opening().connect_write(scope, needs, clock)


def list_members(group: Group, external_id: str, clock: Clock, providers: Providers = PROVIDERS) -> Members:
    """Return what stands in a group, listed by its one of the providers; roles ask for the external id.

    The clock waits between tries. Raises `Refused` where it cannot be listed.
    """
    organisations = provider_of(group.provider, providers).organisations
    if organisations is None:
        raise Refused(f"{group.provider} has no organisations")
    return organisations.members(group, external_id, clock)


def new_external_id() -> str:
    """Return an external id that nobody can guess."""
    return str(uuid.uuid4())
