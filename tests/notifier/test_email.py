"""E-mail against real SMTP servers: TLS, sign-in, refusals of every kind, and what people read."""

import io
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from demo.company import DATA
from model.alert import Alert, Item
from model.fault import Refused
from model.finding import CATEGORIES, CATEGORY_WORDS, WITHDRAWN, Category, State
from model.tenant import Channel, Tenant
from model.text import LANGUAGES, Language, Text
from notifier import stages
from notifier.channels.email import Settings, compose, send
from notifier.message import SENT, Message, Outcome, Ways, again, never, unreachable
from notifier.smtp import Patience
from pipeline.notifying.notify import Notified, notify
from pipeline.secrets import TenantSecrets
from pipeline.tenants.files import load_tenant
from store.home import Home
from tests.conftest import MovingClock
from tests.facts import context, news
from tests.recorded_clouds import TENANT, catalog
from tests.servers.smtp_server import PASSWORD, USER, Certificate, Mailbox, breaking_server, free_port, mail_server
from tests.worlds import THIS_MACHINE, granting, scan_of, world_of

TO = ["soc@example.com", "ito@example.com", "sato@example.com"]
NOW = datetime(2026, 6, 1, 3, 30, tzinfo=UTC)
TITLE = Text(en="A bucket is open", ja="バケットが公開されている")
FIX = Text(en="Close it.", ja="公開を停止してください。")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("good"))


@pytest.fixture
def mailbox(certificate: Certificate) -> Iterator[Mailbox]:
    with mail_server(Mailbox(), certificate) as running:
        yield running


def settings(port: int, certificate: Certificate | None = None, **more: object) -> dict[str, object]:
    """Return settings as a tenant's file has them."""
    given: dict[str, object] = {"host": "127.0.0.1", "port": port, "sender": "hinomi@soc.example", "recipients": TO}
    if certificate:
        given |= {"ca_file": str(certificate.file), "user": USER, "password": "env:MAIL"}
    else:
        given |= {"security": "none"}
    return given | more


def alert(items: int = 2, became: State = "open", title: Text = TITLE, name: str = "menus") -> Alert:
    message = Text(en="Everybody may read", ja="誰でも読み取れる")
    rows = tuple(
        Item(f"f{n}", f"arn:aws:s3:::{name}-{n}", f"{name}-{n}", "ap-northeast-1", message) for n in range(items)
    )
    at = "2026-06-01T03:00:00.000000Z"
    return Alert("a1", "aozora", "aws.s3.open", became, "123456789012", "high", title, FIX, at, rows)


def attempt(
    given: dict[str, object],
    password: str = PASSWORD,
    patience: Patience = Patience(5, 5, 20),
    notified: Alert | None = None,
) -> Outcome:
    # The patience of web requests is not that of mails.
    ways = Ways(io.StringIO(), lambda: NOW, THIS_MACHINE, patience, 0.001, keeping(given, password).value)
    return send(Message("k" * 32, notified or alert(), "en"), msgspec.convert(given, Settings), ways)


def keeping(given: dict[str, object], password: str) -> TenantSecrets:
    """Return secrets that grant what the settings refer to."""
    return granting({"MAIL": password})(by_mail(given))


def composed(notified: Alert, language: Language = "en") -> EmailMessage:
    return compose(Message("k" * 32, notified, language), msgspec.convert(settings(25), Settings), NOW)


def part(mail: EmailMessage, subtype: str) -> str:
    found = mail.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


# From a finding to a mail.


def by_mail(given: dict[str, object], language: Language = "ja") -> Tenant:
    channel = Channel(name="mail", type="email", severity="critical", language=language, settings=given)
    return replace(TENANT, channels=[channel])


