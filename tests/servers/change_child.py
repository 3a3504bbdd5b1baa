"""Carries out a tenant's started plans in a process that kills itself (SIGKILL) at a point.

A point is `commit:N` or `committed:N` (before, after the N-th commit), `send:N` or `sent:N` (before, after the N-th
writing call).
"""

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from model.call import WriteCloud
from model.canonical import parse_instant
from pipeline.changing.carrying_out import finish
from tests.changing import AWS, BLOCK, Watched, catalog_of
from tests.conftest import MovingClock
from tests.homes import home_at
from tests.servers.reaper import Reaper
from tests.worlds import entered, scan_of, world_of

KNOWN = catalog_of(BLOCK)  # once for all forks


def change(address: str, moment: str, point: str) -> None:
    home, clock, reaper = home_at(address), MovingClock(parse_instant(moment)), Reaper(point)

    def watch(inner: WriteCloud) -> WriteCloud:
        return Watched(inner, sends=lambda _: reaper.comes("send"), sent=lambda _: reaper.comes("sent"))

    world = world_of(home, clock, entered(watch=watch))
    task = scan_of(world, AWS, KNOWN)
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))
    with task.store.read() as reader:
        [plan] = reader.plans.newest(1)
    finish(world, task, [plan.id])
