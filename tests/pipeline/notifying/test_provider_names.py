"""The provider's name stands in whatever a customer gets (Article 1(1)): each channel, report, page and document."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from collectors.aws.permissions import Trust
from model.alert import Alert, Item
from model.contract_record import SettingRecord
from model.coverage import LogCoverage
from model.fault import Refused
from model.finding import Finding
from model.plan import Plan
from model.service_provider import ServiceProvider, ServiceProviders, provided_by
from model.suspension_case import SuspensionStory
from model.tenant import Channel
from model.text import LANGUAGES, Language, Text
from notifier import channels
from notifier.channels import console, email, webhook
from notifier.message import Message, Notice, Ways
from pipeline.notifying.notify import Notified, notify
from pipeline.notifying.reporting import make_report
from pipeline.onboarding.aws import documents
from pipeline.world import world_in
from reports import formats, html, plan_page, suspension_page
from reports.export import Export
from reports.pages import TEMPLATES
from reports.report import LookedAt, Subject, build
from store.home import Home
from store.rows import Run
from tests.architecture.project import ROOT, SOURCES
from tests.conftest import MovingClock
from tests.contracts import on_record
from tests.filled import fill
from tests.homes import home_at
from tests.recorded_clouds import TENANT, catalog_of_services
from tests.suspensions import case_of
from tests.worlds import scan_of, world_of

# What a browser, a spreadsheet, a reader of Markdown and a template would each take for their own.
NAME = Text(en='=A&B <b>Co</b>, "$name" *K.K.*', ja="＝火の見＆<b>共同</b>　$name *株式会社*")
LINES: dict[Language, str] = {"en": f"Provided by {NAME.en}", "ja": f"サービス提供：{NAME.ja}"}
PLAIN = Text(en="Hinomi Group K.K.", ja="火の見グループ株式会社")
AT = "2026-06-01T03:00:00.000000Z"
TEXT = Text(en="open", ja="公開")
ALERT = Alert("a1", "aozora", "p", "open", "1", "high", TEXT, TEXT, AT, (Item("f", "r", "n", "global", TEXT),))
FINDING = Finding(
    uid="f", asset_uid="a", policy="p", severity="high", kind="aws.s3.bucket", resource="r", name="n", scope="1",
    region="global", state="open", message=TEXT, elements=(), opened_at=AT, changed_at=AT,
)  # fmt: skip
RUN = Run("r", "j", "s", AT, AT, {"verdicts": {}, "assets": 0})
PLAN = Plan("p1", "aozora", "aws.s3.versioning", TEXT, TEXT, "aki", "emi", AT, (), (), 1)


class Words(HTMLParser):
    """Gathers a page's tags and its text, as people see it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> str:
    """Return the text of a page, in which no name has become markup."""
    words = Words(page)
    assert "b" not in words.tags
    return words.text


# Channels: what people read of a message, by the type. A new type is red here until it has a row.


def on_console(message: Message | Notice) -> list[str]:
    terminal = io.StringIO()
    console.send(message, console.Settings(), Ways(terminal, MovingClock().now))
    return [terminal.getvalue()]


def in_mail(message: Message | Notice) -> list[str]:
    given = {"host": "127.0.0.1", "security": "none", "sender": "a@soc.example", "recipients": ["b@soc.example"]}
    mail = email.compose(message, msgspec.convert(given, email.Settings), datetime(2026, 6, 1, tzinfo=UTC))
    assert "A&B" not in str(mail.items()), "a name stands in no header"
    return [body(mail, "plain"), seen(body(mail, "html"))]


def body(mail: EmailMessage, subtype: str) -> str:
    found = mail.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


def in_webhook(message: Message | Notice) -> list[str]:
    name = json.loads(webhook.body_of(message))["data"].get("provider")
    return [provided_by(name and msgspec.convert(name, Text), message.language)]


CHANNELS: dict[str, Callable[[Message | Notice], list[str]]] = {
    "console": on_console,
    "email": in_mail,
    "webhook": in_webhook,
}


def test_each_channel_has_a_row() -> None:
    assert sorted(CHANNELS) == channels.types()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_", CHANNELS)
def test_every_channel_names_the_provider(type_: str, language: Language) -> None:
    for kind in (partial(Message, "k", ALERT, language), partial(Notice, "k", "t", TEXT, TEXT, "3(2)", AT, language)):
        for text in CHANNELS[type_](kind(NAME)):
            assert LINES[language] in text
        for text in CHANNELS[type_](kind(None)):
            assert "Provided by" not in text
            assert "サービス提供" not in text


