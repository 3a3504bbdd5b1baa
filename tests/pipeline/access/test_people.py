"""Local accounts, tokens, and the register of people; nothing makes one person two."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from catalog import access as access_files
from catalog.folder import config_folder
from model.fault import Refused
from model.person import HOST, Actor, Person, Tenants
from people import local
from pipeline.access.authorization import Authorizer, NotAllowed
from pipeline.access.people import Register, Wish
from pipeline.access.sign_in import Gate, NotSignedIn, actor_at_the_shell
from store import schema
from store.home import Home
from tests.conftest import MovingClock
from tests.homes import stores_at, tamper
from tests.passwords import QUICK

ACCESS = access_files.load(config_folder())
AT = "2026-06-01T00:00:00.000000Z"
PASSWORD = "correct horse battery staple"
KEY = b"k" * 32


@pytest.fixture
def gate(home: Home, clock: MovingClock) -> Gate:
    return Gate(home.service, lambda: KEY, clock, QUICK)


def register(home: Home, clock: MovingClock, actor: Actor = HOST) -> Register:
    return Register(Authorizer(home, ACCESS, actor, clock), ACCESS, clock)


def somebody(id_: str = "sato", role: str = "analyst", tenants: Tenants = ("aozora",)) -> Person:
    return Person(id_, "佐藤", "ja", (role,), tenants, "")


@pytest.fixture
def authenticator(home: Home, clock: MovingClock, gate: Gate) -> pyotp.TOTP:
    """The authenticator of sato, an analyst of one of two tenants, who has enrolled."""
    for tenant in ("aozora", "midori"):
        home.apply(tenant, {"tenant": tenant}, AT, "p")
    enrolment = gate.enrol(register(home, clock).add(somebody(), gate), PASSWORD)
    return pyotp.parse_uri(enrolment.uri)  # type: ignore[return-value]


def sign_in(gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock) -> str:
    clock.sleep(30)  # a code counts once
    return gate.with_password("sato", PASSWORD, authenticator.at(clock.now()))


def test_one_time_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B (SHA-1), the last six of its eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert local.used_step(secret, code, at, 0) == at // 30
        assert local.used_step(secret, code, at, at // 30) is None, "a code counts once"
        assert local.used_step(secret, code, at + 90, 0) is None


def test_passwords_are_hashed_by_argon2id() -> None:
    passwords = local.Passwords()
    hashed = passwords.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.is_right(hashed, PASSWORD)
    assert not passwords.is_right(hashed, PASSWORD + " ")
    assert not passwords.is_right("", "")
    with pytest.raises(Refused, match="too short"):
        passwords.hash("short")


def test_a_sealed_secret_opens_for_its_person_and_key_only() -> None:
    sealed = local.seal(KEY, "sato", "SECRET")
    assert "SECRET" not in sealed
    assert local.unseal(KEY, "sato", sealed) == "SECRET"
    for key, person in ((b"x" * 32, "sato"), (KEY, "suzuki")):
        with pytest.raises(Refused):
            local.unseal(key, person, sealed)


def test_password_and_code_give_a_token_of_the_person(
    gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock
) -> None:
    actor = gate.actor(sign_in(gate, authenticator, clock))
    assert (actor.name, actor.roles, actor.tenants) == ("sato", ("analyst",), ("aozora",))


def test_a_code_counts_once_and_every_failure_is_reported_alike(
    gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock
) -> None:
    code = authenticator.at(clock.now())
    gate.with_password("sato", PASSWORD, code)
    said = set()
    for name, password, given in (
        ("sato", PASSWORD, code),
        ("sato", "another password", code),
        ("sato", PASSWORD, "000000"),
        ("nobody", PASSWORD, code),
        ("sato", PASSWORD, ""),
    ):
        with pytest.raises(NotSignedIn) as refused:
            gate.with_password(name, password, given)
        said.add(str(refused.value))
    assert len(said) == 1


def test_wrong_guesses_lock_nobody_out(gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, address: str) -> None:
    for _ in range(9):
        with pytest.raises(NotSignedIn):
            gate.with_password("sato", "a wrong password", "000000")
    assert gate.actor(sign_in(gate, authenticator, clock)).name == "sato"
    assert counted(address) == [1, 2, 4, 8], "records are for good: guessers do not fill them"
    with pytest.raises(NotSignedIn):
        gate.with_password("sato", PASSWORD, "000000")
    assert counted(address) == [1, 2, 4, 8, 1]


def counted(address: str) -> list[int]:
    """Return how many failures in a row each record of them names."""
    table = schema.service_audit
    failed = select(table.c.detail).where(table.c.action == "sign-in.failed").order_by(table.c.seq)
    with stores_at(address).service().read() as connection:
        return [json.loads(detail)["failures"] for detail in connection.execute(failed).scalars()]


def test_tokens_expire_and_are_revoked(gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, home: Home) -> None:
    token = sign_in(gate, authenticator, clock)
    actor = gate.actor(token)
    lasting = gate.issue(actor, "ci", ("aozora",), timedelta(days=30))
    clock.sleep(12 * 3600)
    with pytest.raises(NotSignedIn):
        gate.actor(token)
    assert gate.actor(lasting).name == "sato"
    assert gate.revoke(actor, [gate.actor(lasting).token]) == 1
    with pytest.raises(NotSignedIn):
        gate.actor(lasting)
    assert home.service.audit_fault() == ""


def test_a_token_is_bound_to_tenants_of_its_person(gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock) -> None:
    actor = gate.actor(sign_in(gate, authenticator, clock))
    with pytest.raises(Refused, match="no tenant 'midori'"):
        gate.issue(actor, "ci", ("midori",), timedelta(days=1))
    assert gate.actor(gate.issue(actor, "ci", "all", timedelta(days=1))).tenants == ("aozora",)
    with pytest.raises(Refused, match="366 days"):
        gate.issue(actor, "ci", "all", timedelta(days=5000))


def test_only_the_hash_of_a_token_is_kept(
    gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, address: str, home: Home
) -> None:
    token = sign_in(gate, authenticator, clock)
    with stores_at(address).service().read() as connection:
        kept = [str(tuple(row)) for t in schema.service.sorted_tables for row in connection.execute(select(t))]
    assert kept
    for secret in (token, PASSWORD, authenticator.secret):
        assert not [row for row in kept if secret in row]


def test_roles_and_tenants_that_are_taken_away_are_gone_at_once(
    gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, home: Home
) -> None:
    token = sign_in(gate, authenticator, clock)
    people = register(home, clock)
    assert people.change("sato", Wish(roles=("privacy-officer",), tenants=("midori",))).revoked == 1
    with pytest.raises(NotSignedIn):
        gate.actor(token)
    token = sign_in(gate, authenticator, clock)
    actor = gate.actor(token)
    assert (actor.roles, actor.tenants) == (("privacy-officer",), ("midori",))
    assert people.disable("sato") >= 1
    with pytest.raises(NotSignedIn):
        gate.actor(token)
    with pytest.raises(NotSignedIn):
        sign_in(gate, authenticator, clock)


def test_whoever_enrols_anew_loses_the_tokens_of_before(
    gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, home: Home
) -> None:
    token = sign_in(gate, authenticator, clock)
    gate.enrol(register(home, clock).invite("sato", gate), PASSWORD)
    with pytest.raises(NotSignedIn):
        gate.actor(token)


# Whoever has the host's shell, and what they might try to be somebody else.
FORGED = {
    "nothing known": "hinomi_" + "A" * 43,
    "the name": "sato",
    "no token": " ",
    "sql": "' OR 1=1 --",
    "the host's own name": "operator@host",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused_and_never_the_shell(gate: Gate, authenticator: pyotp.TOTP, forged: str) -> None:
    with pytest.raises(NotSignedIn):
        actor_at_the_shell(gate, forged)


def test_what_is_kept_of_a_token_is_none(gate: Gate, authenticator: pyotp.TOTP, clock: MovingClock, home: Home) -> None:
    token = sign_in(gate, authenticator, clock)
    kept = next(k for k in gate.tokens(gate.actor(token)) if k.label == "sign-in")
    for forged in (kept.hash, kept.id, token[:-1], token + "x", token.upper()):
        with pytest.raises(NotSignedIn):
            gate.actor(forged)


def test_an_invitation_is_no_token_and_ends_with_the_first_sign_in(gate: Gate, clock: MovingClock, home: Home) -> None:
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")
    invitation = register(home, clock).add(somebody(), gate)
    with pytest.raises(NotSignedIn):
        gate.actor(invitation)
    first = gate.enrol(invitation, PASSWORD)
    second = gate.enrol(invitation, PASSWORD)  # the first secret was lost on the way
    assert first.secret != second.secret
    gate.with_password("sato", PASSWORD, pyotp.TOTP(second.secret).at(clock.now()))
    with pytest.raises(NotSignedIn, match="invitation"):
        gate.enrol(invitation, "a password of somebody else")
    again = register(home, clock).invite("sato", gate)
    clock.sleep(3 * 86400)
    with pytest.raises(NotSignedIn, match="invitation"):
        gate.enrol(again, PASSWORD)


def test_no_name_of_a_person_is_the_hosts() -> None:
    import msgspec

    from model.person import SCHEDULE, PersonId

    for name in (HOST.name, SCHEDULE, "machine:0123456789abcdef", "Sato", "a b", "", "ａ", "a@b", "x" * 61, "sato\n"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(name, PersonId)


@pytest.mark.process
def test_no_flag_and_no_variable_makes_the_shell_somebody_else(tmp_path: Path) -> None:
    """The command itself, as whoever has the shell would try it."""
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "HINOMI_HOME": str(tmp_path / "home")}

    def hinomi(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent.parent.parent.parent,
        )

    assert hinomi("init").returncode == 0
    guises = ("USER", "LOGNAME", "SUDO_USER", "USERNAME", "HINOMI_PERSON", "HINOMI_USER", "HINOMI_ACTOR")
    shown = hinomi("whoami", **dict.fromkeys(guises, "sato"))
    assert shown.stdout.startswith("operator@host (host; tenants: all)")
    for flag in ("--person", "--as", "--user", "--actor"):
        assert hinomi("whoami", flag, "sato").returncode == 2
    forged = hinomi("whoami", HINOMI_TOKEN="hinomi_forged")
    assert (forged.returncode, forged.stdout) == (2, "")
    assert "the token is not valid" in forged.stderr
    refused = hinomi("tokens", "issue", "x", "--tenant", "all")
    assert refused.returncode == 2
    assert "only a person who is signed in" in refused.stderr


def test_nobody_raises_themselves_or_gives_more_than_they_have(home: Home, clock: MovingClock, gate: Gate) -> None:
    for tenant in ("aozora", "midori"):
        home.apply(tenant, {"tenant": tenant}, AT, "p")
    register(home, clock).add(somebody("suzuki", "operator", "all"), gate)
    register(home, clock).add(somebody("tanaka", "operator", ("aozora",)), gate)
    suzuki = register(home, clock, Actor("suzuki", ("operator",), "all", "t"))
    with pytest.raises(Refused, match="nobody changes their own"):
        suzuki.change("suzuki", Wish(roles=("lead",)))
    suzuki.change("suzuki", Wish(name="鈴木"))
    tanaka = register(home, clock, Actor("tanaka", ("operator",), ("aozora",), "t"))
    for tenants in ("all", ("midori",)):
        with pytest.raises(Refused, match=r"no tenant 'midori'|cannot give more tenants"):
            tanaka.add(somebody("ito", "analyst", tenants), gate)
    with pytest.raises(Refused, match="no person 'suzuki'"):
        tanaka.disable("suzuki")
    assert [person.id for person in tanaka.all()] == ["tanaka"]
    with pytest.raises(NotAllowed):
        register(home, clock, Actor("viewer", ("viewer",), ("aozora",), "t"))


def test_people_who_do_not_fit_are_refused(home: Home, clock: MovingClock, gate: Gate) -> None:
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")
    people = register(home, clock)
    for person, problem in (
        (replace(somebody(), roles=("viewer",), tenants="all"), "belongs to named tenants"),
        (somebody(tenants=("nobody",)), "no tenant 'nobody'"),
        (somebody(role="host"), "no role 'host'"),
    ):
        with pytest.raises(Refused, match=problem):
            people.add(person, gate)
    people.add(somebody(), gate)
    with pytest.raises(Refused, match="already"):
        people.add(somebody(), gate)
    with home.service.read() as session:
        assert [person.id for person in session.people.all()] == ["sato"]


def test_records_name_their_person_and_show_tampering(
    home: Home, clock: MovingClock, gate: Gate, authenticator: pyotp.TOTP, address: str
) -> None:
    sign_in(gate, authenticator, clock)
    with stores_at(address).service().read() as connection:
        rows = connection.execute(select(schema.service_audit).order_by(schema.service_audit.c.seq))
        done = [(row.person, row.action) for row in rows]
    assert done[:3] == [
        ("operator@host", "person.added"),
        ("operator@host", "token.issued"),
        ("sato", "person.enrolled"),
    ]
    assert done[-1] == ("sato", "token.issued")
    tamper(address, "", "UPDATE audit SET person = 'suzuki' WHERE seq = 1")
    assert home.service.audit_fault() == "record 1 was changed"