def notified(home: Home, tenant: Tenant, clock: MovingClock, password: str = PASSWORD) -> Notified:
    world = world_of(home, clock, secrets=granting({"MAIL": password}))
    return notify(world, scan_of(world, tenant, catalog()), 30)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_alert_arrives_once_in_its_language_with_the_policy_s_texts(
    scanned: Home, clock: MovingClock, mailbox: Mailbox, certificate: Certificate, language: Language
) -> None:
    tenant = by_mail(settings(mailbox.port, certificate), language)
    assert notified(scanned, tenant, clock).deliveries == {"sent": len(mailbox.taken)}
    assert notified(scanned, tenant, clock).alerts == 0
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) > 5
    assert set(mailbox.signed_in) == {USER.encode()}
    policies = {policy.id: policy.form for policy in catalog().policies}
    with scanned.tenant("aozora").read() as reader:
        alerts = {a.title.of(language): a for a in reader.alerts().values()}
    for mail in mailbox.mails:
        title = max((title for title in alerts if title in mail["Subject"]), key=len)  # one may begin as another
        one = alerts[title]
        assert (
            f"（{len(one.items)}件）" in mail["Subject"]
            if language == "ja"
            else f"({len(one.items)})" in mail["Subject"]
        )
        for subtype in ("plain", "html"):
            text = part(mail, subtype) if subtype == "plain" else visible(part(mail, subtype))
            assert policies[one.policy].fix.of(language) in text
            assert all(item.name in text and item.resource in text for item in one.items)
            assert all(item.message.of(language) in text for item in one.items)


def test_what_fails_is_repeated_as_the_same_message(
    scanned: Home, clock: MovingClock, certificate: Certificate
) -> None:
    box = Mailbox(data=["451 4.3.0 not now", "452 4.2.2 full", "250 taken"])
    with mail_server(box, certificate):
        result = notified(scanned, by_mail(settings(box.port, certificate)), clock)
    assert result.deliveries == {"sent": len(box.taken)}
    assert box.tries == len(box.taken) + 2
    assert len({mail["Message-ID"] for mail in box.mails}) == len(box.taken)
    with scanned.tenant("aozora").read() as reader:
        keys = {delivery.key for delivery in reader.deliveries()}
    assert {mail["Message-ID"] for mail in box.mails} == {f"<{key}@soc.example>" for key in keys}


def test_a_refused_login_fails_and_its_problem_names_no_secret(
    scanned: Home, clock: MovingClock, mailbox: Mailbox, certificate: Certificate
) -> None:
    result = notified(scanned, by_mail(settings(mailbox.port, certificate)), clock, "a wrong password")
    assert set(result.deliveries) == {"failed"}
    assert result.problems == ["mail: login refused: 535 5.7.8"]
    assert mailbox.taken == []


def test_a_mail_that_some_did_not_get_is_sent_and_says_so(
    scanned: Home, clock: MovingClock, certificate: Certificate
) -> None:
    box = Mailbox({TO[0]: "550 5.1.1 who"})
    with mail_server(box, certificate):
        result = notified(scanned, by_mail(settings(box.port, certificate)), clock)
    assert result.deliveries == {"sent": len(box.taken)}
    assert result.problems == [f"mail: 1 of {len(TO)} recipients refused: 1 × 550 5.1.1"]


# The message.


@pytest.mark.process
def test_the_headers_say_who_when_and_that_a_machine_writes(mailbox: Mailbox, certificate: Certificate) -> None:
    assert attempt(settings(mailbox.port, certificate), notified=alert(name="献立")) == SENT
    (mail,) = mailbox.mails
    assert mailbox.recipients == [TO]
    assert mailbox.greeted_as == ["soc.example"], "the sender's domain, not this machine's own name"
    assert mail["From"].addresses[0].display_name == "Hinomi 火の見"
    assert [address.addr_spec for address in mail["To"].addresses] == TO
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{'k' * 32}@soc.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "en"
    assert mail["Subject"] == "[Hinomi] High, new: A bucket is open (2) – aozora"
    assert [p.get_content_type() for p in mail.iter_parts()] == ["text/plain", "text/html"]
    raw = mailbox.taken[0]
    assert max(raw) < 128, "servers without 8BITMIME take it"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78 + 20
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("category", CATEGORIES)
def test_what_kind_of_finding_it_is_stands_in_the_mail_unless_a_configuration(category: Category) -> None:
    for language, heading in (("en", "Category"), ("ja", "分類")):
        mail = composed(replace(alert(), category=category), language)  # type: ignore[arg-type]
        words = CATEGORY_WORDS[category].of(language)  # type: ignore[arg-type]
        for text in (part(mail, "plain"), visible(part(mail, "html"))):
            assert (heading in text and words in text) is (category != "posture")
        assert (words in mail["Subject"]) is (category != "posture")


