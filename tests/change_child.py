"""Carries out a tenant's started plans in processes that kill themselves (SIGKILL) at a point.

Reads lines `ADDRESS PLAYBOOK MOMENT POINT`; for each a process is forked, and its exit status printed. A point is
`commit:N` or `committed:N` (before, after the N-th commit), `send:N` or `sent:N` (before, after the N-th writing call).
"""

import os
import sys
from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from model.call import WriteCloud
from model.canonical import parse_instant
from pipeline.changes import carry_on
from pipeline.loop import hands_of
from tests.changing import AWS, Watched, house_of
from tests.conftest import MovingClock
from tests.crash_child import Reaper
from tests.homes import a_turn, home_at


def change(address: str, playbook: str, moment: str, point: str) -> None:
    home, clock, reaper = home_at(address), MovingClock(parse_instant(moment)), Reaper(point)
    hands = hands_of(home, AWS, house_of(playbook), clock)
    turn = a_turn(home, clock)
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))

    def enter(scope: str, needs: Sequence[str]) -> WriteCloud:
        inner = hands.enter(scope, needs)
        return Watched(inner, sends=lambda _: reaper.comes("send"), sent=lambda _: reaper.comes("sent"))

    carry_on(replace(hands, enter=enter), turn)


def main() -> None:
    for line in sys.stdin:
        house_of(line.split()[1])  # once for all children
        child = os.fork()
        if child == 0:
            change(*line.split())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main()
