"""`hinomi changes`: the kill switch."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from pipeline.access.authorization import Authorizer
    from store.home import Home

app = typer.Typer()
changes_app = typer.Typer(help="Stop all changes at once, and let them go on.", no_args_is_help=True)
app.add_typer(changes_app, name="changes")

Whose = Annotated[str, typer.Argument(help="a tenant's id; without one, of all tenants")]


@changes_app.command()
def halt(
    reason: Annotated[str, typer.Option(help="why")],
    tenant: Whose = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Stop all changes from the next call on (the kill switch)."""
    from pipeline.changing.plans import halt as stop
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    stop(_service(authorizer, tenant), tenant, reason, authorizer.actor, SystemClock())
    print(f"changes of {tenant or 'all tenants'} are stopped; `hinomi changes resume {tenant}` lets them go on")


@changes_app.command()
def resume(
    tenant: Whose = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Let changes go on that were stopped."""
    from pipeline.changing.plans import lift_halt
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    lift_halt(_service(authorizer, tenant), tenant, authorizer.actor, SystemClock())
    print(f"changes of {tenant or 'all tenants'} go on")


def _service(authorizer: "Authorizer", tenant: str) -> "Home":
    """Return all stores: for one tenant of the actor's, or for all of them."""
    if not tenant:
        return authorizer.whole("changes.halt")
    authorizer.allow("changes.halt", tenant)
    return authorizer.service("changes.halt")
