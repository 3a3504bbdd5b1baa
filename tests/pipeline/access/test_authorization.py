"""Who may do what: the table, the one decision on it, and the authorizer whom everybody has to ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import access as access_files
from catalog.folder import config_folder
from contract.access import may, misfit
from model.access import Action
from model.person import HOST, Actor, Person, Token, actor_of
from pipeline.access.authorization import Authorizer, NoSuchTenant, NotAllowed
from store.home import Home
from tests.conftest import MovingClock

ACCESS = access_files.load(config_folder())
ROLES, ACTIONS = sorted(ACCESS.roles), sorted(ACCESS.actions)
AT = "2026-06-01T00:00:00.000000Z"
TENANTS = st.one_of(st.just("all"), st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(tuple))
ACTORS = st.builds(Actor, st.just("p"), st.lists(st.sampled_from(ROLES)).map(tuple), TENANTS)

# As the contract has it: staff and customers' people, and what must never be theirs.
STAFF = {"analyst", "lead", "contract-manager", "privacy-officer", "operator"}
CUSTOMERS = {"viewer", "approver", "disclosure-officer"}
NEVER = [
    *(
        (role, action)
        for role in sorted(CUSTOMERS)
        for action in ("tenants.apply", "people.manage", "service.operate", "audit.verify")
    ),
    ("operator", "findings.read"),
    ("operator", "assets.read"),
    ("privacy-officer", "assets.read"),
    ("privacy-officer", "scans.start"),
    ("contract-manager", "findings.read"),
    ("contract-manager", "people.manage"),
    ("analyst", "tenants.apply"),
    ("analyst", "people.manage"),
    ("lead", "people.manage"),
    ("viewer", "scans.start"),
    *((role, "exceptions.grant") for role in ROLES if role not in ("lead", "host")),
    ("disclosure-officer", "findings.read"),
]


def test_the_roles_are_those_of_the_plan() -> None:
    assert {name for name, role in ACCESS.roles.items() if role.side == "staff"} == STAFF
    assert {name for name, role in ACCESS.roles.items() if role.side == "customer"} == CUSTOMERS
    assert {name for name, role in ACCESS.roles.items() if role.side == "host"} == set(HOST.roles)


@pytest.mark.parametrize(("role", "action"), NEVER)
def test_what_a_role_must_not_do(role: str, action: str) -> None:
    assert not may(ACCESS, Actor("p", (role,), "all"), action)


def test_every_action_is_somebodys() -> None:
    for action in ACTIONS:
        assert any(action in role.may for role in ACCESS.roles.values()), action


@given(ACTORS, st.sampled_from(ACTIONS), st.sampled_from(["a", "b", "c", "d"]))
def test_a_foreign_tenant_is_out_of_reach_whatever_the_roles(actor: Actor, action: str, tenant: str) -> None:
    if actor.tenants != "all" and tenant not in actor.tenants:
        assert not may(ACCESS, actor, action, tenant)


@given(ACTORS, st.sampled_from(ROLES), st.sampled_from(ACTIONS))
def test_a_further_role_never_takes_anything_away(actor: Actor, role: str, action: str) -> None:
    richer = Actor(actor.name, (*actor.roles, role), actor.tenants)
    assert may(ACCESS, richer, action) >= may(ACCESS, actor, action)


# Written down once more: a machine's token can be for these, and for nothing that people decide.
FOR_MACHINES = {"assets.read", "findings.read", "runs.read", "scans.start", "reports.read", "audit.verify"}
FOR_MACHINES |= {"logs.push", "volume.read"}


def test_what_machines_may_do_is_no_decision_of_people() -> None:
    assert {action for action, known in ACCESS.actions.items() if known.machine} == FOR_MACHINES
    assert not Action("x", "x").machine, "whoever adds an action decides that"


@given(st.sampled_from(ACTIONS), st.sampled_from(["a", "b", "c"]), st.lists(st.sampled_from(ROLES)).map(tuple))
def test_a_machine_may_do_one_action_at_one_tenant(action: str, tenant: str, roles: tuple[str, ...]) -> None:
    """Whatever else is said of it, and never for the whole service."""
    machine = Actor("machine:1", roles, (tenant,), "1", "machine", action)
    places = ("a", "b", "c", "d", None)
    found = [(what, where) for what in ACTIONS for where in places if may(ACCESS, machine, what, where)]
    assert found == ([(action, tenant)] if action in FOR_MACHINES else [])


@given(TENANTS, TENANTS, st.sampled_from(["a", "b", "c", "d"]))
def test_a_token_never_sees_more_than_its_person_and_itself(theirs: object, its: object, tenant: str) -> None:
    person = Person("p", "p", "ja", ("analyst",), theirs, AT)  # type: ignore[arg-type]
    kept = {"id": "1", "hash": "h", "label": "x", "issued_at": AT, "expires_at": AT}
    token = Token(kind="personal", person="p", tenants=its, **kept)  # type: ignore[arg-type]
    sees = [tenants == "all" or tenant in tenants for tenants in (theirs, its)]  # type: ignore[operator]
    actor = actor_of(person, token)
    assert actor
    assert actor.sees(tenant) == all(sees)


@pytest.mark.parametrize(
    ("roles", "tenants", "problem"),
    [
        (("analyst",), "all", ""),
        (("viewer", "approver"), ("a",), ""),
        (("host",), "all", "there is no role 'host' for people"),
        (("root",), "all", "there is no role 'root'"),
        ((), "all", "at least one role"),
        (("analyst", "viewer"), ("a",), "of one side only"),
        (("viewer",), "all", "belongs to named tenants"),
    ],
)
def test_nobody_stands_on_both_sides(roles: tuple[str, ...], tenants: object, problem: str) -> None:
    found = misfit(ACCESS, roles, tenants)  # type: ignore[arg-type]
    assert problem in found
    assert bool(problem) == bool(found)


def test_an_action_that_does_not_exist_is_a_defect() -> None:
    with pytest.raises(KeyError):
        may(ACCESS, HOST, "findings.raed")


def test_a_foreign_tenant_and_none_at_all_look_the_same(home: Home) -> None:
    for tenant in ("aozora", "midori"):
        home.apply(tenant, {"tenant": tenant}, AT, "p")
    authorizer = Authorizer(home, ACCESS, Actor("p", ("viewer",), ("aozora",)), MovingClock())
    authorizer.tenant("findings.read", "aozora")
    said = []
    for tenant in ("midori", "nobody"):
        with pytest.raises(NoSuchTenant) as refused:
            authorizer.tenant("findings.read", tenant)
        said.append(str(refused.value).replace(tenant, "…"))
    assert said[0] == said[1]
    assert "midori" not in said[1]
    assert authorizer.tenants() == ["aozora"]
    with pytest.raises(NotAllowed):
        authorizer.tenant("scans.start", "aozora")
    with pytest.raises(NotAllowed):
        authorizer.service("people.manage")


def test_whoever_is_bound_to_tenants_adds_no_others(home: Home) -> None:
    home.apply("midori", {"tenant": "midori"}, AT, "p")
    authorizer = Authorizer(home, ACCESS, Actor("p", ("operator",), ("aozora",)), MovingClock())
    for tenant in ("midori", "nobody"):
        with pytest.raises(NotAllowed, match="may not add or change the tenant"):
            authorizer.applying(tenant)
    assert authorizer.applying("aozora") is home
    with pytest.raises(NotAllowed, match="is bound to tenants"):
        authorizer.whole("service.operate")
    assert Authorizer(home, ACCESS, Actor("p", ("operator",), "all"), MovingClock()).whole("service.operate") is home