@pytest.mark.parametrize(
    ("language", "lead"), [("en", "Closed because the policy was withdrawn"), ("ja", "ポリシーの取り下げにより")]
)
def test_a_withdrawn_policy_is_no_remediation_in_a_mail(language: Language, lead: str) -> None:
    resolved = alert(became="resolved")
    for because, told in ((WITHDRAWN, True), ("", False)):
        mail = composed(replace(resolved, because=because), language)
        assert (lead in part(mail, "plain")) is told
        assert (lead in visible(part(mail, "html"))) is told


@pytest.mark.parametrize(
    ("became", "lead"),
    [("open", "サービスの運用において、次の事象を検知しました。"), ("resolved", "次の事象は解消しました。")],
)
def test_what_the_service_notices_of_itself_is_of_no_account(became: State, lead: str) -> None:
    mail = composed(replace(alert(1), category="service", became=became), "ja")
    for text in (part(mail, "plain"), part(mail, "html")):
        assert lead in text
        assert not any(word in text for word in ("アカウント", "123456789012", "リージョン", "リソース", "[]"))


def test_no_header_can_come_in_by_a_text_of_others() -> None:
    evil = Text(en="x\r\nBcc: thief@example.com\r\n\r\nbody\x00\u2028\x1b[2J", ja="")
    mail = composed(alert(title=evil, name="\r\nBcc: thief@example.com\r\n.\r\n<script>alert(1)</script>\x07\ud800"))
    parsed = [line for line in mail.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b" ")]
    assert Counter(line.split(b":")[0] for line in parsed) == Counter(
        b"From To Subject Date Message-ID Auto-Submitted Content-Language MIME-Version Content-Type".split()
    )
    assert "<script>" not in part(mail, "html")
    assert "&lt;script&gt;" in part(mail, "html")
    assert not set(part(mail, "plain")) & set("\r\x00\x07\x1b\u2028\ud800")


def test_long_titles_in_japanese_come_back_whole() -> None:
    long = Text(en="", ja="大" * 150)
    mail = composed(alert(title=long), "ja")
    first = mail.as_bytes().split(b"\r\n\r\n")[0]
    assert max(len(line) for line in first.split(b"\r\n")) <= 78  # RFC 5322, 2.1.1
    assert "=?utf-8?" in first.decode("ascii")
    assert mail["Subject"] == f"【Hinomi】高・新規：{'大' * 150}（2件）／aozora"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "50 of 80 are shown."), ("ja", "全80件のうち50件を表示しています。")],
)
def test_at_most_fifty_resources_are_shown_and_how_many_there_are_is_said(language: Language, said: str) -> None:
    mail = composed(alert(80), language)
    for text in (part(mail, "plain"), visible(part(mail, "html"))):
        assert len(re.findall(r"arn:aws:s3:::menus-\d+", text)) == 50
        assert said in text
    assert "80" in mail["Subject"]
    assert said.replace("80", "50") not in part(composed(alert(50), language), "plain")


def test_what_is_resolved_recommends_nothing_more() -> None:
    assert FIX.en in part(composed(alert()), "plain")
    assert FIX.en not in part(composed(alert(became="resolved")), "plain")
    assert "No longer found on 1 resource in account 123456789012." in part(composed(alert(1, "resolved")), "plain")


@pytest.mark.parametrize(("length", "shown"), [(500, "x" * 500), (501, "x" * 499 + "…"), (100_000, "x" * 499 + "…")])
def test_what_was_found_is_reported_in_at_most_five_hundred_characters(length: int, shown: str) -> None:
    notified = alert(1)
    notified = replace(notified, items=(replace(notified.items[0], message=Text(en="x" * length, ja="")),))
    for text in (part(composed(notified), "plain"), visible(part(composed(notified), "html"))):
        assert max(re.findall("x+…?", text), key=len) == shown


