"""The demonstration's people, who sign in, remediate a fault together, and roll it back."""

import secrets
from collections.abc import Mapping

import pyotp
from msgspec import Struct

from model.access import Access
from model.canonical import instant
from model.person import HOST, Actor, Person
from model.plan import Plan, Vote
from pipeline.access.authorization import Authorizer
from pipeline.access.people import Register
from pipeline.access.sign_in import Gate
from pipeline.changing.carrying_out import carry_on, make_rollback
from pipeline.changing.plans import Wanted, make_plan, start, vote
from pipeline.serving.loop import Loop

_CREW = {"aki": "analyst", "ken": "lead", "rin": "lead"}


class Story(Struct, frozen=True):
    """What was done: the plan with how its one step ended, and the same of the plan that rolled it back."""

    plan: Plan
    remediated: str
    rollback: Plan
    rolled_back: str


def sign_in(loop: Loop, access: Access, gate: Gate) -> dict[str, Actor]:
    """Return the crew, each of them signed in, by name.

    They join the tenant of the loop, in roles of the table `access`, and sign in through the gate.
    """
    register = Register(Authorizer(loop.home, access, HOST), access, loop.clock)
    return {name: gate.actor(token) for name, token in enlist(register, gate, loop.tenant.tenant, _CREW).items()}


def enlist(register: Register, gate: Gate, tenant: str, roles: Mapping[str, str]) -> dict[str, str]:
    """Add a tenant's people to the register, by name with a role each; return their tokens by name.

    They enrol and sign in through the gate.
    """
    tokens: dict[str, str] = {}
    for name, role in roles.items():
        password = secrets.token_urlsafe(16)
        enrolment = gate.enrol(
            register.add(Person(name, name.capitalize(), "ja", (role,), (tenant,), ""), gate), password
        )
        tokens[name] = gate.with_password(name, password, pyotp.TOTP(enrolment.secret).now())
    return tokens


def remediate_and_roll_back(loop: Loop, access: Access, crew: dict[str, Actor], wanted: Wanted) -> Story:
    """Plan, approve, carry out and verify a change, then roll it back the same way.

    The crew does what is `wanted` in the stores of the loop, each as far as the table `access` allows.
    """
    authorizers = {name: Authorizer(loop.home, access, actor) for name, actor in crew.items()}
    tenant = loop.tenant.tenant
    store = authorizers["aki"].tenant("plans.propose", tenant)
    plan = make_plan(store, loop.tenant, wanted, crew["aki"], loop.clock)
    remediated = _approve_and_run(loop, authorizers, plan)
    authorizers["aki"].allow("plans.propose", tenant)
    rollback = make_rollback(loop.hands, plan.id, crew["aki"])
    return Story(plan, remediated, rollback, _approve_and_run(loop, authorizers, rollback))


def _approve_and_run(loop: Loop, authorizers: dict[str, Authorizer], plan: Plan) -> str:
    """Return how the plan's one step ended."""
    tenant = loop.tenant.tenant
    for name in ("ken", "rin")[: plan.approvals]:
        store = authorizers[name].tenant("plans.approve", tenant)
        vote(store, Vote(plan.id, plan.hash, name, authorizers[name].side, True, instant(loop.clock.now())), loop.clock)
    authorizers["aki"].allow("plans.run", tenant)
    start(loop.store, loop.tenant, plan.id, "aki", loop.clock)
    carry_on(loop.hands, loop.turn())
    with loop.store.read() as reader:
        (step,) = plan.steps
        return reader.plans.progress(plan.id)[step.target.uid].state
