"""Decisions on suspensions, and leads' words, in processes that kill themselves (SIGKILL) at commits.

A point is `KIND:NUMBER` as in `intake_child`: `commit:N` and `committed:N`, before and after the N-th commit of any
store; `none:0` never comes. Who is notified stands in the file `screen` beside the home.
"""

from collections import deque
from datetime import datetime
from pathlib import Path

import msgspec

from catalog import access as access_files
from catalog.folder import config_folder
from contract.suspension_settings import InForce
from model.canonical import parse_instant
from model.person import Actor
from pipeline.access.authorization import Authorizer
from pipeline.intake.measuring import MachineMinute
from pipeline.suspending.deciding import Deciding
from pipeline.suspending.judging import Confirmation, confirm
from tests.conftest import MovingClock
from tests.homes import home_at
from tests.pipeline.suspending.floods import world_at
from tests.servers.intake_child import listening

Measured = list[tuple[datetime, MachineMinute]]


def decide(folder: str, at: str, editions: str, point: str) -> None:
    """Decide on what was measured, at a moment, by editions of the specification; all of it is in files or texts."""
    there, clock = Path(folder), MovingClock(parse_instant(at))
    measured = msgspec.json.decode((there / "measured").read_bytes(), type=Measured)
    found = msgspec.json.decode(editions, type=list[InForce])
    with (there / "screen").open("a", encoding="utf-8") as screen:
        world = world_at(home_at(str(there / "home")), clock, screen)
        listening(point)
        Deciding(world, "m1", deque(measured), lambda: found).step()


def judge(folder: str, at: str, tenant: str, point: str) -> None:
    """Confirm what was proposed of a tenant at a moment."""
    clock = MovingClock(parse_instant(at))
    actor = Actor("rei", ("lead",), "all", kind="sign-in")
    home = home_at(str(Path(folder) / "home"))
    authorizer = Authorizer(home, access_files.load(config_folder()), actor, clock)
    listening(point)
    confirm(authorizer, tenant, Confirmation("agreed by telephone"), clock)
