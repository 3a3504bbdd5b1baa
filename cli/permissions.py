"""`hinomi permissions`: what a customer's roles have to allow."""

from typing import Annotated, Literal

import typer

app = typer.Typer()
permissions_app = typer.Typer(
    help="What a customer's roles have to allow: ours that read, and those that change things.", no_args_is_help=True
)
app.add_typer(permissions_app, name="permissions")


@permissions_app.command("aws")
def aws(
    format: Annotated[
        Literal["json", "cloudformation", "terraform"],
        typer.Option(help="an IAM policy, a CloudFormation template, or Terraform in JSON (save it as NAME.tf.json)"),
    ] = "json",
    option: Annotated[
        str, typer.Option(help="an option of the contract, as function-code: what it needs to read comes with it")
    ] = "",
) -> None:
    """Print the read-only policy, made from the resource types."""
    import json
    from typing import get_args

    from collectors.aws import permissions, resource_types
    from model.fault import Refused
    from model.tenant import Option

    render = {
        "json": permissions.policy_document,
        "cloudformation": permissions.cloudformation,
        "terraform": permissions.terraform,
    }[format]
    asked = [known for known in get_args(Option) if known == option]
    if option and not asked:
        raise Refused(f"--option: {option!r} is none of {', '.join(get_args(Option))}")
    types = [type_.offered(asked) for type_ in resource_types.load()]
    print(json.dumps(render(types), indent=2))


@permissions_app.command("azure")
def azure(
    format: Annotated[
        Literal["json", "bicep", "lighthouse", "graph"],
        typer.Option(
            help="a custom role for `az role definition create`, a Bicep file, a Lighthouse template, "
            "or the application permissions of Microsoft Graph for Entra ID, one a line"
        ),
    ] = "json",
) -> None:
    """Print the read-only role, made from the resource types; Lighthouse takes Azure's own role Reader instead."""
    import json

    from collectors.azure import permissions, resource_types

    if format == "bicep":
        print(permissions.bicep(resource_types.load()), end="")
        return
    if format == "graph":
        print("\n".join(permissions.graph_permissions(resource_types.load())))
        return
    made = permissions.lighthouse() if format == "lighthouse" else permissions.role(resource_types.load())
    print(json.dumps(made, indent=2))


@permissions_app.command("gcp")
def gcp(
    format: Annotated[
        Literal["json", "terraform"],
        typer.Option(
            help="a role for `gcloud iam roles create --file`, or Terraform in JSON (save it as NAME.tf.json)"
        ),
    ] = "json",
) -> None:
    """Print the read-only role, made from the resource types; Google's own roles/cloudasset.viewer allows more."""
    import json

    from collectors.gcp import permissions, resource_types

    render = {"json": permissions.role, "terraform": permissions.terraform}[format]
    print(json.dumps(render(resource_types.load()), indent=2))


@permissions_app.command("kubernetes")
def kubernetes(
    format: Annotated[
        Literal["yaml", "json"], typer.Option(help="manifests for `kubectl apply -f`, or the same as a JSON list")
    ] = "yaml",
) -> None:
    """Print the read-only ClusterRole, made from the types; the one for Secrets stands apart, and may be left out."""
    import json

    from collectors.kubernetes import permissions, resource_types

    roles = permissions.roles(resource_types.load())
    if format == "json":
        print(json.dumps(roles, indent=2))
        return
    import yaml

    print(yaml.safe_dump_all(roles, sort_keys=False), end="")


@permissions_app.command("changes")
def changes(
    provider: Annotated[Literal["aws", "azure", "gcp", "kubernetes"], typer.Option(help="of which cloud")],
    playbook: Annotated[list[str] | None, typer.Option(help="only for this one; may be repeated")] = None,
) -> None:
    """Print the role of the identity that changes things: a policy for AWS, a custom role, or a ClusterRole (YAML)."""
    import json

    from pipeline.changing.plans import playbook_of
    from remediation.playbook import playbooks
    from remediation.roles import role

    chosen = [playbook_of(id_) for id_ in playbook] if playbook else [*playbooks().values()]
    made = role(provider, (need for one in chosen if one.id.split(".")[0] == provider for need in one.needs))
    if provider == "kubernetes":
        import yaml

        print(yaml.safe_dump(made, sort_keys=False), end="")
    else:
        print(json.dumps(made, indent=2))
