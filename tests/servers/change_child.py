"""Carries out a tenant's started plans in a process that kills itself (SIGKILL) at a point.

A point is `commit:N` or `committed:N` (before, after the N-th commit), `send:N` or `sent:N` (before, after the N-th
writing call).
"""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from model.call import WriteCloud
from model.canonical import parse_instant
from pipeline.changing.carrying_out import carry_on
from pipeline.serving.loop import hands_of
from tests.changing import AWS, BLOCK, Watched, catalog_of
from tests.conftest import MovingClock
from tests.homes import a_turn, home_at
from tests.servers.reaper import Reaper

KNOWN = catalog_of(BLOCK)  # once for all forks


def change(address: str, moment: str, point: str) -> None:
    home, clock, reaper = home_at(address), MovingClock(parse_instant(moment)), Reaper(point)
    hands = hands_of(home, AWS, KNOWN, clock)
    turn = a_turn(home, clock)
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))

    def enter(scope: str, needs: Sequence[str]) -> WriteCloud:
        inner = hands.enter(scope, needs)
        return Watched(inner, sends=lambda _: reaper.comes("send"), sent=lambda _: reaper.comes("sent"))

    carry_on(replace(hands, enter=enter), turn)
