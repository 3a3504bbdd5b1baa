"""Facts to people: a real webhook server that fails on purpose, and the console."""

import io
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from model.alert import Alert, Delivery, Item
from model.canonical import parse_instant
from model.tenant import Channel, Tenant
from model.text import LANGUAGES, Text, printable
from notifier.channels import console
from notifier.message import Message, Ways
from notifier.smtp import Patience
from outgoing.border import NOT_ALLOWED
from pipeline.bounds import Bounds
from pipeline.notifying.notify import Notified, notify
from pipeline.secrets import UNBOUND, TenantSecrets
from store.home import Home
from tests.conftest import MovingClock
from tests.recorded_clouds import TENANT, catalog
from tests.servers.counting import counting
from tests.servers.http_servers import receiver
from tests.servers.smtp_server import breaking_server
from tests.worlds import granting, scan_of, world_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's own example


def hook(url: str, severity: str = "critical") -> Tenant:
    settings = {"url": url, "secret": "env:HOOK"}
    return replace(TENANT, channels=[Channel(name="soc", type="webhook", severity=severity, settings=settings)])  # type: ignore[arg-type]


def notified(home: Home, tenant: Tenant, clock: MovingClock, secret: str = SECRET) -> tuple[Notified, str]:
    terminal = io.StringIO()
    ways = Ways(terminal, clock.now, web_patience=5)
    world = world_of(home, clock, ways=ways, secrets=granting({"HOOK": secret}))
    return notify(world, scan_of(world, tenant, catalog()), 30), terminal.getvalue()


def test_each_alert_arrives_once_and_is_signed_by_the_standard(
    scanned: Home, clock: MovingClock, real_clock: None
) -> None:
    with receiver([200]) as (url, received):
        result, _ = notified(scanned, hook(url), clock)
        again, _ = notified(scanned, hook(url), clock)
    assert result.deliveries == {"sent": len(received)}
    assert again.alerts == 0
    assert len({r.headers["webhook-id"] for r in received}) == len(received) > 5
    for request in received:
        payload = Webhook(SECRET).verify(request.body.decode(), request.headers)
        assert payload["data"]["severity"] == "critical"
        assert payload["type"] == "finding.open"


@pytest.fixture
def real_clock(clock: MovingClock) -> None:
    """The oracle checks time stamps against the machine's clock."""
    from datetime import UTC, datetime

    clock.moment = datetime.now(UTC)


@pytest.mark.parametrize("statuses", [[500, 500, 200], [429, 200], [0, 200], [503, 408, 425, 200]])
def test_what_fails_is_repeated_with_the_same_key_until_it_arrives(
    scanned: Home, clock: MovingClock, statuses: list[int]
) -> None:
    with receiver(statuses) as (url, received):
        result, _ = notified(scanned, hook(url), clock)
    keys = Counter(r.headers["webhook-id"] for r in received)
    assert set(result.deliveries) == {"sent"}
    assert len(keys) == result.deliveries["sent"]
    assert sum(keys.values()) == len(keys) + len(statuses) - 1
    assert clock.slept, "repeats wait"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_what_cannot_succeed_is_tried_once_and_fails_with_its_reason(
    scanned: Home, clock: MovingClock, status: int
) -> None:
    with receiver([status]) as (url, received):
        result, _ = notified(scanned, hook(url), clock)
    assert set(result.deliveries) == {"failed"}
    assert len(received) == result.deliveries["failed"]
    assert result.problems == [f"soc: HTTP {status}"]


def test_a_server_that_stays_away_leaves_deliveries_queued_for_the_next_time(scanned: Home, clock: MovingClock) -> None:
    with receiver([200]) as (url, _):
        pass  # nobody listens there any more
    result, _ = notified(scanned, hook(url), clock)
    assert set(result.deliveries) == {"queued", "put off"}
    clock.sleep(24 * 3600)
    port = int(url.split(":")[2].split("/")[0])
    assert port
    with receiver([200]) as (elsewhere, received):
        later, _ = notified(scanned, hook(elsewhere), clock)
    assert later.deliveries == {"sent": len(received)}


def queued(home: Home) -> list[Delivery]:
    with home.tenant("aozora").read() as reader:
        return reader.deliveries("queued")


