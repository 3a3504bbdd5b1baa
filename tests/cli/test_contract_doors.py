"""Every command, route and job by which a tenant's clouds and channels are reached, in every phase of its contract.

What arrives is counted where it arrives: by a relay before the clouds' emulator, and by the server of a channel.
"""

import inspect
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import httpx
import msgspec
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from msgspec import UNSET
from msgspec.structs import replace
from typer.main import get_command

from catalog.folder import config_folder
from cli.main import app
from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from model.contract_action import Phase
from model.job import JobKind
from model.person import Person, TokenTerms
from model.tenant import Channel, Contract, Schedule, Tenant
from people.tokens import mint
from pipeline.installation import make, open_home
from pipeline.tenants.terms import terms
from store.contracts import RECORDED
from tests.changing import AKI, ALL_ON, AWS, BLOCK, KEN, MIO, RIN, ChangeDriver, buckets
from tests.commands import said
from tests.conftest import MovingClock, lead_to
from tests.doors import DOORS, READS, REST, TENANT, Command, Door, Queued, Site, application
from tests.own_policy import FORM
from tests.phases import ALLOWED, FREE, NO_OPTION, NOTHING_BOUGHT, OPTIONAL, allowed, put_into, rows
from tests.servers.http_servers import PASS, Received, proxy, receiver

PHASES = (*get_args(Phase), NOTHING_BOUGHT, NO_OPTION)
KEY = "HINOMI_AOZORA__KEY"


class Stage(NamedTuple):
    """What all cases share: a home in which nothing is on record of a contract, and what counts who arrives."""

    folder: Path
    token: str
    plans: dict[str, str]
    asked: list[str]
    sent: list[Received]
    emulator: Emulator

    @property
    def changed(self) -> list[str]:
        """Return what has arrived to change something: by Amazon S3, where the method says so."""
        return [one for one in self.asked if one.startswith(("PUT /", "DELETE /"))]

    def clear(self) -> None:
        """Let the account be as the plans expect it, and nobody have arrived."""
        s3 = self.emulator.client("s3", "ap-northeast-1")
        s3.put_public_access_block(Bucket="one", PublicAccessBlockConfiguration=ALL_ON)
        s3.delete_public_access_block(Bucket="two")
        self.asked.clear()
        self.sent.clear()


