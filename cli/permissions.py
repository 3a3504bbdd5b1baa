"""`hinomi permissions`: what a customer's roles have to allow."""

from collections.abc import Collection
from functools import partial
from typing import Annotated

import typer

from cli.parameters import choice, command, parameter
from pipeline.providers.provider import Permissions, Provider, Providers
from pipeline.providers.registry import PROVIDERS

app = typer.Typer()
permissions_app = typer.Typer(
    help="What a customer's roles have to allow: ours that read, and those that change things.", no_args_is_help=True
)
app.add_typer(permissions_app, name="permissions")

_OPTION = Annotated[
    str, typer.Option(help="an option of the contract, as function-code: what it needs to read comes with it")
]
_PLAYBOOK = Annotated[list[str] | None, typer.Option(help="only for this one; may be repeated")]
_LOGS = Annotated[
    str, typer.Option(help="what announces logs, as in a tenant's file: print what the role needs that fetches them")
]
_BUCKET = Annotated[list[str] | None, typer.Option(help="where these logs lie; may be repeated")]
_CHANGES_HELP = (
    "Print the role of the identity that changes things: a policy for AWS, a custom role, or a ClusterRole (YAML)."
)


def add_commands(group: typer.Typer, providers: Providers = PROVIDERS) -> None:
    """Add a command for each provider that has permissions, and the one for changes in any of them."""
    having = {one.name: one.permissions for one in providers if one.permissions}
    for provider in providers:
        if provider.permissions:
            _add(group, provider, provider.permissions)
    whose = parameter("provider", choice(having, "of which cloud", "--provider"))
    made = command(partial(_changes, having), _CHANGES_HELP, [whose, parameter("playbook", _PLAYBOOK, None)])
    group.command("changes")(made)


def _add(group: typer.Typer, provider: Provider, permissions: Permissions) -> None:
    usual, format_of = permissions.formats[0], choice(permissions.formats, permissions.format_help, "--format")
    parameters = [parameter("format", format_of, usual)]
    if permissions.by_option:
        parameters.append(parameter("option", _OPTION, ""))
    if provider.feeds:
        parameters += [parameter("logs", _LOGS, ""), parameter("bucket", _BUCKET, None)]
    group.command(provider.name)(command(partial(_read, provider, permissions), permissions.help, parameters))


def _read(
    provider: Provider,
    permissions: Permissions,
    format: str,
    option: str = "",
    logs: str = "",
    bucket: list[str] | None = None,
) -> None:
    if provider.feeds and (logs or bucket):
        _refuse_mixed(permissions, format, option, logs=logs, bucket=bucket)
        print(permissions.text(provider.feeds.role(logs, bucket or [])), end="")
        return
    types = [type_.offered(_given(option)) for type_ in provider.types(None, None)]
    print(permissions.to_read(format, types), end="")


def _refuse_mixed(permissions: Permissions, format: str, option: str, *, logs: str, bucket: list[str] | None) -> None:
    """Raise `Refused` where a role for logs is asked for with what is no part of one."""
    from model.fault import Refused

    if not logs or not bucket:
        raise Refused("--logs and --bucket go together: say what announces the logs, and each bucket in which they lie")
    if option or format != permissions.formats[0]:
        raise Refused(f"--logs is printed as {permissions.formats[0]} only, and without --option")


def _given(option: str) -> Collection[str]:
    """Return what an option of the menu of today gives; raises `Refused` for none of its options."""
    from contract.days import day_of
    from contract.menus import capabilities, menu_on, options_in
    from model.fault import Refused
    from pipeline.clock import SystemClock
    from pipeline.tenants.terms import terms

    menu = menu_on(terms().menus, day_of(SystemClock().now()))
    if option and option not in (known := options_in(menu, menu.items)):
        raise Refused(f"--option: {option!r} is none of {', '.join(known)}")
    return capabilities(menu, [option] if option else [])


def _changes(having: dict[str, Permissions], provider: str, playbook: list[str] | None) -> None:
    from pipeline.changing.plans import playbook_of
    from remediation.playbook import playbooks

    permissions = having[provider]
    chosen = [playbook_of(id_) for id_ in playbook] if playbook else [*playbooks().values()]
    needs = (need for one in chosen if one.id.split(".")[0] == provider for need in one.needs)
    print(permissions.text(permissions.change_role(needs)), end="")


add_commands(permissions_app)