def test_a_server_that_stays_away_is_tried_with_one_delivery_and_the_others_lose_no_attempt(
    scanned: Home, clock: MovingClock
) -> None:
    with receiver([200]) as (url, _):
        pass
    result, _ = notified(scanned, hook(url), clock)
    one, *others = sorted(queued(scanned), key=lambda delivery: -delivery.attempts)
    assert result.deliveries == {"queued": 1, "put off": len(others)}
    assert result.problems == ["soc: ConnectError", "soc: put off, because the channel could not be reached"]
    assert one.attempts == 5  # at once, and 2, 4, 8 and 16 seconds after the one before
    assert len(others) > 5
    assert {(other.attempts, other.due_at) for other in others} == {(0, one.due_at)}


def test_a_server_that_never_answers_costs_one_wait_and_another_channel_none(scanned: Home, clock: MovingClock) -> None:
    with breaking_server("greeting", "hangs") as port:
        mail = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@b.example", "recipients": ["c@d.e"]}
        channels = [
            Channel(name="mail", type="email", severity="critical", settings=mail),
            Channel(name="terminal", type="console", severity="critical"),
        ]
        ways = Ways(io.StringIO(), clock.now, mail_patience=Patience(0.5, 0.5, 0.5))
        world = world_of(scanned, clock, ways=ways)
        began = time.monotonic()
        result = notify(world, scan_of(world, replace(TENANT, channels=channels), catalog()), 1)
    waits = (time.monotonic() - began) / 0.5
    assert result.deliveries["sent"] == result.deliveries["put off"] + 1 > 5
    assert [delivery.attempts for delivery in queued(scanned)].count(1) == 1
    assert waits < result.deliveries["put off"]


def test_what_was_put_off_arrives_with_the_one_that_was_tried(scanned: Home, clock: MovingClock) -> None:
    with receiver([200]) as (url, _):
        pass
    notified(scanned, hook(url), clock)
    (due,) = {delivery.due_at for delivery in queued(scanned)}
    clock.moment = parse_instant(due)
    with receiver([200]) as (elsewhere, received):
        result, _ = notified(scanned, hook(elsewhere), clock)
    assert result.deliveries == {"sent": len(received)}
    assert result.problems == []


def test_a_secret_that_cannot_be_read_is_named_by_its_reference_only(scanned: Home, clock: MovingClock) -> None:
    with receiver([200]) as (url, received):
        result, _ = notified(scanned, hook(url), clock, secret="")
    assert received == []
    assert result.problems == ["soc: the secret env:HOOK is not set"]


def test_a_broken_channel_silences_no_other(scanned: Home, clock: MovingClock) -> None:
    broken = hook("http://127.0.0.1:1/x").channels[0]
    good = Channel(name="terminal", type="console", severity="critical")
    result, said = notified(scanned, replace(TENANT, channels=[broken, good]), clock, secret="whsec_abc")
    assert result.problems == ["soc: the signing key env:HOOK is no base64 after whsec_; nothing is sent without a key"]
    assert set(result.deliveries) == {"queued", "sent"}
    assert "[critical]" in said


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "the secret env:HOOK is not set"),
        (" ", "the secret env:HOOK is not set"),
        ("\u3000\n", "the secret env:HOOK is not set"),
        ("whsec_", "the signing key env:HOOK is empty"),
        (" whsec_ ", "the signing key env:HOOK is empty"),
        ("whsec_====", "the signing key env:HOOK is"),
        ("whsec_ ", "the signing key env:HOOK is empty"),
        ("whsec_\u3042", "the signing key env:HOOK is no base64"),
        ("whsec_!!!!", "the signing key env:HOOK is no base64"),
    ],
)
@pytest.mark.process
def test_nothing_is_sent_that_anybody_could_have_signed(
    scanned: Home, clock: MovingClock, secret: str, why: str
) -> None:
    with receiver([200]) as (url, received):
        result, _ = notified(scanned, hook(url), clock, secret)
    assert (received, set(result.deliveries)) == ([], {"queued"})
    (problem,) = result.problems
    assert problem.startswith(f"soc: {why}")


@pytest.mark.process
def test_what_is_no_longer_granted_sends_nothing(scanned: Home, clock: MovingClock) -> None:
    """The file was applied before: what counts is what is granted when it is used."""
    with receiver([200]) as (url, received):
        ways, tenant = Ways(io.StringIO(), clock.now), hook(url)
        bound = TenantSecrets(tenant.tenant, Path("/nowhere"), environment={"HOOK": SECRET})
        for found, why in ((bound, "is not granted to aozora"), (UNBOUND, "belongs to no tenant here")):
            world = replace(world_of(scanned, clock, ways=ways), secrets=lambda _tenant, found=found: found)
            (problem,) = notify(world, scan_of(world, tenant, catalog()), 30).problems
            assert why in problem
            clock.sleep(3600)
    assert received == []