@pytest.fixture(scope="module")
def stage(running_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    running_emulator.reset()
    with (
        pytest.MonkeyPatch.context() as patch,
        proxy(running_emulator.url, lambda _: PASS) as (relay, asked),
        receiver([200]) as (hook, sent),
    ):
        lead_to(running_emulator, patch)
        patch.setenv(KEY, "a signing key of a length that is enough")
        clock = MovingClock(datetime.now(UTC) - timedelta(hours=2))
        tenant = replace(AWS, channels=[Channel("soc", "webhook", settings={"url": hook, "secret": f"env:{KEY}"})])
        token = began(folder / "home", replace(tenant, contract=UNSET, schedule=Schedule(jitter_minutes=0)), clock)
        shutil.copytree(folder / "home", folder / "worked")
        plans = worked(folder / "worked", replace(tenant, contract=Contract(date(2026, 1, 1))), clock)
        bring_over(folder / "worked", folder / "home")
        patch.setenv("AWS_ENDPOINT_URL", relay)
        add_staff(folder / "home", hook)
        write_own_policy(folder / "home")
        (folder / "home" / "logs.jsonl").write_text('{"eventID": "1"}\n', encoding="utf-8")
        yield Stage(folder / "home", token, plans, asked, sent, running_emulator)


def began(folder: Path, tenant: Tenant, clock: MovingClock) -> str:
    """Make a home with a tenant, who came days ago, and of whose contract nothing is on record; return aki's token."""
    make(folder, config_folder() / "example" / "installation.yaml")
    (folder / "installation.yaml").write_text("outgoing: {allow: [127.0.0.0/8]}\n", encoding="utf-8")
    home = open_home(folder)
    home.apply(TENANT, msgspec.to_builtins(tenant), instant(clock.now() - timedelta(days=3)), "p")
    terms = TokenTerms(kind="sign-in", label="sign-in", tenants="all", person=AKI.name)
    token, kept = mint(terms, timedelta(days=1), clock.now())
    with home.service.write(instant(clock.now()), "p") as session:
        for who in (AKI, KEN, RIN, MIO):
            session.people.put(Person(who.name, who.name, "ja", who.roles, who.tenants, ""))
        session.people.put_token(kept)
    return token


def add_staff(folder: Path, hook: str) -> None:
    """Let the provider's own people be reminded of contracts by the same server."""
    with (folder / "installation.yaml").open("a", encoding="utf-8") as file:
        file.write(
            f"contract_channels: [{{name: staff, type: webhook, settings: {{url: '{hook}', secret: 'env:{KEY}'}}}}]\n"
        )


def write_own_policy(folder: Path) -> None:
    """Let there be a policy of the customer's own, to be applied."""
    (folder / "own").mkdir()
    policy = FORM.format(id="aws.s3.own-name-too-long", pass_="size(r.Name) < 14")
    (folder / "own" / "aws.s3.own-name-too-long.yaml").write_text(policy, encoding="utf-8")


def worked(folder: Path, tenant: Tenant, clock: MovingClock) -> dict[str, str]:
    """Scan, plan, change and plan the way back in a home, within a contract; return the ids of the plans."""
    buckets("one", "two", "three")
    driver = ChangeDriver(open_home(folder), clock, BLOCK, tenant)
    driver.scan()
    done = driver.plan(resources=("one",))
    driver.run(driver.approve(done))
    approved = driver.approve(driver.plan(resources=("two",)))
    back = driver.approve(driver.rollback(done))
    return {"done": done.id, "approved": approved.id, "back": back.id}


def bring_over(source: Path, target: Path) -> None:
    """Give a tenant in a home what it has in another, the records of that too, but nothing of a contract."""
    file = f"tenants/{TENANT}.sqlite"
    with closing(sqlite3.connect(target / file)) as there, there:
        there.execute("ATTACH ? AS source", (str(source / file),))
        tables = [name for (name,) in there.execute("SELECT name FROM source.sqlite_schema WHERE type = 'table'")]
        for table in {*tables} - {"audit", "contract_record", "fence", "alembic_version"}:
            there.execute(f"INSERT INTO {table} SELECT * FROM source.{table}")
        query = "SELECT at, person, action, subject, detail FROM source.audit ORDER BY seq"
        records = there.execute(query).fetchall()
    store = open_home(target).tenant(TENANT)
    for at, person, action, subject, detail in records:
        if action not in (RECORDED, "tenant.applied"):
            with store.write(at, person) as writer:
                writer.record(action, subject, **msgspec.json.decode(detail))


@pytest.fixture
def site(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    folder = shutil.copytree(stage.folder, tmp_path / "home")
    monkeypatch.setenv("HINOMI_HOME", str(folder))
    monkeypatch.setenv("HINOMI_TOKEN", stage.token)
    stage.clear()
    return Site(folder, stage.token, stage.plans, partial(said, capsys))


def waiting(site: Site) -> int:
    """Return how much people have yet to be notified of."""
    with site.home.tenant(TENANT).read() as reader:
        return len(reader.deliveries("queued")) + len(list(reader.unnotified()))


@pytest.mark.article(2, 3, 5, 7, 11)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.label)
def test_nothing_arrives_that_the_contract_does_not_allow(stage: Stage, site: Site, door: Door, phase: str) -> None:
    clause = put_into(site.home, TENANT, phase, datetime.now(UTC))
    assert waiting(site)
    may = allowed(door.under, phase)
    notified = may and door.notifies and allowed("notify", phase)
    ended = door.go(site)
    assert ended.refused is not may, ended.said
    assert may or door.silent or f"(Article {clause})" in ended.said, ended.said
    assert bool(stage.asked) is (may and door.enters), stage.asked
    assert bool(stage.changed) is (may and door.changes), stage.changed
    assert bool(stage.sent) is (notified or (may and door.notices))
    assert (waiting(site) == 0) is notified, "what is not sent waits"


def readers(folder: Path) -> Iterator[str]:
    """Yield what reads a tenant's store and has to be told nothing but whose: commands, and routes by their paths."""
    there = dict(commands(get_command(app)))
    for name in (name for name, reason in REST.items() if reason == READS and name != "GET /metrics"):
        if name in there:
            needed = {one.name for one in there[name].params if one.required}
            if needed <= {"tenant"}:
                yield f"{name} {TENANT}" if needed else name
        elif re.findall("{.+?}", name) in ([], ["{tenant}"]):
            yield name.format(tenant=TENANT)


@pytest.mark.article(5, 7, 11)
@pytest.mark.parametrize("phase", ["not ordered", "suspended", "ended", NOTHING_BOUGHT])
def test_what_is_on_record_is_read_in_every_phase(site: Site, phase: str) -> None:
    put_into(site.home, TENANT, phase, datetime.now(UTC))
    every = list(readers(site.folder))
    assert len(every) > 25
    with httpx.Client() as http, TestClient(application(site.folder, http), "http://127.0.0.1") as client:
        for one in every:
            if one.startswith("GET "):
                answer = client.get(one[4:], headers={"authorization": f"Bearer {site.token}"})
                assert answer.status_code == 200, (one, answer.text)
            else:
                status, _, err = site.run(*one.split())
                assert (status, err) == (0, []), one


def test_the_tables_agree() -> None:
    table = terms().actions.actions
    assert {action: row.phases for action, row in table.items()} == {
        action: text.split(", ") for action, text in ALLOWED.items()
    }
    assert {action for action, row in table.items() if not row.capability} == set(FREE)
    menu = terms().menus[0].items
    options = {name for name, item in menu.items() if item.kind == "option"}
    by_option = {name: {a for a, row in table.items() if row.capability in menu[name].capabilities} for name in options}
    assert {name: found for name, found in by_option.items() if found} == {n: {a} for a, n in OPTIONAL.items()}
    assert rows(date(2026, 6, 1)).keys() == {*PHASES}


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command that does something, by its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}".strip())


