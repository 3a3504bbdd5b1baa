"""Where a tenant's file leads outside, and whether it may: the servers of its channels, and those of its clouds."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import httpx2
from msgspec import Struct

from catalog.yaml_reader import KeyPath, read
from model.fault import Fault, Refused
from model.installation import Outgoing
from model.tenant import ADDRESS, Channel, Tenant
from outgoing.web import host_and_port, is_proxied
from pipeline.bounds import Bounds
from pipeline.providers.provider import Destination, Providers
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import TenantSecrets
from pipeline.tenants.applied import applied_tenants
from pipeline.tenants.references import marked_settings
from store.home import Home

_NO_URL = "is no URL of a web server"


class Judgement(Struct, frozen=True):
    """What becomes of a destination: a fault denies it, a doubt says what cannot be known now.

    `denied` are the addresses that are not allowed, and the cause of the fault where there are any.
    """

    destination: Destination
    fault: str = ""
    doubt: str = ""
    denied: list[str] = []


def judgements(
    tenant: Tenant, secrets: TenantSecrets, bounds: Bounds, providers: Providers = PROVIDERS
) -> Iterator[Judgement]:
    """Yield what becomes of each place that a tenant's file leads to, by its channels and by these providers.

    Names are looked up; nothing is connected to. Kubeconfigs and keys are read as the secrets give them, and judged by
    the bounds.
    """
    for number, channel in enumerate(tenant.channels):
        yield from (_judged(one, bounds) for one in _of_channel(number, channel))
    for provider in providers:
        yield from (_judged(one, bounds) for one in provider.file.destinations(tenant, secrets, bounds))


def check_destinations(file: Path, found: Iterator[Judgement]) -> list[Fault]:
    """Return the doubts about what was found in a tenant's file; raises `Refused` where something is not allowed."""
    document, every = read(file), list(found)
    if faults := [document.fault(one.destination.path, one.fault) for one in every if one.fault]:
        raise Refused(faults)
    return [document.fault(one.destination.path, one.doubt) for one in every if one.doubt]


def denied_now(
    home: Home, secrets: Callable[[Tenant], TenantSecrets], bounds: Callable[[Tenant], Bounds]
) -> dict[str, list[Judgement]]:
    """Return by tenant what a home's tenants, as applied, lead to that is denied by their secrets and bounds.

    A name without an address is denied too: that is new where there is a proxy, which may know it.
    """
    tenants, _ = applied_tenants(home)
    every = {one.tenant: list(judgements(one, secrets(one), bounds(one))) for one, _ in tenants}
    proxied = is_proxied()
    denied = {name: [one for one in found if one.fault or (proxied and one.doubt)] for name, found in every.items()}
    return {name: found for name, found in denied.items() if found}


def allowing(outgoing: Outgoing, denied: Mapping[str, Sequence[Judgement]]) -> list[str]:
    """Return the lines of the installation's file that allow what is denied, beside what it has under `outgoing`."""
    wanted = {name: sorted({one for found in each for one in found.denied}) for name, each in denied.items()}
    allow = {"*": outgoing.allow} if isinstance(outgoing.allow, list) else outgoing.allow
    allowed = {name: [*allow.get(name, ()), *wanted.get(name, ())] for name in {**allow, **wanted}}
    lines = [f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in allowed.items() if each]
    return ["outgoing:", "  allow:", *lines] if any(wanted.values()) else []


def _of_channel(number: int, channel: Channel) -> Iterator[Destination]:
    what = f"the channel {channel.name}"
    for marked in marked_settings(number, channel, ADDRESS):
        if marked.mark == "url":
            yield of_url(marked.path, what, marked.text)
        else:
            yield Destination(marked.path, what, marked.text, marked.beside.get("port") or 0)


def of_url(path: KeyPath, what: str, url: str) -> Destination:
    """Return where a URL leads that stands at a path of a tenant's file, for what."""
    try:
        host, port = host_and_port(httpx2.URL(url))
    except httpx2.InvalidURL:
        host, port = "", 0
    return Destination(path, what, host, port, "" if host else f"{url!r} {_NO_URL}")


def _judged(destination: Destination, bounds: Bounds) -> Judgement:
    if destination.fault or destination.doubt:
        return Judgement(destination, destination.fault, destination.doubt)
    looked = bounds.border.look(destination.host, destination.port)
    if looked.denied:
        where = ", ".join(looked.denied)
        said = f"{destination.host!r} leads to {where}, which is not allowed; let the operator add its network under "
        return Judgement(destination, f"{said}'outgoing.allow' in installation.yaml", denied=looked.denied)
    if not looked.allowed:
        return Judgement(destination, doubt=f"{destination.host!r} has no address now: nothing goes there until it has")
    return Judgement(destination)
