"""What each kind of token can give on, and what ends it: every event by every kind."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from model.fault import Refused
from model.person import HOST, Actor, TokenKind, TokenTerms
from people.tokens import mint
from pipeline.access.authorization import NoSuchTenant, NotAllowed
from pipeline.access.machines import MachineWanted, NoSuchToken
from pipeline.access.people import Wish
from pipeline.access.sign_in import NotSignedIn
from store import schema
from store.home import Home
from store.vouching import DIGESTS
from tests.conftest import MovingClock
from tests.homes import stores_at
from tests.tokens import PASSWORD, Tokens

pytestmark = pytest.mark.sweep

KINDS: tuple[TokenKind, ...] = get_args(TokenKind)
WANTED = MachineWanted("aozora", "runs.read", "aws.cloudtrail-main", "nightly", timedelta(days=366))


@pytest.fixture
def tokens(home: Home, clock: MovingClock) -> Tokens:
    return Tokens(home, clock)


def last_record(address: str) -> tuple[str, str, str, object]:
    """Return who did what to whom, by the newest record of the service's chain, with its detail."""
    with stores_at(address).service().read() as connection:
        row = connection.execute(select(schema.service_audit).order_by(schema.service_audit.c.seq.desc())).first()
    assert row
    detail = json.loads(row.detail)
    assert detail.pop(DIGESTS), "of the rows that were written with it"
    return row.person, row.action, row.subject, detail


def sign_out(tokens: Tokens) -> None:
    actor = tokens.gate.actor(tokens.signed_in)
    assert tokens.gate.revoke(actor, [actor.token]) == 2


def revoke_after_its_end(tokens: Tokens) -> None:
    parent = tokens.gate.actor(tokens.signed_in)
    tokens.clock.sleep(13 * 3600)
    assert tokens.gate.revoke(tokens.gate.actor(tokens.sign_in()), [parent.token]) == 2


def revoke_the_machines(tokens: Tokens) -> None:
    (kept,) = tokens.machines(HOST).all()
    assert tokens.machines(HOST).revoke("aozora", kept.id)
    assert not tokens.machines(HOST).revoke("aozora", kept.id), "once is enough"


def change(**wish: object) -> Callable[[Tokens], None]:
    return lambda tokens: tokens.change(Wish(**wish))  # type: ignore[arg-type]


def wait(**time: float) -> Callable[[Tokens], None]:
    return lambda tokens: tokens.clock.sleep(timedelta(**time).total_seconds())


ALL = frozenset(KINDS)
NOT_THE_PERSONS = frozenset({"machine", "invitation"})
# What happens, and the kinds of token that are good afterwards. The person is who issued the machine's token.
EVENTS: dict[str, tuple[Callable[[Tokens], object], frozenset[str]]] = {
    "nothing": (lambda _: None, ALL),
    "the sign-in's twelve hours are over": (wait(hours=12), ALL - {"sign-in"}),
    "the invitation's three days are over": (wait(days=3), ALL - {"sign-in", "invitation"}),
    "366 days are over": (wait(days=366), frozenset()),
    "the person signs out": (sign_out, NOT_THE_PERSONS),
    "the sign-in is revoked after its end": (revoke_after_its_end, frozenset({"machine"})),
    "the machine's token is revoked": (revoke_the_machines, ALL - {"machine"}),
    "the person is disabled": (lambda tokens: tokens.register.disable("sato"), frozenset({"machine"})),
    "the person loses a role": (change(roles=("analyst",)), NOT_THE_PERSONS),
    "the person has another role instead": (change(roles=("lead", "operator")), NOT_THE_PERSONS),
    "the person loses a tenant": (change(tenants=("aozora",)), NOT_THE_PERSONS),
    "the person gets a role": (change(roles=("operator", "analyst", "lead")), ALL),
    "the person gets all tenants": (change(tenants="all"), ALL),
    "the person is called otherwise": (change(name="佐藤 花子"), ALL),
    "the person is invited anew": (
        lambda tokens: tokens.register.invite("sato", tokens.gate),
        ALL - {"invitation"},
    ),
    "the person enrols anew": (lambda tokens: tokens.gate.enrol(tokens.invitation, PASSWORD), NOT_THE_PERSONS),
}


