"""`hinomi policies`: customers' own policies, an option of the menu."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, TenantName, open_authorizer

if TYPE_CHECKING:
    from pipeline.access.authorization import Authorizer
    from pipeline.policies.own_policies import PolicyPlan

app = typer.Typer()
policies_app = typer.Typer(help="A customer's own policies, in the form of ours.", no_args_is_help=True)
app.add_typer(policies_app, name="policies")

Folder = Annotated[Path, typer.Argument(help="a folder of policies (*.yaml)")]


@policies_app.command()
def check(folder: Folder) -> None:
    """Check policies with their cases, as applying them does; nothing is recorded."""
    print(f"{len(_read(folder))} policies: every case is judged as its author expects")


@policies_app.command()
def apply(
    tenant: TenantName,
    folder: Folder,
    home: HomeOption = DEFAULT_HOME,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan and stop")] = False,
) -> None:
    """Take a folder for the whole set of a customer's own policies; show what changes, and apply it."""
    from pipeline.policies.own_policies import plan

    authorizer = open_authorizer(home)
    store = authorizer.tenant("policies.apply", tenant)
    _carry_out(authorizer, tenant, plan(store, _read(folder)), dry_run=dry_run)


@policies_app.command()
def withdraw(
    tenant: TenantName,
    policy: Annotated[list[str], typer.Argument(help="ids, as `hinomi policies list` shows them")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Withdraw some of a customer's own policies; the next scan resolves their findings for that reason."""
    from pipeline.policies.own_policies import without

    authorizer = open_authorizer(home)
    _carry_out(authorizer, tenant, without(authorizer.tenant("policies.apply", tenant), policy), dry_run=False)


@policies_app.command("list")
def list_(tenant: TenantName, home: HomeOption = DEFAULT_HOME) -> None:
    """List a customer's own policies, and whether the contract has the option."""
    from rich.console import Console

    from cli.tables import plain_table
    from model.text import printable
    from pipeline.clock import SystemClock
    from pipeline.policies.texts import own_texts
    from pipeline.tenants.gate import decided

    authorizer = open_authorizer(home)
    spec = authorizer.file("policies.read", tenant)
    with authorizer.tenant("policies.read", tenant).read() as reader:
        edition, found = reader.policies.newest(), own_texts(reader)
    table = plain_table("id", "severity", "kind", "title")
    for id_ in sorted(edition.documents):
        form = found.get(id_)
        cells = (
            (id_, form.severity, form.kind, form.title.of(spec.language)) if form else (id_, "", "", "cannot be read")
        )
        table.add_row(*(printable(cell) for cell in cells))
    if edition.documents:
        Console(highlight=False, markup=False).print(table)
        print(f"Edition {edition.number} of {edition.applied_at[:10]}, applied by {edition.person}.")
    decision = decided(authorizer.tenant("policies.read", tenant), "policies", SystemClock().now())
    print("In the contract." if decision.allowed else f"Not judged: {decision.reason.en}")


def _read(folder: Path) -> dict[str, str]:
    from pipeline.assembly import kinds
    from pipeline.policies.own_policies import read_folder

    return read_folder(folder, kinds())


def _carry_out(authorizer: "Authorizer", tenant: str, wanted: "PolicyPlan", *, dry_run: bool) -> None:
    from pipeline.clock import SystemClock
    from pipeline.tenants.policies import carry_out

    for sign, ids in (("+", wanted.added), ("~", wanted.changed), ("-", wanted.withdrawn)):
        for id_ in ids:
            print(f"  {sign} {id_}")
    if wanted.is_empty:
        print(f"{tenant}: nothing changes.")
    elif not dry_run:
        store = authorizer.tenant("policies.apply", tenant)
        edition = carry_out(store, tenant, wanted, SystemClock(), authorizer.actor.name)
        print(f"Applied as edition {edition.number}; the next scan judges by {len(edition.documents)} own policies.")
