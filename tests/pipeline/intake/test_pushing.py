"""A push is counted in the moment in which it is written: what it turns out to be is set right there."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from catalog import access as access_files
from catalog.folder import config_folder
from model.canonical import instant, parse_instant
from model.log_volume import slot_of
from model.person import Actor
from model.tenant import Contract, Tenant
from model.text import Text
from pipeline.access.authorization import Authorizer
from pipeline.intake.pushing import Push, push
from pipeline.log_spool import spools_in
from store.home import Home
from tests.cloudtrail import lines
from tests.conftest import MovingClock
from tests.contracts import applied

TENANT, SOURCE = "aozora", "aws.cloudtrail"


class Slow(MovingClock):
    """A clock by which everything takes seven seconds."""

    def now(self) -> datetime:
        self.sleep(7)
        return super().now()


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_a_push_is_counted_in_the_slot_in_which_its_causes_are_set_right(home: Home, tmp_path: Path) -> None:
    clock = Slow()
    tenant = Tenant(TENANT, Text(TENANT, TENANT), contract=Contract(date(2026, 1, 1)))
    applied(home, tenant, instant(clock.now() - timedelta(days=1)))
    actor = Actor("m", (), (TENANT,), kind="machine", action="logs.push", source=SOURCE)
    authorizer = Authorizer(home, access_files.load(config_folder()), actor, clock)
    body = "\n".join(lines(1, 5)).encode()
    for key in map(str, range(3)):
        assert push(authorizer, spools_in(tmp_path), Push(TENANT, SOURCE, body, key), clock).accepted == 5
    with home.tenant(TENANT).read() as reader:
        counted = {one.slot for one in reader.logs.counts("", "9")}
        pieces = [reader.logs.piece(SOURCE, one.id) for one in spools_in(tmp_path)(TENANT).waiting()]
    assert counted == {slot_of(parse_instant(one.taken_at).astimezone(UTC)) for one in pieces if one}
