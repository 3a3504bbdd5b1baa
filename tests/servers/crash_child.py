"""Runs the main job of a tenant in a process that kills itself (SIGKILL) at a point.

A point is `api:N`, `commit:N`, `committed:N`, `send:N` or `sent:N`: at the N-th API
call, before or after the N-th commit, before or after the N-th delivery; `none:0` lets it live.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from catalog.folder import config_folder
from catalog.policies import load
from collectors.aws.collector import AwsCollector
from collectors.aws.reader import ReadCloud
from demo.company import DATA
from model.clock import Clock
from model.tenant import Channel
from outgoing.border import resolved
from pipeline.assembly import assemble
from pipeline.bounds import Bounds
from pipeline.clock import SystemClock
from pipeline.notifying.notify import notify
from pipeline.providers.aws.opening import connect as enter
from pipeline.providers.provider import Scope
from pipeline.scanning.scan import scan
from pipeline.tenants.files import load_tenant
from tests.homes import home_at
from tests.servers.reaper import Reaper
from tests.worlds import THIS_MACHINE, entered, granting, scan_of, world_of


class Watched:
    """A client whose calls are counted."""

    def __init__(self, inner: ReadCloud, reaper: Reaper) -> None:
        self._inner, self._reaper = inner, reaper

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self._reaper.comes("api")
        return self._inner.call(service, region, op, args)

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self._reaper.comes("api")
        yield from self._inner.pages(service, region, op, args)

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        return self._inner.piece(url, start, length)

    def pause(self, seconds: float) -> None:
        self._inner.pause(seconds)

    def forget(self, region: str) -> None:
        self._inner.forget(region)


class WatchedWay:
    """Deliveries that are counted: before, when a receiver is looked up, and after, when a store is turned to next."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._is_under_way = False

    def resolve(self, host: str, port: int) -> list[str]:
        self._reaper.comes("send")
        self._is_under_way = True
        return resolved(host, port)

    def turn_to_store(self, *_: object) -> None:
        if self._is_under_way:
            self._is_under_way = False
            self._reaper.comes("sent")


EXAMPLE = DATA / "tenant.yaml"
SERVICES = frozenset({"s3", "kms", "sns", "sqs", "dynamodb"})  # enough for many transactions; read once for all forks
KNOWN = assemble(config_folder(), [one for one in load(config_folder() / "policies", "aws") if one.service in SERVICES])


def live(folder: str, url: str, point: str) -> None:
    """Scan the demonstration's account and notify, once."""
    reaper, clock = Reaper(point), SystemClock()
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))
    channel = Channel(name="soc", type="webhook", settings={"url": url, "secret": "env:HOOK"})
    tenant = replace(load_tenant(EXAMPLE, load(config_folder() / "policies")), channels=[channel])

    def connect(scope: Scope, types: Sequence[Any], clock: Clock) -> AwsCollector:
        assert scope.provider == "aws", "the demonstration's company has AWS accounts"
        collector = enter(scope, types, clock)
        return replace(collector, cloud=Watched(collector.cloud, reaper))

    way = WatchedWay(reaper)
    event.listen(Pool, "checkout", way.turn_to_store)
    bounds = Bounds(replace(THIS_MACHINE, resolver=way.resolve))
    secrets = granting({"HOOK": "secret"})
    world = world_of(home_at(folder), clock, entered(connect), secrets=secrets, bounds=lambda _tenant: bounds)
    task = scan_of(world, tenant, KNOWN)
    scan(world, task, batch=5)  # a small company, many transactions
    notify(world, task)
