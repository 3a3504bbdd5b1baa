"""The demonstration's people, who sign in, remediate a fault together, and roll it back."""

import secrets
from collections.abc import Mapping

import pyotp
from msgspec import Struct

from model.access import Access
from model.person import HOST, Person
from model.plan import Plan, Vote
from pipeline.access.authorization import Authorizer
from pipeline.access.people import Register
from pipeline.access.sign_in import Gate
from pipeline.changing.carrying_out import finish, make_rollback
from pipeline.changing.permits import Permits
from pipeline.changing.plans import Wanted, make_plan
from pipeline.world import Task, World, take_task

_CREW = {"aki": "analyst", "ken": "lead", "rin": "lead"}


class Story(Struct, frozen=True):
    """What was done: the plan with how its one step ended, and the same of the plan that rolled it back."""

    plan: Plan
    remediated: str
    rollback: Plan
    rolled_back: str


def sign_in(world: World, tenant: str, access: Access, gate: Gate) -> dict[str, Authorizer]:
    """Return what each of the crew may do, by name, once they have signed in.

    They join the tenant in the world's stores, in roles of the table `access`, and sign in through the gate.
    """
    register = Register(Authorizer(world.home, access, HOST, world.clock), access, world.clock)
    tokens = enlist(register, gate, tenant, _CREW)
    return {name: Authorizer(world.home, access, gate.actor(token), world.clock) for name, token in tokens.items()}


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


def remediate_and_roll_back(world: World, task: Task, crew: dict[str, Authorizer], wanted: Wanted) -> Story:
    """Plan, approve, carry out and verify a change, then roll it back the same way.

    The crew does what is `wanted` for the task's tenant in the world, each as far as their authorizer allows.
    """
    aki, tenant = crew["aki"], task.tenant
    plan = make_plan(aki.tenant("plans.propose", tenant.tenant), tenant, wanted, aki.actor, world.clock)
    remediated = _approve_and_run(world, task, crew, plan)
    aki.allow("plans.propose", tenant.tenant)
    rollback = make_rollback(world, tenant, plan.id, aki.actor)
    return Story(plan, remediated, rollback, _approve_and_run(world, task, crew, rollback))


def _approve_and_run(world: World, task: Task, crew: dict[str, Authorizer], plan: Plan) -> str:
    """Return how the plan's one step ended."""
    tenant = task.tenant
    for name in ("ken", "rin")[: plan.approvals]:
        store = crew[name].tenant("plans.approve", tenant.tenant)
        permits = Permits(world.home, store, tenant.tenant, world.clock)
        permits.vote(Vote(plan.id, plan.hash, name, crew[name].side, True, world.now))
    crew["aki"].allow("plans.run", tenant.tenant)
    finish(world, take_task(world, "change", tenant, task.catalog, "aki"), [plan.id])
    with task.store.read() as reader:
        (step,) = plan.steps
        return reader.plans.progress(plan.id)[step.target.uid].state