def test_every_state_that_is_reported_has_its_own_words_in_both_languages() -> None:
    """What the stages let through is what there are words for."""
    known = context("low", notified=frozenset({"f"}))
    alerts = [one for state in get_args(State) for one, _ in stages.run([news(1, became=state)], known).alerts]
    assert {one.became for one in alerts} >= {"open", "reopened", "resolved"}
    for language in LANGUAGES:
        leads = {part(composed(alert(became=one.became), language), "plain").splitlines()[0] for one in alerts}
        assert len(leads) == len(alerts)
        assert all("123456789012" in lead for lead in leads)
        assert all(bool(re.search(r"[ぁ-ん]", lead)) == (language == "ja") for lead in leads)


# The server: encryption, sign-in, refusals, faults.


@pytest.mark.process
def test_tls_from_the_first_byte(certificate: Certificate) -> None:
    with mail_server(Mailbox(), certificate, implicit=True) as box:
        given = settings(box.port, certificate, security="tls", user=None, password=None)
        assert attempt(given) == SENT
    assert len(box.taken) == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("host", "days", "trusted", "problem"),
    [
        ("127.0.0.1", 1, False, "self-signed certificate"),
        ("127.0.0.1", -1, True, "certificate has expired"),
        ("elsewhere.example", 1, True, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
    ],
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_does_not_hold_gets_neither_password_nor_mail(
    tmp_path: Path, host: str, days: int, trusted: bool, problem: str, security: str
) -> None:
    certificate = Certificate(tmp_path, host, days)
    with mail_server(Mailbox(), certificate, implicit=security == "tls") as box:
        given = settings(box.port, certificate, security=security)
        outcome = attempt(given if trusted else given | {"ca_file": None})
    assert outcome == unreachable(f"the server's certificate does not hold: {problem}")
    assert box.taken == []


@pytest.mark.process
def test_a_server_that_offers_no_starttls_gets_nothing(certificate: Certificate) -> None:
    with mail_server(Mailbox(), None) as box:
        outcome = attempt(settings(box.port, certificate))
    assert outcome == again("STARTTLS extension not supported by server.")
    assert box.taken == []


@pytest.mark.process
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("454 4.7.0 later", again("STARTTLS refused: 454 4.7.0")),
        ("502 5.5.1 no", never("STARTTLS refused: 502 5.5.1")),
    ],
)
def test_a_refused_starttls_is_for_later_or_never(certificate: Certificate, answer: str, outcome: Outcome) -> None:
    with breaking_server("starttls", answer) as port:
        assert attempt(settings(port, certificate)) == outcome


@pytest.mark.process
@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_read_is_named(mailbox: Mailbox, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "ca.pem"
    if text:
        file.write_text(text)
    with pytest.raises(Refused, match=f"{file} cannot be read: "):
        attempt(settings(mailbox.port, None, security="starttls", ca_file=str(file)))


@pytest.mark.process
def test_a_password_that_cannot_be_sent_is_not_repeated(mailbox: Mailbox, certificate: Certificate) -> None:
    outcome = attempt(settings(mailbox.port, certificate), password="秘密の言葉")
    assert outcome == never("the password is not ASCII, which the sign-in to the server needs")


@pytest.mark.process
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("450 4.2.0 greylisted, soc@example.com", again("message refused: 450 4.2.0")),
        ("452 no room", again("message refused: 452")),
        ("550 5.7.1 <soc@example.com> spam", never("message refused: 550 5.7.1")),
        ("554 no", never("message refused: 554")),
    ],
)
def test_a_refused_message_is_for_later_or_never_and_the_reply_s_text_stays_out(answer: str, outcome: Outcome) -> None:
    with mail_server(Mailbox(data=[answer]), None) as box:
        assert attempt(settings(box.port)) == outcome


@pytest.mark.process
@pytest.mark.parametrize(
    ("answers", "outcome", "takers"),
    [
        (
            ["550 5.1.1 who is soc@example.com", "550 5.1.1 who"],
            ("sent", "2 of 3 recipients refused: 2 × 550 5.1.1"),
            1,
        ),
        (["450 4.2.1 later"], ("sent", "1 of 3 recipients refused: 1 × 450 4.2.1"), 2),
        (["550 a", "551 b", "553 c"], ("never", "all recipients refused: 1 × 550, 1 × 551, 1 × 553"), 0),
        (["550 a", "450 b", "550 c"], ("again", "all recipients refused: 1 × 450, 2 × 550"), 0),
    ],
)
def test_recipients_are_answered_one_by_one(answers: list[str], outcome: tuple[str, str], takers: int) -> None:
    with mail_server(Mailbox(dict(zip(TO, answers, strict=False))), None) as box:
        found = attempt(settings(box.port))
    assert (found.result, found.problem) == outcome
    assert [len(recipients) for recipients in box.recipients] == ([takers] if takers else [])


