"""`hinomi orders`: what may be remediated without asking each time."""

from datetime import datetime
from typing import Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, TenantName, open_authorizer

app = typer.Typer()
orders_app = typer.Typer(help="What may be remediated without asking each time (an option).", no_args_is_help=True)
app.add_typer(orders_app, name="orders")


@orders_app.command()
def grant(
    tenant: TenantName,
    playbook: Annotated[str, typer.Argument(help="a playbook's id")],
    reason: Annotated[str, typer.Option(help="why nobody has to be asked")],
    expires: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="its last day (Asia/Tokyo)")],
    scope: Annotated[str, typer.Option(help="only in this account, subscription, project or cluster")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Let a playbook remediate what one person could approve, after each scan, until a day."""
    from model.canonical import instant
    from model.order import Order
    from pipeline.changing.plans import grant as record
    from pipeline.clock import SystemClock
    from pipeline.tenants.exceptions import expiry

    clock, authorizer = SystemClock(), open_authorizer(home)
    store = authorizer.tenant("plans.approve", tenant)
    at = instant(clock.now())
    wanted = Order("", playbook, scope, authorizer.actor.name, reason, at, expiry(expires.date(), clock))
    made = record(store, tenant, wanted)
    print(f"{made.id}: {playbook} holds until {expires.date()}")


@orders_app.command()
def withdraw(
    tenant: TenantName,
    order: Annotated[str, typer.Argument(help="an order's id")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a standing order before its day."""
    from pipeline.changing.plans import withdraw as end
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    end(authorizer.tenant("plans.approve", tenant), order, authorizer.actor, SystemClock())
    print(f"{order} has ended")


@orders_app.command("list")
def list_(tenant: TenantName, home: HomeOption = DEFAULT_HOME) -> None:
    """List standing orders, also those that have ended."""
    from cli.plan_views import print_orders

    with open_authorizer(home).tenant("plans.read", tenant).read() as reader:
        print_orders(reader.plans.orders())
