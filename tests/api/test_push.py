"""`POST /v1/logs/{source}`: 202 only for what is kept, once, by whoever has the token for that source."""

import asyncio
import gzip
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, nullcontext
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.logs import Pushing
from catalog.folder import config_folder
from model.canonical import instant
from model.contract_record import SettingRecord, SuspensionRecord
from model.log_volume import Volume
from model.person import TokenTerms
from model.tenant import Contract, Tenant
from model.text import Text
from people.tokens import mint
from pipeline.access.tries import TooMany
from pipeline.installation import make, open_home
from pipeline.intake.pushing import SPOOL_MEGABYTES
from pipeline.intake.reading import Wanted, kept
from pipeline.intake.sources import source_called
from pipeline.intake.upkeep import tidy
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from pipeline.log_spool import PUSHED
from pipeline.whole_files import PART
from tests.cloudtrail import lines
from tests.contracts import applied, on_record
from tests.doors import application
from tests.intake_service import process_all

MINE, THEIRS = "aozora", "midori"
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # two bodies of the same events are the same
SOURCE, OTHER = "aws.cloudtrail", "gcp.audit"


class Machines:
    """Two tenants, and machines of theirs that push."""

    def __init__(self, folder: Path) -> None:
        make(folder, config_folder() / "example" / "installation.yaml")
        self.folder, self.home = folder, open_home(folder)
        self.client: Any = None
        at = instant(datetime.now(UTC) - timedelta(days=1))
        for name in (MINE, THEIRS):
            tenant = Tenant(name, Text(name, name), contract=Contract(date(2026, 1, 1)))
            applied(self.home, tenant, at)

    def token(self, tenant: str = MINE, source: str = SOURCE, action: str = "logs.push") -> str:
        terms = TokenTerms(kind="machine", label="m", tenants=(tenant,), action=action, source=source, issued_by="p")
        token, kept = mint(terms, timedelta(hours=1), datetime.now(UTC))
        with self.home.service.write(instant(datetime.now(UTC)), "p") as session:
            session.people.put_token(kept)
        return token

    def push(self, token: str, body: bytes, source: str = SOURCE, key: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})
        answer: httpx.Response = self.client.post(f"/v1/logs/{source}", content=body, headers=headers)
        return answer

    def volume(self, tenant: str = MINE) -> Volume | None:
        return next(iter(volumes(self.home.tenant(tenant))), None)

    def processed(self, tenant: str = MINE) -> Volume:
        """Process what waits; return what became of it."""
        process_all(self.folder, self.home)
        found = self.volume(tenant)
        assert found
        return found


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path / "home")
    # Within `with` all requests are answered by one event loop, as the server has one.
    with httpx.Client() as http, TestClient(application(made.folder, http), "http://127.0.0.1") as made.client:
        yield made


def body(first: int, last: int, age: timedelta = timedelta(hours=1)) -> bytes:
    """Return events of so long ago."""
    at = (HOUR - age).isoformat()
    return "\n".join(lines(first, last, at)).encode()


def taken(answer: httpx.Response) -> tuple[int, int, int]:
    assert answer.status_code == 202, answer.text
    found = answer.json()
    return found["offered"], found["accepted"], found["duplicate"]


def test_what_is_answered_with_202_is_kept_until_it_is_processed_once(machines: Machines) -> None:
    token = machines.token()
    assert taken(machines.push(token, body(1, 20))) == (20, 20, 0)
    assert taken(machines.push(token, gzip.compress(body(11, 30) + b"\n{"))) == (21, 21, 0)
    assert taken(machines.push(token, body(1, 20))) == (20, 0, 20), "the same once more"
    assert taken(machines.push(token, b"")) == (0, 0, 0)
    found = machines.volume()
    assert found
    assert (found.offered, found.processed, found.duplicate, found.waiting) == (61, 0, 20, 41)
    waiting = [one for one in (machines.folder / PUSHED / MINE).rglob("*") if one.is_file()]
    assert len(waiting) == 2
    assert not any(b"GetObject" in one.read_bytes() for one in waiting)
    assert all(one.stat().st_mode & 0o077 == 0 for one in waiting)
    found = machines.processed()
    assert (found.offered, found.processed, found.malformed, found.duplicate, found.waiting) == (61, 30, 1, 30, 0)
    assert (found.customer, found.causes) == (31, {"customer": 31, "repeat": 30})
    assert machines.volume(THEIRS) is None
    assert list((machines.folder / "logs" / MINE).rglob("*.seg"))
    assert not [one for one in (machines.folder / PUSHED / MINE).rglob("*") if one.is_file()]
    assert taken(machines.push(token, body(1, 20))) == (20, 0, 20), "and once it is processed"
    assert machines.processed().waiting == 0


