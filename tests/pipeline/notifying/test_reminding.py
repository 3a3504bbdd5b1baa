"""Reminders of contracts in the channels of the provider's people: each once, and again where it did not arrive."""

import io
import json
import threading
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest
from msgspec.structs import replace

from model.canonical import instant
from model.contract_record import LicenceRecord
from model.fault import Refused
from model.person import SCHEDULE
from model.service_provider import ServiceProvider, ServiceProviders
from model.tenant import Channel
from model.text import Text
from notifier.message import Ways
from pipeline.installation import settings
from pipeline.serving.jobs import new_job
from pipeline.serving.work import claimed_now, work
from pipeline.world import Staff, World, world_in
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import applied, on_record
from tests.recorded_clouds import TENANT
from tests.servers.http_servers import receiver
from tests.servers.smtp_server import Mailbox, mail_server
from tests.worlds import THIS_MACHINE, world_of

LICENCE = LicenceRecord("cloud-security-product", date(2026, 1, 1), date(2026, 6, 30), date(2026, 1, 1))
PROVIDERS = ServiceProviders({"a": ServiceProvider(Text(en="A K.K.", ja="株式会社ア"))}, "a")
TOLD = "the licence ends on 2026-06-30 (Article 3(2))"


@pytest.fixture
def office(home: Home, clock: MovingClock) -> Home:
    """Return a home with a tenant whose licence ends in 29 days."""
    applied(home, TENANT, instant(clock.now()))
    on_record(home, TENANT.tenant, LICENCE, instant(clock.now()))
    return home


def staffed(home: Home, clock: MovingClock, *to: Channel) -> tuple[World, io.StringIO]:
    terminal = io.StringIO()
    ways = Ways(terminal, clock.now)
    return world_of(home, clock, ways=ways, staff=lambda: Staff(to), service_providers=lambda: PROVIDERS), terminal


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def reminded(world: World) -> str:
    """Do the job of a day, and return its outcome."""
    with claimed_now(world, new_job("due", TENANT.tenant, world.clock.now(), SCHEDULE)) as job:
        done = work(world, job, threading.Event())
    assert done.state == "done", done.outcome
    return done.outcome


@pytest.mark.article(3)
def test_each_is_said_once_in_each_channel(office: Home, clock: MovingClock) -> None:
    english, japanese = Channel("soc", "console", language="en"), Channel("legal", "console", language="ja")
    world, terminal = staffed(office, clock, english)
    outcome = reminded(world)
    assert outcome.endswith("sent")
    assert terminal.getvalue().count(TOLD) == 1
    assert terminal.getvalue().count("Provided by A K.K.") == terminal.getvalue().count("[contract]")
    clock.sleep(60)
    assert reminded(world) == "0 reminders due, 0 sent"
    clock.sleep(60)
    world, terminal = staffed(office, clock, english, japanese)
    reminded(world)
    assert (terminal.getvalue().count(TOLD), terminal.getvalue().count("2026-06-30に終了します（第3条第2項）")) == (
        0,
        1,
    )


def test_what_did_not_arrive_is_tried_again_within_the_hour(office: Home, clock: MovingClock) -> None:
    settings = {"url": "https://hook.example/", "secret": "env:NONE"}
    world, _ = staffed(office, clock, Channel("soc", "webhook", settings=settings))
    assert "soc: " in reminded(world)
    with office.service.read() as session:
        assert [(one.kind, one.due_at) for one in session.jobs.open()] == [("due", "2026-06-01T01:00:00.000000Z")]
    world, terminal = staffed(office, clock, Channel("soc", "console", language="en"))
    clock.sleep(60)
    reminded(world)
    assert TOLD in terminal.getvalue()


@pytest.mark.process
def test_they_arrive_by_mail_and_webhook(office: Home, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAFF_KEY", "a signing key of a length that is enough")
    with receiver([200]) as (url, posted), mail_server(Mailbox(), None) as mailbox:
        mail = {"host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "a@soc.example"}
        world, _ = staffed(
            office,
            clock,
            Channel("hook", "webhook", settings={"url": url, "secret": "env:STAFF_KEY"}),
            Channel("legal", "email", settings=mail | {"recipients": ["keiko@soc.example"]}, language="ja"),
        )
        near = Staff(world.staff().channels, THIS_MACHINE)
        reminded(replace(world, staff=lambda: near))
    bodies = [json.loads(one.body) for one in posted]
    assert {one["type"] for one in bodies} == {"contract.reminder"}
    assert [one["data"]["clause"] for one in bodies if "2026-06-30" in one["data"]["text"]["en"]] == ["3(2)"]
    (sent,) = (one for one in mailbox.mails if "2026-06-30に終了します" in plain(one))
    assert sent["Subject"] == f"【Hinomi】契約：{TENANT.name.ja}"


def test_without_channels_the_job_says_so(office: Home, clock: MovingClock) -> None:
    world, _ = staffed(office, clock)
    assert reminded(world).endswith("installation.yaml names no contract_channels")


def test_a_lapsed_licence_is_reminded_of_while_little_is_done(office: Home, clock: MovingClock) -> None:
    clock.sleep(40 * 86_400)
    world, terminal = staffed(office, clock, Channel("soc", "console", language="en"))
    reminded(world)
    assert "collection and alerts go on until 2026-07-30, and nothing is changed" in terminal.getvalue()


def test_a_home_s_file_names_its_staff(tmp_path: Path, office: Home, clock: MovingClock) -> None:
    file = tmp_path / "installation.yaml"
    file.write_text("contract_channels: [{name: soc, type: console}]\n", encoding="utf-8")
    world = world_in(tmp_path, office, clock, Ways(io.StringIO(), clock.now))
    assert [one.name for one in world.staff().channels] == ["soc"]
    for text, problem in (
        ("[{name: soc, type: pigeon}]", "is no type of channel"),
        ("[{name: soc, type: console}, {name: soc, type: console}]", "stands twice"),
        ("[{name: soc, type: webhook}]", "lacks 'settings'"),
    ):
        file.write_text(f"contract_channels: {text}\n", encoding="utf-8")
        with pytest.raises(Refused, match=problem) as refused:
            settings(tmp_path)
        assert refused.value.faults[0].line == 1
