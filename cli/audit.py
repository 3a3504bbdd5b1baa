"""`hinomi audit`: the audit chains."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from pipeline.access.authorization import Authorizer

app = typer.Typer()
audit_app = typer.Typer(help="The audit chains.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")


@audit_app.callback()
def _group() -> None:
    """Keep `verify` a command of its own."""


@audit_app.command()
def verify(
    tenant: Annotated[str, typer.Argument(help="a tenant's id; none = all of them")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say ok, or the first record that was changed, removed, swapped or cut off (exit 1)."""
    authorizer = open_authorizer(home)
    broken = False
    if not tenant and authorizer.actor.tenants == "all":
        stores = authorizer.service("audit.verify")
        fault = stores.service.audit_fault() or stores.service.implied_fault()
        broken = bool(fault)
        print(f"service: {fault or 'ok'}")
    for name in [tenant] if tenant else authorizer.tenants("audit.verify"):
        fault = _fault(authorizer, name)
        broken = broken or bool(fault)
        print(f"{name}: {fault or 'ok'}")
    raise typer.Exit(1 if broken else 0)


def _fault(authorizer: "Authorizer", tenant: str) -> str:
    from store.database import StoreFault

    try:
        store = authorizer.tenant("audit.verify", tenant)
        return store.audit_fault() or authorizer.edition_fault(tenant) or store.implied_fault()
    except StoreFault as fault:  # one store that cannot be read hides no other
        return str(fault)