def test_events_of_more_than_two_days_ago_come_too_late(machines: Machines) -> None:
    old, young = body(1, 3, timedelta(hours=49)), body(4, 5, timedelta(hours=40))
    assert taken(machines.push(machines.token(), old + b"\n" + young)) == (5, 5, 0)
    found = machines.processed()
    assert (found.offered, found.processed, found.too_late, found.waiting) == (5, 2, 3, 0)


def test_clocks_that_are_a_year_off_lose_nothing(machines: Machines) -> None:
    """What claims to be of last year is too late; what claims to be of the next one is there when that is read."""
    last, next_ = body(1, 3, timedelta(days=365)), body(4, 5, -timedelta(days=365))
    assert taken(machines.push(machines.token(), last + b"\n" + next_)) == (5, 5, 0)
    found = machines.processed()
    assert (found.offered, found.processed, found.too_late, found.waiting) == (5, 2, 3, 0)
    year = (HOUR + timedelta(days=364), HOUR + timedelta(days=366), "mio", "case 7", datetime.now(UTC))
    wanted = Wanted(source_called(SOURCE), *year)
    assert len(list(kept(machines.home.tenant(MINE), Segments(machines.folder, MINE), wanted))) == 2


def test_a_key_is_for_one_body(machines: Machines) -> None:
    token = machines.token()
    assert taken(machines.push(token, body(1, 5), key="k1")) == (5, 5, 0)
    assert taken(machines.push(token, body(1, 5), key="k1")) == (5, 0, 5)
    refused = machines.push(token, body(6, 9), key="k1")
    assert (refused.status_code, "came with another body" in refused.text) == (422, True)
    assert machines.push(token, body(6, 9), key="k 2\t").status_code == 422
    assert taken(machines.push(token, body(6, 9), key="k2")) == (4, 4, 0)
    other = machines.token(THEIRS)
    assert taken(machines.push(other, body(6, 9), key="k1")) == (4, 4, 0), "keys are each tenant's own"
    found = machines.processed()
    assert (found.offered, found.processed, found.duplicate, found.waiting) == (14, 9, 5, 0)


def test_what_is_pushed_when_as_much_waits_as_may_is_refused_and_counted(machines: Machines) -> None:
    now = instant(datetime.now(UTC))
    on_record(machines.home, MINE, SettingRecord(SPOOL_MEGABYTES, 1), now)
    token = machines.token()
    large = json.dumps({"eventID": "x", "eventTime": HOUR.isoformat(), "more": "ab" * 400_000}).encode()
    assert taken(machines.push(token, large)) == (1, 1, 0)
    assert taken(machines.push(token, large + b" ", key="2")) == (1, 1, 0)
    answer = machines.push(token, body(1, 7))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert taken(machines.push(machines.token(THEIRS), body(1, 7))) == (7, 7, 0), "that is no other's affair"
    assert taken(machines.push(token, large)) == (1, 0, 1), "what is there already is no more"
    found = machines.processed()
    assert (found.offered, found.processed, found.duplicate, found.refused, found.waiting) == (10, 1, 2, 7, 0)
    assert taken(machines.push(token, body(1, 7))) == (7, 7, 0)


def test_what_was_changed_where_it_waits_is_set_aside_and_the_rest_goes_on(machines: Machines) -> None:
    token = machines.token()
    at = (HOUR - timedelta(hours=1)).isoformat()
    long = "\n".join(line[:-1] + ', "more": "' + os.urandom(4_000).hex() + '"}' for line in lines(1, 200, at))
    assert taken(machines.push(token, long.encode())) == (200, 200, 0)
    assert taken(machines.push(token, body(301, 310))) == (10, 10, 0)
    (file,) = (one for one in (machines.folder / PUSHED / MINE).rglob("*.ordinary") if one.stat().st_size > 1_000_000)
    content = bytearray(file.read_bytes())
    content[900_000] ^= 1
    file.write_bytes(content)
    found = machines.processed()
    assert (found.offered, found.waiting, found.processed + found.malformed) == (210, 0, 210)
    assert 0 < found.malformed < 200, "what stood before it was read"
    with machines.home.tenant(MINE).read() as reader:
        asides = reader.logs.asides(SOURCE, sha256(long.encode()).hexdigest(), 10)
    assert [(one.reason, one.last) for one in asides] == [("damaged where it waited", "200")]
    assert not [one for one in (machines.folder / PUSHED / MINE).rglob("*") if one.is_file()]


def test_without_the_key_of_what_is_sealed_nothing_is_taken_in_and_nothing_is_set_aside(machines: Machines) -> None:
    token = machines.token()
    assert taken(machines.push(token, body(1, 20))) == (20, 20, 0)
    key = machines.folder / "keys" / "logs" / f"{MINE}.key"
    away = key.rename(key.with_name("away"))
    refused = machines.push(token, body(21, 30))
    assert (refused.status_code, key.exists()) == (503, False)
    with pytest.raises(AssertionError, match="never ends"):
        process_all(machines.folder, machines.home, seconds=0.4)
    found = machines.volume()
    assert found
    assert (found.offered, found.waiting, key.exists()) == (20, 20, False)
    away.rename(key)
    assert machines.processed().processed == 20