# Pages: how each template is filled. All of them fill one frame, which has the name.


def report_page(provider: Text | None, language: Language) -> str:
    subject = Subject("aozora", TEXT, ("1",), provider=provider)
    looked = LookedAt(RUN, [], LogCoverage("2026-05-03", "2026-06-01", [], [], []))
    return html.render(build(subject, looked, [], {}, AT), language)


def plans_page(provider: Text | None, language: Language) -> str:
    return plan_page.render(PLAN, "proposed", provider, language)


def evidence_page(provider: Text | None, language: Language) -> str:
    case = case_of("aozora", AT, AT, "a" * 16)
    return suspension_page.render(case, SuspensionStory("logs", AT), provider, language)


PAGES: dict[str, Callable[[Text | None, Language], str]] = {
    "plan.html": plans_page,
    "report.html": report_page,
    "suspension.html": evidence_page,
}


def test_each_page_has_a_row_and_fills_the_frame() -> None:
    files = {file.name: file.read_text("utf-8") for file in TEMPLATES.glob("*.html") if file.name != "frame.html"}
    assert sorted(PAGES) == sorted(files)
    assert [name for name, text in files.items() if not text.startswith('{% extends "frame.html" %}\n')] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_names_the_provider(name: str, language: Language) -> None:
    assert LINES[language] in seen(PAGES[name](NAME, language))
    without = seen(PAGES[name](None, language))
    assert "Provided by" not in without
    assert "サービス提供" not in without


def test_what_makes_texts_for_people_is_known_here() -> None:
    """HTML is made of templates in two places, and a process has its world from one: nothing goes around the name."""
    found = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in SOURCES}

    def places(pattern: str) -> set[str]:
        return {name for name, text in found.items() if re.search(pattern, text, re.MULTILINE)}

    assert places(r"^\s*(from|import) jinja2") == {"reports/pages.py", "notifier/channels/email.py"}
    assert places(r"HTMLResponse\(") == {"api/plans.py", "api/suspensions.py"}
    assert places(r"\bWorld\((?!Struct)") == {"pipeline/world.py"}
    assert places(r"\bMessage\((?!Struct)") == {"pipeline/notifying/notify.py"}
    assert places(r"\bNotice\((?!Struct)") == {"pipeline/notifying/reminding.py"}


# Formats of findings, and the documents of the onboarding.


def in_cells(text: str, language: Language) -> str:
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return row.get({"en": "Service provider", "ja": "サービス提供者"}[language], "").removeprefix("'")


FORMATS: dict[str, Callable[[str, Language], str]] = {
    "csv": in_cells,
    "jsonl": lambda text, language: json.loads(text).get("provider", {}).get(language, ""),
    "ocsf": lambda text, _: json.loads(text).get("unmapped", {}).get("service_provider", ""),
}


def test_each_format_has_a_row() -> None:
    assert sorted(FORMATS) == formats.types()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_", FORMATS)
def test_every_format_names_the_provider(type_: str, language: Language) -> None:
    def written(provider: Text | None) -> str:
        return "".join(formats.writer(type_)([FINDING], Export("aozora", language, {}, RUN, "1", provider)))

    assert FORMATS[type_](written(NAME), language) == NAME.of(language)
    assert FORMATS[type_](written(None), language) == ""
    assert f'"{NAME.of(language)[0]}' not in written(NAME) or type_ != "csv", "a spreadsheet would compute it"


@pytest.mark.parametrize("whole", [False, True])
def test_every_document_for_a_customer_names_the_provider(whole: bool) -> None:
    trust = Trust("arn:aws:iam::999999999999:root", "x" * 36)

    def made(provider: Text | None) -> dict[str, str]:
        return documents(TENANT, [], trust, config_folder(), whole, provider)

    files = made(NAME)
    assert len(files) == 3
    for name, text in files.items():
        if name.endswith(".json"):
            assert json.loads(text)["Description"].endswith(f". {LINES['en']}")
            continue
        language: Language = "ja" if ".ja." in name else "en"
        lines = text.splitlines()
        assert re.sub(r"\\(.)", r"\1", lines[2]) == LINES[language]
        assert re.search(r"(?<!\\)[<*&]", lines[2]) is None, "none of it is markup"
        assert lines[4].startswith("Hinomi")
    assert not [name for name, text in made(None).items() if "Provided by" in text or "サービス提供" in text]