@pytest.mark.parametrize("event", EVENTS)
def test_what_ends_a_token(tokens: Tokens, event: str) -> None:
    happens, good = EVENTS[event]
    given = tokens.of_each_kind()
    assert set(given) == ALL, "a kind that is new is decided here"
    happens(tokens)
    assert {kind for kind, token in given.items() if tokens.holds(token)} == good
    assert tokens.home.service.audit_fault() == ""


def test_all_tenants_are_more_than_some(tokens: Tokens) -> None:
    tokens.change(Wish(tenants="all"))
    token = tokens.personal()
    tokens.change(Wish(tenants=("aozora", "midori")))
    assert not tokens.holds(token)


def test_a_change_that_takes_something_away_reports_the_tokens_that_it_ended(tokens: Tokens, address: str) -> None:
    tokens.personal()
    assert tokens.register.change("sato", Wish(roles=("operator", "analyst", "lead"))).revoked == 0
    assert tokens.register.change("sato", Wish(roles=("operator", "lead"))).revoked == 2
    assert last_record(address) == (HOST.name, "person.changed", "sato", {"roles": ["operator", "lead"], "tokens": 2})


def test_the_record_of_a_machines_token_says_what_it_is_for(tokens: Tokens, address: str) -> None:
    tokens.machine()
    (kept,) = tokens.machines(HOST).all()
    said = {"source": WANTED.source, "label": WANTED.label, "tenants": ["aozora"], "expires_at": kept.expires_at}
    said |= {"token": kept.id, "kind": "machine", "allowed": "runs.read", "issued_by": "sato"}
    assert last_record(address) == ("sato", "token.issued", f"machine:{kept.id}", said)


def test_a_label_may_be_in_japanese(tokens: Tokens) -> None:
    """With the blank that such a text has (U+3000)."""
    tokens.personal(label="　夜間　取込 ")
    kept = tokens.gate.tokens(tokens.gate.actor(tokens.signed_in))
    assert [token.label for token in kept if token.kind == "personal"] == ["夜間　取込"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_sign_in_issues_tokens(tokens: Tokens, kind: TokenKind) -> None:
    """By every way there is, with a token of every kind, for a day as for a year."""
    token = tokens.of_each_kind()[kind]
    ways: list[Callable[[], str]] = [
        lambda: tokens.personal(by=token, days=1),
        lambda: tokens.machines(tokens.gate.actor(token)).issue(WANTED),
        lambda: tokens.invitation_by(token),
    ]
    for issue in ways:
        if kind == "sign-in":
            assert tokens.holds(issue())
        else:
            with pytest.raises((NotAllowed, NotSignedIn)):
                issue()


def test_a_further_token_is_refused_with_what_to_do(tokens: Tokens) -> None:
    with pytest.raises(NotAllowed, match=r"issues no others; sign in .*`hinomi login`"):
        tokens.personal(by=tokens.personal(days=1))


@pytest.mark.parametrize("days", [-1, 0, 367, 5000])
def test_no_token_lasts_longer_than_366_days(tokens: Tokens, days: int) -> None:
    actor = tokens.gate.actor(tokens.signed_in)
    lasts = timedelta(days=days)
    ways: list[Callable[[], object]] = [
        lambda: tokens.gate.issue(actor, "ci", "all", lasts),
        lambda: tokens.machines(actor).issue(replace(WANTED, lasts=lasts)),
        lambda: mint(TokenTerms(kind="sign-in", label="x", tenants="all"), lasts, tokens.clock.now()),
    ]
    for issue in ways:
        with pytest.raises(Refused, match="366 days"):
            issue()


@pytest.mark.parametrize("event", ["the person signs out", "the person is disabled", "the person loses a tenant"])
def test_whoever_has_changed_since_the_request_began_issues_none(tokens: Tokens, event: str) -> None:
    actor = tokens.gate.actor(tokens.signed_in)
    tokens.personal()
    EVENTS[event][0](tokens)
    with pytest.raises(NotSignedIn):
        tokens.gate.issue(actor, "too late", "all", timedelta(days=1))
    with pytest.raises(NotSignedIn):
        tokens.machines(actor).issue(WANTED)
    with pytest.raises(NotSignedIn):
        tokens.add(actor)


LABELS = ["", " ", *KINDS, " Sign-In", "invitation ", "MACHINE", "a\nb", "x\x1b[2J", "x" * 101]


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_confuses_is_refused(tokens: Tokens, label: str) -> None:
    with pytest.raises(Refused, match="label"):
        tokens.personal(label=label)
    with pytest.raises(Refused, match="label"):
        tokens.machines(tokens.gate.actor(tokens.signed_in)).issue(replace(WANTED, label=label))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tenant": "nobody"}, "no tenant 'nobody'; known are aozora, midori"),
        ({"tenant": "kaede"}, "no tenant 'kaede'; known are aozora, midori"),
        ({"tenant": ""}, "no tenant ''"),
        ({"action": "people.manage"}, "for 'people.manage'; it can be for"),
        ({"action": "service.operate"}, "for 'service.operate'"),
        ({"action": "plans.approve"}, "for 'plans.approve'"),
        ({"action": "plans.run"}, "for 'plans.run'"),
        ({"action": "all"}, "for 'all'"),
        ({"action": "findings.read"}, "sato may not see findings"),
        ({"source": ""}, "no id of a source"),
        ({"source": "AWS main"}, "no id of a source"),
        ({"source": "a\n"}, "no id of a source"),
        ({"source": "a" * 101}, "no id of a source"),
    ],
)
def test_what_a_machine_cannot_have(tokens: Tokens, change: dict[str, str], problem: str) -> None:
    """By an operator of two of three tenants, who cannot see findings."""
    tokens.home.apply("kaede", {"tenant": "kaede"}, "2026-06-01T00:00:00.000000Z", "p")
    tokens.change(Wish(roles=("operator",)))
    machines = tokens.machines(tokens.gate.actor(tokens.sign_in()))
    with pytest.raises(Refused, match=problem):
        machines.issue(replace(WANTED, **change))
    assert machines.all() == []


