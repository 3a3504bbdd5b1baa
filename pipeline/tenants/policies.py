"""Applying customers' own policies: what the contract has is asked where it is done."""

from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from pipeline.policies.own_policies import PolicyPlan
from pipeline.tenants.gate import ask
from store.own_policies import RECORDED, PolicyEdition
from store.tenant import TenantStore


def carry_out(store: TenantStore, tenant: str, wanted: PolicyPlan, clock: Clock, person: str) -> PolicyEdition:
    """Apply the plan that is `wanted` to the store of a tenant, named by its id, at the clock's time.

    The audit chain records it, by the person. Policies can be withdrawn without the option too. Raises `NotEntitled`
    where the contract lacks the option, and `Refused` where somebody else was faster.
    """
    if wanted.added or wanted.changed:
        ask(store, tenant, "policies", clock.now())
    at = instant(clock.now())
    with store.write(at, person) as writer:
        if writer.policies.newest().number != wanted.before:
            raise Refused(f"{tenant}: another edition was applied meanwhile; look at the plan again")
        made = writer.policies.add(wanted.documents, at, person)
        changes = {"added": wanted.added, "changed": wanted.changed, "withdrawn": wanted.withdrawn}
        writer.record(RECORDED, tenant, edition=made.number, documents=made.digest, **changes)
    return made
