"""People, tokens and stops of changes that were written behind the records' back decide nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from catalog import access
from catalog.folder import config_folder
from model.canonical import instant
from model.fault import Refused
from model.person import HOST, Person
from people.tokens import hash_of
from pipeline.access.authorization import Authorizer, NotAllowed
from pipeline.access.people import Register, Wish
from pipeline.access.sign_in import Gate, NotSignedIn
from pipeline.changing.plans import halt, lift_halt
from store.home import Home
from store.implied import service_fault
from tests.conftest import MovingClock
from tests.homes import home_at, stores_at, tamper
from tests.passwords import QUICK
from tests.tokens import PASSWORD, Tokens

pytestmark = pytest.mark.sweep

ACCESS = access.load(config_folder())
ENABLED = "UPDATE person SET roles = '[\"lead\"]' WHERE id = 'abe'"
BROKEN = "UPDATE audit SET person = 'mallory' WHERE seq = 2"


@pytest.fixture
def tokens(home: Home, clock: MovingClock) -> Tokens:
    """Return sato, who has signed in and holds a personal token, beside abe, of whom nothing is asked."""
    made = Tokens(home, clock)
    made.register.add(Person("abe", "阿部", "ja", ("analyst",), "all", "", "https://id.example", "abe"), made.gate)
    return made


def begin_anew(tokens: Tokens, address: str) -> None:
    """Have the tokens looked at as a process that begins now does: it has read no record yet."""
    tokens.home = home_at(address)
    tokens.gate = Gate(tokens.home.service, lambda: b"k" * 32, tokens.clock, QUICK)


FORGED = {
    "a token of somebody else's making": f"UPDATE token SET hash = '{hash_of('mine')}' WHERE label = 'ci'",
    "one more token": (
        "INSERT INTO token (hash, id, person, label, tenants, issued_at, expires_at, revoked_at, kind) "
        f"SELECT '{hash_of('mine')}', 'mine', person, label, tenants, issued_at, expires_at, '', kind "
        "FROM token WHERE label = 'ci'"
    ),
    "more tenants": "UPDATE token SET tenants = '\"all\"'",
    "another kind": "UPDATE token SET kind = 'sign-in'",
    "another year": "UPDATE token SET expires_at = '2036' || substr(expires_at, 5)",
    "revoked no more": "UPDATE token SET revoked_at = ''",
    "another person's": "UPDATE token SET person = 'abe'",
    "more roles": "UPDATE person SET roles = '[\"lead\",\"operator\"]' WHERE id = 'sato'",
    "another account": "UPDATE person SET issuer = 'https://evil.example', subject = 'sato' WHERE id = 'sato'",
    "enabled again": "UPDATE person SET disabled_at = '' WHERE id = 'sato'",
}
BEFORE: dict[str, Callable[[Tokens, str], object]] = {
    "another year": lambda tokens, _: tokens.clock.sleep(timedelta(days=367).total_seconds()),
    "revoked no more": lambda tokens, kept: tokens.gate.revoke(tokens.gate.actor(tokens.signed_in), [kept]),
    "enabled again": lambda tokens, _: tokens.register.disable("sato"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_that_was_not_issued_so_is_nobodys(forged: str, tokens: Tokens, address: str) -> None:
    token = tokens.personal()
    (kept,) = [one for one in tokens.gate.tokens(tokens.gate.actor(token)) if one.label == "ci"]
    if forged in BEFORE:
        BEFORE[forged](tokens, kept.id)
    tamper(address, "", FORGED[forged])
    for one in ("mine",) if forged == "one more token" else (token, "mine"):
        with pytest.raises(NotSignedIn):
            tokens.gate.actor(one)
    assert tokens.home.service.implied_fault(instant(tokens.clock.now()))


def test_a_password_that_was_not_set_here_opens_nothing(tokens: Tokens, address: str) -> None:
    other = tokens.gate.enrol(tokens.invitation_by(tokens.signed_in), PASSWORD)
    tamper(address, "", "UPDATE person SET password = (SELECT o.password FROM person o WHERE o.id = 'ito')")
    assert other.person == "ito"
    with pytest.raises(NotSignedIn):
        tokens.sign_in()


DECISIONS: dict[str, Callable[[Tokens], object]] = {
    "somebody is added": lambda tokens: tokens.add(HOST),
    "somebody is invited": lambda tokens: tokens.register.invite("sato", tokens.gate),
    "somebody gets roles": lambda tokens: tokens.change(Wish(roles=("lead", "operator", "analyst"))),
    "a token is issued": lambda tokens: tokens.personal(),
    "a machine's token is issued": lambda tokens: tokens.machine(),
    "changes go on": lambda tokens: lift_halt(tokens.home, "midori", HOST, tokens.clock),
    "a tenant's file is applied": lambda tokens: tokens.home.apply("aozora", {"tenant": "aozora", "x": 1}, "t", "p"),
}
ENDINGS: dict[str, Callable[[Tokens], object]] = {
    "changes are stopped": lambda tokens: halt(tokens.home, "", "r", HOST, tokens.clock),
    "somebody signs in": lambda tokens: tokens.gate.actor(tokens.sign_in()),
    "somebody signs out": lambda tokens: tokens.gate.revoke(
        tokens.gate.actor(tokens.signed_in), [tokens.gate.actor(tokens.signed_in).token]
    ),
    "somebody is disabled": lambda tokens: tokens.register.disable("sato"),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_nothing_is_decided_beside_somebody_who_was_changed(decision: str, tokens: Tokens, address: str) -> None:
    halt(tokens.home, "midori", "r", HOST, tokens.clock)
    tamper(address, "", ENABLED)
    with pytest.raises(Refused, match="service's records cannot be trusted: the person abe was changed without a rec"):
        DECISIONS[decision](tokens)
    assert tokens.home.service.audit_fault() == ""


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("edit", [ENABLED, BROKEN], ids=["a person", "a record"])
def test_what_ends_something_goes_on(edit: str, ending: str, tokens: Tokens, address: str) -> None:
    tamper(address, "", edit)
    begin_anew(tokens, address)
    ENDINGS[ending](tokens)
    assert home_at(address).service.fault(), "and covers nothing up"


def test_whoever_was_changed_is_disabled_and_whoever_was_removed_is_added_anew(tokens: Tokens, address: str) -> None:
    tamper(address, "", ENABLED, "UPDATE person SET id = 'eve' WHERE id = 'sato'")
    for name in ("abe", "eve", "sato"):
        assert tokens.home.service.fault()
        tokens.register.disable(name)
    assert tokens.home.service.fault() == tokens.home.service.implied_fault(instant(tokens.clock.now())) == ""
    tokens.register.add(Person("sato", "佐藤", "ja", ("lead",), "all", ""), tokens.gate)


def test_a_stop_that_somebody_removed_is_made_anew_and_lifted(tokens: Tokens, address: str) -> None:
    halt(tokens.home, "midori", "r", HOST, tokens.clock)
    tamper(address, "", "DELETE FROM halt")
    assert tokens.home.service.fault() == "the stop of changes midori was removed without a record"
    halt(tokens.home, "midori", "r", HOST, tokens.clock)
    lift_halt(tokens.home, "midori", HOST, tokens.clock)
    assert tokens.home.service.fault() == ""


def test_while_the_records_do_not_hold_a_token_only_reads(tokens: Tokens, address: str) -> None:
    """Whoever forges a token and breaks a record could put the record right before it is asked for."""
    token = tokens.personal()
    tamper(address, "", FORGED["another person's"], BROKEN)
    begin_anew(tokens, address)
    actor = tokens.gate.actor(token)
    tamper(address, "", BROKEN.replace("mallory", "p"))
    authorizer = Authorizer(tokens.home, ACCESS, actor, tokens.clock)
    authorizer.allow("findings.read", "aozora")
    with pytest.raises(NotAllowed, match="a token only reads"):
        authorizer.allow("scans.start", "aozora")


def test_what_holds_is_collected_so_that_little_is_read(tokens: Tokens, address: str) -> None:
    """Nothing before the last record that collects is read; `hinomi audit verify` reads all of it."""
    token, other = tokens.personal(), tokens.personal(label="other")
    with tokens.home.service.observe(instant(tokens.clock.now()), "p") as session:
        for _ in range(10_000):
            session.record("did", "x")
    with tokens.home.service.observe(instant(tokens.clock.now()), "p") as session:
        session.record("did", "x")
    tokens.register.change("abe", Wish(name="阿部 一"))
    tamper(address, "", "UPDATE audit SET person = 'mallory' WHERE seq = 5000")
    fresh = home_at(address)
    assert fresh.service.fault() == ""
    assert fresh.service.audit_fault() == "record 5000 was changed"
    with fresh.service.read() as session:
        assert session.token_fault(tokens.gate.actor(token).token) == ""
    tokens.gate.revoke(tokens.gate.actor(token), [tokens.gate.actor(other).token])
    tamper(address, "", "UPDATE token SET revoked_at = '' WHERE label = 'other'", ENABLED)
    with pytest.raises(NotSignedIn):
        tokens.gate.actor(other)
    assert fresh.service.fault() == "the person abe was changed without a record"


OLDER = {"roles": ["lead"], "tenants": "all", "issuer": "https://id.example"}
ADDED = (
    "INSERT INTO person VALUES ('{0}', '{0}', 'ja', '[\"lead\"]', '\"all\"', 'https://id.example', '{0}', '', '', 0, 0,"
    " '2026-06-01T00:00:00.000000Z', '')"
)


def older(home: Home, address: str, *names: str) -> None:
    """Write people as a program did whose records had no digests."""
    tamper(address, "", *map(ADDED.format, names))
    with home.service.observe("2026-06-01T00:00:00.000000Z", "p") as session:
        for name in names:
            session.record("person.added", name, **OLDER)


def test_an_upgrade_records_who_is_there_once(home: Home, address: str) -> None:
    older(home, address, "ken", "rin")
    assert home.service.fault() == "the person ken was added without a record"
    assert home.service.vouch_for_older("p") == ""
    assert home.service.fault() == ""
    tamper(address, "", ADDED.format("eve"), "UPDATE person SET roles = '[]' WHERE id = 'ken'")
    assert home.service.vouch_for_older("p") == "the person eve was added without a record"
    home_at(address).service.vouch_for_older("p")
    assert home.service.fault() == "the person eve was added without a record"


def test_an_upgrade_records_nobody_who_is_not_as_older_records_say_until_they_are_disabled(
    home: Home, address: str, clock: MovingClock
) -> None:
    older(home, address, "ken", "rin")
    tamper(address, "", "UPDATE person SET tenants = '[]' WHERE id = 'ken'", ADDED.format("eve"))
    people = Register(Authorizer(home, ACCESS, HOST, clock), ACCESS, clock)
    for name, done in (("eve", "added"), ("ken", "changed")):
        assert home.service.vouch_for_older("p").startswith(f"the person {name} was {done} without a record")
        people.disable(name)
    assert home.service.vouch_for_older("p") == home.service.fault() == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE token SET revoked_at = ''",
        "UPDATE token SET person = 'abe'",
        "UPDATE token SET expires_at = '2036' || substr(expires_at, 5)",
        "UPDATE token SET id = 'mine' WHERE kind = 'sign-in'",
    ],
)
def test_an_upgrade_records_no_token_that_older_records_do_not_know(
    statement: str, tokens: Tokens, address: str
) -> None:
    kept = tokens.gate.actor(tokens.personal()).token
    tokens.gate.revoke(tokens.gate.actor(tokens.signed_in), [kept])
    with stores_at(address).service().read() as connection:
        assert service_fault(connection) == ""
    tamper(address, "", statement)
    with stores_at(address).service().read() as connection:
        assert service_fault(connection).startswith("the token ")
