"""`hinomi tokens machine`: tokens of machines, each for one action, one tenant and one source."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from pipeline.access.machines import Machines

machine_app = typer.Typer(help="Tokens of machines: one action, one tenant, one source each.", no_args_is_help=True)

TenantId = Annotated[str, typer.Argument(help="a tenant's id")]


@machine_app.command()
def issue(
    tenant: TenantId,
    action: Annotated[str, typer.Argument(help="the one action; config/access.yaml marks those for machines")],
    source: Annotated[str, typer.Argument(help="the id of what sends, such as aws.cloudtrail-main")],
    label: Annotated[str, typer.Option(help="what it is for")],
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it lasts")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print a machine's token; it is shown this once. It stays when you leave: it is the installation's."""
    from pipeline.access.machines import MachineWanted

    print(_machines(home).issue(MachineWanted(tenant, action, source, label, timedelta(days=days))))


@machine_app.command("list")
def list_(
    tenant: Annotated[str, typer.Argument(help="a tenant's id; none = all that you see")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """List machines' tokens, also those that ended."""
    from rich.console import Console

    from cli.tables import plain_table

    machines = _machines(home)
    table = plain_table("id", "label", "action", "tenant", "source", "issued by", "expires")
    for token in machines.of(tenant) if tenant else machines.all():
        ends = f"revoked {token.revoked_at[:10]}" if token.revoked_at else token.expires_at
        table.add_row(token.id, token.label, token.action, token.tenants[0], token.source, token.issued_by, ends)
    Console(highlight=False, markup=False).print(table)


@machine_app.command()
def revoke(
    tenant: TenantId,
    token: Annotated[str, typer.Argument(help="its id, as `hinomi tokens machine list` shows it")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Revoke a machine's token."""
    print(f"{token} is revoked." if _machines(home).revoke(tenant, token) else f"{token} was revoked before.")


def _machines(home: Path) -> "Machines":
    from catalog import access
    from catalog.folder import config_folder
    from pipeline.access.machines import Machines
    from pipeline.clock import SystemClock

    return Machines(open_authorizer(home), access.load(config_folder()), SystemClock())