@pytest.mark.process
def test_an_address_that_is_not_allowed_is_one_cause_whatever_listens_there(scanned: Home, clock: MovingClock) -> None:
    """What is allowed is asked when it is used: the file was applied before."""
    with receiver([200]) as (url, received), counting("127.0.0.1") as closed:
        pass
    told = []
    with receiver([200]) as (opened, received):
        for target in (opened, f"http://127.0.0.1:{closed.port}/x", url, "https://nothing.invalid/x"):
            world = world_of(scanned, clock, secrets=granting({"HOOK": SECRET}), bounds=lambda _tenant: Bounds())
            told.append(notify(world, scan_of(world, hook(target), catalog()), 0).problems)
            clock.sleep(24 * 3600)
    assert received == []
    assert told == [["soc: put off, because the channel could not be reached", f"soc: {NOT_ALLOWED}"]] * 4
    with receiver([200]) as (allowed, received):
        result, _ = notified(scanned, hook(allowed), clock)
    assert result.deliveries == {"sent": len(received)}


@pytest.mark.parametrize(("secret", "length"), [("k" * 23, 23), ("whsec_" + "QUJD" * 7, 21), ("k" * 24, 0)])
@pytest.mark.process
def test_a_short_signing_key_is_warned_of(scanned: Home, clock: MovingClock, secret: str, length: int) -> None:
    with receiver([200]) as (url, received):
        result, _ = notified(scanned, hook(url), clock, secret)
    assert result.deliveries == {"sent": len(received)}
    warned = f"soc: sent, but the signing key env:HOOK has only {length} bytes; take a random one of 24 to 64"
    assert result.problems == ([warned] if length else [])


def test_what_no_channel_takes_is_dropped_with_its_reason(scanned: Home, clock: MovingClock) -> None:
    result, _ = notified(scanned, TENANT, clock)
    assert (result.alerts, result.deliveries) == (0, {})
    assert list(result.dropped) == ["no channel takes the severity"]


def test_a_channel_that_was_removed_fails_what_was_queued_for_it(scanned: Home, clock: MovingClock) -> None:
    with receiver([500]) as (url, _):
        notified(scanned, hook(url), clock)
    clock.sleep(24 * 3600)
    result, _ = notified(scanned, TENANT, clock)
    assert set(result.deliveries) == {"failed"}


def test_the_console_speaks_both_languages(scanned: Home, clock: MovingClock) -> None:
    channels = [Channel(name=lang, type="console", severity="critical", language=lang) for lang in LANGUAGES]
    _, said = notified(scanned, replace(TENANT, channels=channels), clock)
    assert "[critical] new: " in said
    assert "[critical] 新規: " in said


def test_the_console_obeys_no_control_characters_of_customers() -> None:
    text = Text(en="x", ja="x")
    item = Item("f", "r", "evil\x1b[2J\nname", "global", Text(en="m\x07", ja="m"))
    alert = Alert("a", "t", "p", "open", "s", "high", text, text, "now", (item,))
    terminal = io.StringIO()
    ways = Ways(terminal, MovingClock().now)
    console.send(Message("k", alert, "en"), console.Settings(), ways)
    assert terminal.getvalue() == "[high] new: x (1)\n    evil?[2J?name  global  m?\n"


@pytest.mark.parametrize(
    "text", ["売上\u3000管理", "a\u00a0b", "1\u2009000", "👩\u200d💻", "が", "か\u3099", "❤\ufe0f"]
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


# Controls, line and paragraph ends, directions (the Bidi_Control of Unicode), what has no width, and what is no text.
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x9b", "\n", "\t", "\u2028", "\u200b", "\ufeff", "\ud800", *BIDI]
)
def test_what_would_be_obeyed_is_a_question_mark(character: str) -> None:
    assert printable(f"a{character}b") == "a?b"


def test_the_body_names_at_most_two_hundred_resources() -> None:
    from notifier.channels.webhook import body_of

    text = Text(en="x", ja="x")
    items = tuple(Item(str(n), "r", "n", "g", text) for n in range(500))
    body = json.loads(body_of(Message("k", Alert("a", "t", "p", "open", "s", "high", text, text, "now", items), "en")))
    assert (len(body["data"]["items"]), body["data"]["resources"]) == (200, 500)