# From the contract to what is sent.


KNOWN = ServiceProviders({"hinomi": ServiceProvider(NAME), "group-co": ServiceProvider(PLAIN)}, "hinomi")


@pytest.fixture
def filled(tmp_path: Path, clock: MovingClock) -> Home:
    """Return the home of a tenant of whose findings nobody was notified yet."""
    home = home_at(str(tmp_path / "home"))
    home.create()
    fill(home, clock, TENANT.tenant)
    return home


def sent(home: Home, clock: MovingClock, among: ServiceProviders) -> tuple[Notified, str]:
    terminal = io.StringIO()
    tenant = replace(TENANT, channels=[Channel(name="people", type="console", severity="low", language="en")])
    world = world_of(home, clock, ways=Ways(terminal, clock.now), service_providers=lambda: among)
    return notify(world, scan_of(world, tenant, catalog_of_services("s3")), 0), terminal.getvalue()


def with_provider(home: Home, provider: str, day: str = "2026-06-01") -> None:
    on_record(home, TENANT.tenant, SettingRecord("contract.provider", provider), AT, day)


@pytest.mark.parametrize(
    ("provider", "day", "line"),
    [
        ("", "", f"    {LINES['en']}\n"),
        ("group-co", "2026-06-01", "    Provided by Hinomi Group K.K.\n"),
        ("group-co", "2026-06-02", f"    {LINES['en']}\n"),
    ],
)
def test_notifications_carry_the_name_of_the_contract_s_provider(
    filled: Home, clock: MovingClock, provider: str, day: str, line: str
) -> None:
    if provider:
        with_provider(filled, provider, day)
    result, said = sent(filled, clock, KNOWN)
    assert (result.deliveries, said.count(line), said.count("Provided by")) == ({"sent": 1}, 1, 1)


def test_without_providers_nothing_is_said_of_one(filled: Home, clock: MovingClock) -> None:
    result, said = sent(filled, clock, ServiceProviders())
    assert (result.deliveries, "Provided by" in said) == ({"sent": 1}, False)


def test_what_an_unknown_provider_would_send_waits_until_the_file_is_right(filled: Home, clock: MovingClock) -> None:
    with_provider(filled, "gone")
    held, said = sent(filled, clock, KNOWN)
    assert (held.alerts, held.deliveries, said) == (1, {}, "")
    assert held.problems == [
        "nothing is sent: the contract's provider cannot be named: there is no provider 'gone' in installation.yaml "
        "(providers): known are hinomi, group-co"
    ]
    right, said = sent(filled, clock, ServiceProviders({"gone": ServiceProvider(PLAIN)}, "gone"))
    assert (right.deliveries, said.count("Provided by Hinomi Group K.K.")) == ({"sent": 1}, 1)


def test_a_report_carries_the_provider_of_the_moment_that_it_is_about(filled: Home, clock: MovingClock) -> None:
    with_provider(filled, "group-co", "2026-06-02")
    clock.sleep(7 * 24 * 3600)
    store = filled.tenant(TENANT.tenant)
    assert make_report(filled, TENANT, [], clock, KNOWN).provider == NAME, "it is about the scan of 1 June"
    with store.write("2026-06-08T00:00:00.000000Z", "p") as writer:
        later = replace(RUN, id="later", started_at="2026-06-08T00:00:00.000000Z", finished_at="", summary={})
        writer.start_run(later)
        writer.finish_run("later", "2026-06-08T00:00:00.000000Z", RUN.summary, [])
    assert make_report(filled, TENANT, [], clock, KNOWN).provider == PLAIN
    assert make_report(filled, TENANT, [], clock, ServiceProviders()).provider is None
    with pytest.raises(Refused, match="there is no provider 'group-co'"):
        make_report(filled, TENANT, [], clock, ServiceProviders({"other": ServiceProvider(NAME)}, "other"))


def test_a_process_has_the_providers_of_its_home(tmp_path: Path, filled: Home, clock: MovingClock) -> None:
    folder = tmp_path / "home"
    world = world_in(folder, filled, clock, Ways(io.StringIO(), clock.now))
    assert world.service_providers() == ServiceProviders()
    (folder / "installation.yaml").write_text("providers: {a: {name: {en: A, ja: ア}}}\n", encoding="utf-8")
    assert world.service_providers() == ServiceProviders({"a": ServiceProvider(Text(en="A", ja="ア"))}, "a")