@pytest.mark.process
@pytest.mark.parametrize(
    ("at", "how", "outcome"),
    [
        ("greeting", "554 go away", never("greeting refused: 554")),
        ("greeting", "421 closing", again("greeting refused: 421")),
        ("greeting", "hangs up", unreachable("the server hung up")),
        ("mail", "hangs up", unreachable("the server hung up")),
        ("mail", "resets", unreachable("the server hung up")),
        ("mail", "553 5.1.8 sender", never("sender refused: 553 5.1.8")),
        ("data", "hangs up", again("the server hung up after the message: it may have been delivered")),
        ("data", "resets", again("the server hung up after the message: it may have been delivered")),
        ("quit", "resets", SENT),
        ("quit", "421 closing", SENT),
    ],
)
def test_a_server_that_breaks_off(at: str, how: str, outcome: Outcome) -> None:
    with breaking_server(at, how) as port:
        assert attempt(settings(port)) == outcome


IN_VAIN = unreachable("the server did not answer within 0.5 s")


@pytest.mark.process
@pytest.mark.parametrize(
    ("at", "how", "seconds", "outcome"),
    [
        ("greeting", "hangs", 0.5, IN_VAIN),
        ("greeting", "drips", 0.5, IN_VAIN),  # each byte in time, and never a whole reply
        ("mail", "hangs", 0.5, IN_VAIN),
        ("rcpt", "drips", 0.5, IN_VAIN),
        (
            "data",
            "hangs",
            1,
            unreachable("the server did not answer within 1 s after the message: it may have been delivered"),
        ),
        (
            "data",
            "drips",
            1,
            unreachable("the server did not answer within 1 s after the message: it may have been delivered"),
        ),
        ("nowhere", "is slow", 2, unreachable("the server took longer than 2 s in all")),
        ("quit", "hangs", 0.5, SENT),
        ("quit", "drips", 0.5, SENT),
    ],
)
@pytest.mark.parametrize("is_tls", [False, True])
def test_a_server_that_takes_too_long_is_left(
    certificate: Certificate, at: str, how: str, seconds: float, outcome: Outcome, is_tls: bool
) -> None:
    secured: dict[str, Any] = {"security": "tls", "ca_file": str(certificate.file)} if is_tls else {}
    with breaking_server(at, how, certificate if is_tls else None) as port:
        began = time.monotonic()
        assert attempt(settings(port, **secured), patience=Patience(0.5, 1, 2)) == outcome
        assert seconds <= time.monotonic() - began < seconds + 5, "the server would go on for half a minute or for ever"


@pytest.mark.process
@pytest.mark.parametrize("at", ["greeting", "ehlo", "data"])
@pytest.mark.parametrize("how", ["never ends", "never ends its line"])
def test_a_reply_without_an_end_is_not_read_to_the_end(at: str, how: str) -> None:
    tracemalloc.start()
    try:
        with breaking_server(at, how) as port:
            outcome = attempt(settings(port), patience=Patience(3, 3, 10))
        assert (outcome.result, outcome.problem) == ("again", "the server's reply has no end")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.process
def test_a_server_that_never_speaks_tls_is_left() -> None:
    with breaking_server("greeting", "hangs") as port:
        given = settings(port, security="tls")
        assert attempt(given, patience=Patience(0.5, 1, 2)) == IN_VAIN


@pytest.mark.process
def test_a_reset_before_anything_was_said_is_for_later() -> None:
    with breaking_server("greeting", "resets") as port:  # whether it still connects is a matter of luck
        assert attempt(settings(port)) in (unreachable("the server hung up"), unreachable("ConnectionResetError"))


@pytest.mark.process
def test_a_challenge_that_is_no_base64_is_never_answered() -> None:
    with breaking_server("auth", "334 a") as port:
        outcome = attempt(settings(port, user="u", password="env:MAIL"))
    assert outcome == never("the server's challenge at the sign-in is not base64")