def test_what_waited_on_a_machine_that_is_gone_expires(machines: Machines) -> None:
    assert taken(machines.push(machines.token(), body(1, 20))) == (20, 20, 0)
    shutil.rmtree(machines.folder / PUSHED)
    store, now = machines.home.tenant(MINE), datetime.now(UTC)
    for days, waiting, expired in ((14, 20, 0), (15, 0, 20), (16, 0, 20)):
        tidy(store, None, now + timedelta(days=days), "p")
        found = machines.volume()
        assert found
        assert (found.offered, found.waiting, found.expired) == (20, waiting, expired)


def test_what_whoever_was_killed_has_left_is_removed_and_what_is_being_written_is_not(machines: Machines) -> None:
    folder = machines.folder / PUSHED / MINE / SOURCE
    folder.mkdir(parents=True)
    for name, age in (("old", 7_200), ("young", 60)):
        file = folder / f"{name}.ordinary.0a0b{PART}"
        file.write_bytes(b"sealed")
        os.utime(file, (time.time() - age, time.time() - age))
    process_all(machines.folder, machines.home)
    assert [one.name for one in folder.iterdir()] == [f"young.ordinary.0a0b{PART}"]


def test_a_token_is_for_one_tenant_and_one_source(machines: Machines) -> None:
    mine, theirs = machines.token(), machines.token(THEIRS, OTHER)
    assert machines.push(theirs, body(1, 2)).status_code == 403
    assert machines.push(mine, body(1, 2), OTHER).status_code == 403
    assert machines.push(machines.token(action="findings.read"), body(1, 2)).status_code == 403
    assert machines.push("hinomi_x", body(1, 2)).status_code == 401
    assert machines.push(machines.token(source="own.logs"), body(1, 2), "own.logs").status_code == 400
    assert (machines.volume(), machines.volume(THEIRS)) == (None, None)


def test_what_is_too_large_is_not_taken_in_at_all(machines: Machines) -> None:
    token = machines.token()
    for large in (b"x" * (4 * 2**20 + 1), gzip.compress(b"[" + b" " * (65 * 2**20))):
        assert machines.push(token, large).status_code == 413
    assert machines.volume() is None


@pytest.mark.article(11)
def test_a_suspended_tenant_pushes_nothing(machines: Machines) -> None:
    now = instant(datetime.now(UTC))
    on_record(machines.home, MINE, SuspensionRecord(now, "a flood"), now)
    answer = machines.push(machines.token(), body(1, 2))
    assert (answer.status_code, "(Article 11)" in answer.text) == (409, True)
    assert machines.volume() is None


def test_a_tenant_has_a_few_places_and_leaves_others_theirs() -> None:
    async def places() -> None:
        pushing = Pushing()
        async with AsyncExitStack() as held:
            for name in (MINE,) * 4 + ("b",) * 4 + ("c",) * 4 + ("d",) * 3:
                await held.enter_async_context(pushing.place(name))
            for name, there in ((MINE, False), ("e", True), ("f", False)):
                with nullcontext() if there else pytest.raises(TooMany):
                    await held.enter_async_context(pushing.place(name))
        async with pushing.place(MINE):
            pass  # and all are given back

    asyncio.run(places())


def test_a_tenant_whose_store_is_held_up_holds_up_no_other() -> None:
    held, done = threading.Event(), list[str]()

    def work(name: str) -> None:
        if name == MINE:
            assert held.wait(10)
        done.append(name)
        if name == "b2":
            held.set()

    async def pushes() -> None:
        pushing = Pushing()
        mine = [asyncio.create_task(pushing.run(MINE, lambda: work(MINE))) for _ in range(4)]
        await asyncio.sleep(0.05)
        for name in ("b1", "b2"):
            await asyncio.wait_for(pushing.run(name, lambda name=name: work(name)), 5)  # type: ignore[misc]
        await asyncio.gather(*mine)

    asyncio.run(pushes())
    assert done == ["b1", "b2", *[MINE] * 4]


def test_whoever_pushes_too_much_at_once_is_asked_to_wait_and_nothing_is_lost(machines: Machines) -> None:
    tokens = [machines.token(), machines.token(THEIRS)]

    def send(number: int) -> int:
        answer = machines.push(tokens[number % 2], body(10 * number, 10 * number + 9))
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            return 0
        return taken(answer)[0]

    with ThreadPoolExecutor(24) as pool:
        sent = sum(pool.map(send, range(48)))
    found = [machines.processed(one) for one in (MINE, THEIRS)]
    assert sent == sum(one.offered for one in found) == sum(one.processed for one in found)
    assert sent > 0
