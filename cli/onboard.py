"""`hinomi onboard`: what a new customer does in their cloud, and whether it worked."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, UNKNOWNS, HomeOption, open_authorizer, open_world

if TYPE_CHECKING:
    from pipeline.onboarding.reach import Reach

app = typer.Typer()
onboard_app = typer.Typer(help="Access to customers' clouds.", no_args_is_help=True)
app.add_typer(onboard_app, name="onboard")


@onboard_app.command()
def aws(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write the template and the guide into")],
    organization: Annotated[bool, typer.Option("--organization", help="for all accounts of an organisation")] = False,
    principal: Annotated[str, typer.Option(help="ARN that reads; else `aws_principal` of installation.yaml")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write what the customer needs: a CloudFormation template with their external id, and a guide (ja, en)."""
    from catalog.folder import config_folder
    from collectors.aws import resource_types
    from collectors.aws.permissions import Trust
    from model.fault import Fault, Refused
    from pipeline.clock import SystemClock
    from pipeline.installation import settings
    from pipeline.onboarding.aws import documents
    from pipeline.tenants.gate import bought
    from pipeline.tenants.provided import provider_name
    from pipeline.tenants.scopes import new_external_id

    authorizer, installation = open_authorizer(home), settings(home)
    spec = authorizer.file("tenants.apply", tenant)
    reader = principal or installation.aws_principal
    if not reader:
        raise Refused(
            f"who reads is not known: add 'aws_principal' to {home / 'installation.yaml'}, or pass --principal"
        )
    _check_principal(reader)
    trust = Trust(reader, authorizer.service("tenants.apply").external_id(tenant, new_external_id()))
    store, now = authorizer.tenant("tenants.apply", tenant), SystemClock().now()
    types = [type_.offered(bought(store, now)) for type_ in resource_types.load()]
    provider = provider_name(store, now, installation.service_providers)
    for name, text in documents(spec, types, trust, config_folder(), organization, provider).items():
        try:
            output.mkdir(parents=True, exist_ok=True)
            (output / name).write_text(text, encoding="utf-8")
        except OSError as problem:
            raise Refused([Fault(str(output / name), 0, 0, f"cannot be written: {problem.strerror}")]) from None
        print(output / name)


def _check_principal(principal: str) -> None:
    import msgspec

    from model.fault import Refused
    from model.installation import PrincipalArn

    try:
        msgspec.convert(principal, PrincipalArn)
    except msgspec.ValidationError:
        raise Refused(f"{principal!r} is no ARN of a role, a user or an account's root") from None


@onboard_app.command()
def check(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
    format: Annotated[Literal["text", "jsonl"], typer.Option(help="what to print")] = "text",
) -> None:
    """Report for each account whether it can be entered, what is missing, and what stays unknown. Exit 3: gaps."""
    import msgspec

    from catalog.folder import config_folder
    from pipeline.assembly import assemble, offered
    from pipeline.onboarding import reach as onboarding
    from pipeline.tenants.gate import bought

    authorizer = open_authorizer(home)
    spec = authorizer.file("scans.start", tenant)
    whole = True
    store = authorizer.tenant("scans.start", tenant)
    with open_world(home, authorizer, "scans.start") as world:
        catalog = offered(assemble(config_folder()), bought(store, world.clock.now()))
        for reach in onboarding.check(world, spec, catalog):
            whole = whole and reach.whole
            if format == "jsonl":
                sys.stdout.write(msgspec.json.encode(reach).decode() + "\n")
            else:
                _print(reach)
    raise typer.Exit(0 if whole else UNKNOWNS)


@onboard_app.command()
def clusters(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
    format: Annotated[Literal["text", "jsonl"], typer.Option(help="what to print")] = "text",
) -> None:
    """Offer the EKS, AKS and GKE clusters that scans found and that the tenant's file does not name yet."""
    import msgspec

    from model.text import printable
    from pipeline.onboarding.clusters import offered

    authorizer = open_authorizer(home)
    spec = authorizer.file("assets.read", tenant)
    with authorizer.tenant("assets.read", tenant).read() as reader:
        found = list(offered(reader.assets, spec))
    for offer in found:
        if format == "jsonl":
            sys.stdout.write(msgspec.json.encode(offer).decode() + "\n")
            continue
        print(f"{printable(offer.name)}  {offer.kind}  {printable(offer.resource)}")
        print(f"    {printable(offer.command)}")
    if format == "text":
        print(_NEXT if found else "No cluster was found that the tenant's file does not name.")


_NEXT = """
To look at one: bind the role of `hinomi permissions kubernetes`, and add to the tenant's file
    kubernetes:
      - cluster: UID        # kubectl get namespace kube-system -o jsonpath={.metadata.uid}
        name: NAME
        kubeconfig: file:NAME   # in the folder secrets/TENANT/ of the home"""


def _print(reach: "Reach") -> None:
    if reach.closed:
        print(f"{reach.account}: cannot be entered: {reach.closed}")
        return
    print(f"{reach.account}: {'everything can be seen' if reach.whole else 'entered'}")
    for action, kinds in reach.missing.items():
        print(f"    missing permission {action}: {', '.join(kinds)}")
    for cause, kinds in reach.other.items():
        print(f"    not read ({cause}): {', '.join(kinds)}")
    if reach.unknown:
        print(f"    stays unknown in part: {', '.join(reach.unknown)}")