def routes(folder: Path) -> Iterator[str]:
    """Yield each route by its method and path, those that OpenAPI's description leaves out too."""
    with httpx.Client() as http:
        api = application(folder, http)
    for path, said_of in api.openapi()["paths"].items():
        yield from (f"{method.upper()} {path}" for method in said_of)
    for each in api.routes:
        if isinstance(each, APIRoute) and not each.include_in_schema:
            yield from (f"{method} {each.path}" for method in each.methods or ())


def test_every_command_and_route_is_known_here(tmp_path: Path) -> None:
    there = {*dict(commands(get_command(app))), *routes(tmp_path)}
    known = {door.name for door in DOORS if not isinstance(door, Queued)}
    hint = "tests/doors.py: a new one goes into DOORS, under an action of the gate, or into REST with the reason"
    assert len(there) > 100
    assert there - known - REST.keys() == set(), hint
    assert (known | REST.keys()) - there == set(), "there is no such command or route any more"
    assert known & REST.keys() == set()
    assert {door.kind for door in DOORS if isinstance(door, Queued)} == set(get_args(JobKind)), hint


def test_who_opens_the_world_is_asked_of_the_gate() -> None:
    """Commands have clouds and channels from `open_world` alone; the service's are its workers'."""
    sources = {name: inspect.getsource(inspect.unwrap(one.callback)) for name, one in commands(get_command(app))}
    opening = {name for name, source in sources.items() if "open_world(" in source}
    assert opening == {door.name for door in DOORS if isinstance(door, Command) and door.enters}
