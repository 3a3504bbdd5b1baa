"""`hinomi audit`: the audit chains."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from pipeline.access.authorization import Authorizer

app = typer.Typer()
audit_app = typer.Typer(help="The audit chains.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")


@audit_app.command()
def verify(
    tenant: Annotated[str, typer.Argument(help="a tenant's id; none = all of them")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say ok, or the first record that was changed, removed, swapped or cut off (exit 1)."""
    from model.canonical import instant
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    broken = False
    if not tenant and authorizer.actor.tenants == "all":
        stores = authorizer.service("audit.verify")
        fault = stores.service.audit_fault() or stores.service.implied_fault(instant(SystemClock().now()))
        broken = bool(fault)
        print(f"service: {fault or 'ok'}")
    for name in [tenant] if tenant else authorizer.tenants("audit.verify"):
        fault = _fault(authorizer, name)
        broken = broken or bool(fault)
        print(f"{name}: {fault or 'ok'}")
    raise typer.Exit(1 if broken else 0)


@audit_app.command("rotate-key")
def rotate_key(home: HomeOption = DEFAULT_HOME) -> None:
    """Seal with a new key from now on; the earlier ones stay, to check what they have sealed. Back up afterwards."""
    from model.canonical import instant
    from pipeline.audit_keys import KeyFolder, add_key
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    stores, before, at = authorizer.whole("service.operate"), KeyFolder(home).current, instant(SystemClock().now())
    key = add_key(home)
    with stores.service.observe(at, authorizer.actor.name) as session:
        session.record("audit.key-rotated", "service", before=before, now=key)
    for tenant in stores.tenants():
        with stores.tenant(tenant).observe(at, authorizer.actor.name) as writer:
            writer.record("audit.key-rotated", tenant, before=before, now=key)
    print(f"Records are sealed by the key {key} from now on. `hinomi backup` keeps it with the others.")


@audit_app.command("set-clock")
def set_clock(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say that this machine's clock is right, though a tenant has records of later moments; that is recorded."""
    from model.fault import Refused
    from model.person import HOST
    from pipeline.changing.permits import set_time
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    store = authorizer.tenant("plans.approve", tenant)
    if authorizer.actor.name == HOST.name:
        raise Refused("that is for somebody who has signed in (`hinomi login`)")
    set_time(store, authorizer.actor.name, SystemClock())
    print(f"{tenant}: the time is counted from now on.")


def _fault(authorizer: "Authorizer", tenant: str) -> str:
    from store.database import StoreFault

    try:
        store = authorizer.tenant("audit.verify", tenant)
        return store.audit_fault() or authorizer.edition_fault(tenant) or store.implied_fault()
    except StoreFault as fault:  # one store that cannot be read hides no other
        return str(fault)