def test_whoever_manages_no_people_has_nothing_to_do_with_machines(tokens: Tokens) -> None:
    (kept,) = (tokens.machine(), tokens.machines(HOST).all())[1]
    analyst = tokens.machines(Actor("mori", ("analyst",), "all", "t", "sign-in"))
    elsewhere = tokens.machines(Actor("kudo", ("operator",), ("midori",), "t", "sign-in"))
    for refused in (
        lambda: analyst.issue(WANTED),
        lambda: analyst.of("aozora"),
        lambda: analyst.all(),
        lambda: analyst.revoke("aozora", kept.id),
        lambda: elsewhere.of("aozora"),
        lambda: elsewhere.revoke("aozora", kept.id),
        lambda: elsewhere.revoke("midori", kept.id),
    ):
        with pytest.raises((NotAllowed, NoSuchTenant, NoSuchToken)):
            refused()
    assert elsewhere.all() == []


def test_the_hosts_shell_issues_no_machines_token_but_ends_them(tokens: Tokens) -> None:
    token = tokens.machine()
    with pytest.raises(NotSignedIn, match="hinomi login"):
        tokens.machines(HOST).issue(WANTED)
    revoke_the_machines(tokens)
    assert not tokens.holds(token)


def test_a_machine_is_named_by_its_token_and_is_no_persons(tokens: Tokens) -> None:
    actor = tokens.gate.actor(tokens.machine())
    (kept,) = tokens.machines(HOST).of("aozora")
    assert (actor.name, actor.tenants, actor.action) == (f"machine:{kept.id}", ("aozora",), "runs.read")
    assert (kept.person, kept.issued_by, kept.source, kept.label) == ("", "sato", WANTED.source, WANTED.label)
    assert kept.id not in {token.id for token in tokens.gate.tokens(tokens.gate.actor(tokens.signed_in))}
    with pytest.raises(NotAllowed):
        tokens.gate.revoke(actor, [actor.token])
