"""Who may do what: the one decision on the table of roles and actions."""

from model.access import Access
from model.person import Actor, Tenants


def may(access: Access, actor: Actor, action: str, tenant: str | None = None) -> bool:
    """Return whether an actor may do something by the table `access`; with no tenant (None), for the whole service.

    A machine may do its token's one action, at its one tenant, while the table has that action for machines; it is
    never for the whole service. Raises `KeyError` for an action that the table does not know: that is a defect of the
    caller.
    """
    known = access.actions[action]
    if tenant is not None and not actor.sees(tenant):
        return False
    if actor.kind == "machine":
        return known.machine and action == actor.action and tenant is not None
    return any(action in access.roles[role].may for role in actor.roles if role in access.roles)


def misfit(access: Access, roles: tuple[str, ...], tenants: Tenants) -> str:
    """Return why a person cannot have these roles and tenants by the table `access`; empty where that is in order.

    Nobody stands on both sides, and a customer's person never sees all tenants.
    """
    for role in roles:
        if role not in access.roles or access.roles[role].side == "host":
            known = ", ".join(name for name, role_ in access.roles.items() if role_.side != "host")
            return f"there is no role {role!r} for people; known are {known}"
    sides = {access.roles[role].side for role in roles}
    if len(sides) != 1:
        return "needs at least one role, and roles of one side only: staff's or a customer's"
    if sides == {"customer"} and tenants == "all":
        return "a customer's person belongs to named tenants; add --tenant"
    return ""