@pytest.mark.parametrize("host", [f"{'m' * 63}.example", "mail", "2m.example", "192.0.2.1", "2001:db8::1", "::1"])
def test_names_and_addresses_of_machines_hold(host: str) -> None:
    assert msgspec.convert(settings(25, security="tls", host=host), Settings).host == host


@pytest.mark.process
def test_nobody_listens() -> None:
    assert attempt(settings(free_port())) == unreachable("ConnectionRefusedError")


# The settings.


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            "{host: mail.example.com, sender: a@b.example, recipients: [c@d.example], security: none}",
            "this machine only",
        ),
        ("{host: 10.0.0.1, sender: a@b.example, recipients: [c@d.example], security: none}", "this machine only"),
        ("{host: m.example, sender: a@b.example, recipients: [c@d.example], user: u}", "go together"),
        ("{host: m.example, sender: a@b.example, recipients: [c@d.example], password: 'env:P'}", "go together"),
        ("{host: m.example, sender: a@b.example, recipients: []}", "non-empty"),
        (
            f"{{host: m.example, sender: a@b.example, recipients: [{'c@d.example, ' * 51}]}}",
            "c@d.exampl... is too long",
        ),
        ("{host: m.example, sender: a@b.example}", "lacks 'recipients'"),
        (
            "{host: m.example, sender: a@b.example, recipients: ['c@d.example, e@f.example']}",
            "does not fit the pattern",
        ),
        ('{host: m.example, sender: "a@b.example\\nBcc: x@y.example", recipients: [c@d.example]}', "the pattern"),
        ("{host: m.example, sender: a@b.example, recipients: [c@d.example], password: plain, user: u}", "the pattern"),
        ("{host: m.example, sender: a@b.example, recipients: [c@d.example], verify: false}", "'verify' is not known"),
        ("{host: m..example, sender: a@b.example, recipients: [c@d.example]}", "the pattern"),
        ("{host: m-.example, sender: a@b.example, recipients: [c@d.example]}", "the pattern"),
        (f"{{host: {'m' * 64}.example, sender: a@b.example, recipients: [c@d.example]}}", "the pattern"),
        ("{host: m.example, sender: a@b..example, recipients: [c@d.example]}", "the pattern"),
        ("{host: m.example, sender: a@b.example, recipients: [c@-d.example]}", "the pattern"),
        (f"{{host: m.example, sender: a@{'b' * 64}.example, recipients: [c@d.example]}}", "the pattern"),
        (f"{{host: m.example, sender: {'a' * 65}@b.example, recipients: [c@d.example]}}", "the pattern"),
        ("{host: 10.0.0.256, sender: a@b.example, recipients: [c@d.example]}", "neither a name nor an IP address"),
        ("{host: '1::2::3', sender: a@b.example, recipients: [c@d.example]}", "neither a name nor an IP address"),
    ],
)
def test_settings_that_do_not_hold_are_refused_with_their_place(tmp_path: Path, given: str, problem: str) -> None:
    file = tmp_path / "t.yaml"
    text = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    channel = f"  - name: mail\n    type: email\n    settings: {given}\n"
    file.write_text(re.sub(r"(?m)^channels:\n", f"channels:\n{channel}", text), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        load_tenant(file, catalog().policies)
    assert problem in str(refused.value)
    assert re.match(r"\d+:", str(refused.value).removeprefix(f"{file}:"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_may_be_spoken_to_in_the_clear(host: str) -> None:
    assert msgspec.convert(settings(25, host=host), Settings).host == host


def test_the_example_s_channel_holds(tmp_path: Path) -> None:
    """What stands there as a comment can be taken as it is."""
    text = (config_folder() / "example" / "tenant.yaml").read_text(encoding="utf-8")
    file = tmp_path / "t.yaml"
    file.write_text(re.sub(r"(?m)^  # (- name: |  )", r"  \1", text), encoding="utf-8")
    channels = {channel.type: channel for channel in load_tenant(file, catalog().policies).channels}
    assert msgspec.convert(channels["email"].settings, Settings).security == "starttls"


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def visible(page: str) -> str:
    """Return a page's text as a browser reads it."""
    parser = _Visible()
    parser.feed(page)
    return "".join(parser.texts)
